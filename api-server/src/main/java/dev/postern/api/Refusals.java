package dev.postern.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.api.ApiException.FieldError;
import dev.postern.sql.StoreError;
import dev.postern.sql.StoreException;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/** Says as {@code problem+json} why a request was not served. */
final class Refusals {

    private static final long LEAST_RETRY_AFTER_SECONDS = 2;

    private Refusals() {}

    /** What a failure is to whoever sent the request. */
    static ApiException of(@Nullable Throwable cause) {
        if (cause instanceof ApiException known) {
            return known;
        }
        if (cause instanceof StoreException failure && failure.retryable()) {
            return new ApiException(Problem.UNAVAILABLE, "the database does not answer; send the same again");
        }
        if (cause instanceof StoreException failure && failure.conflict()) {
            return new ApiException(Problem.CONFLICT, String.valueOf(failure.refusal()));
        }
        if (cause instanceof StoreException failure && failure.error() == StoreError.INVALID) {
            String reason = failure.refusal();
            return new ApiException(
                    Problem.INVALID_REQUEST,
                    reason == null ? "the database refused a value; nothing was stored" : reason);
        }
        return new ApiException(Problem.INTERNAL_ERROR, "the server's log says why, by the request id");
    }

    /** Ends the answer with the problem; nothing of it may have been written. */
    static Future<Void> send(HttpServerResponse response, Envelope envelope, ApiException refusal) {
        Problem problem = refusal.problem();
        ObjectNode body = JsonText.object()
                .put("type", problem.type())
                .put("title", problem.title())
                .put("status", problem.status())
                .put("detail", refusal.detail());
        if (!refusal.errors().isEmpty()) {
            body.put("field", refusal.errors().getFirst().field());
            for (FieldError error : refusal.errors()) {
                ObjectNode told = body.withArray("errors").addObject();
                told.put("field", error.field()).put("message", error.message());
                if (error.pointer() != null) {
                    told.put("pointer", error.pointer());
                }
            }
        }
        envelope.into(body);
        switch (problem) {
            case UNAVAILABLE, FUNCTION_SPARED ->
                response.putHeader(
                        HttpHeaders.RETRY_AFTER,
                        Long.toString(Math.max(LEAST_RETRY_AFTER_SECONDS, refusal.retryAfterSeconds())));
            case UNAUTHENTICATED -> response.putHeader("WWW-Authenticate", "Bearer realm=\"postern\"");
            case REQUEST_TIMEOUT -> response.putHeader(HttpHeaders.CONNECTION, "close");
            default -> {}
        }
        return response.setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/problem+json")
                .end(JsonText.buffer(body));
    }
}
