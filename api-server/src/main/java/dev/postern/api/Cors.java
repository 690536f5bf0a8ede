package dev.postern.api;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Set;

/**
 * Lets pages of the named origins, and no others, call the API from a browser (the CORS protocol of the Fetch standard).
 * Tokens are sent by the page itself, so credentials of the browser are never asked for.
 */
final class Cors {

    private static final String REQUEST_HEADERS = String.join(
            ", ",
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Last-Event-ID",
            "Prefer",
            "traceparent",
            ApiRoutes.REQUEST_ID,
            Callers.TENANT_HEADER,
            Callers.ACTOR_HEADER);

    private static final String ANSWER_HEADERS = String.join(
            ", ",
            "ETag",
            "Link",
            "Location",
            "Retry-After",
            "Idempotent-Replay",
            "Preference-Applied",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            FunctionRoutes.FUNCTION_STATUS,
            ApiRoutes.REQUEST_ID);

    private static final String REMEMBERED_SECONDS = "600";

    private final Set<String> origins;

    Cors(List<String> origins) {
        this.origins = Set.copyOf(origins);
    }

    /** Says in the answer that the page may read it, where it may. */
    void allow(HttpServerRequest request, HttpServerResponse response) {
        if (origins.isEmpty()) {
            return;
        }
        response.putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin != null && origins.contains(origin)) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }

    /** Whether a browser asks for leave, for a page that has it. */
    boolean asks(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        return request.method().equals(HttpMethod.OPTIONS)
                && request.headers().contains(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD)
                && origin != null
                && origins.contains(origin);
    }

    /** Gives leave for what the contract has at the path. */
    static void grant(HttpServerResponse response, List<String> methods) {
        response.setStatusCode(204)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, String.join(", ", methods))
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
                .putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECONDS)
                .end();
    }
}
