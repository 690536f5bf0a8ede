package dev.postern.functions.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.buffer.Buffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An HTTP answer, ready to be written. Failures become problem documents (RFC 9457); no stack trace leaves here. */
record Reply(int status, String contentType, Buffer body, Map<String, String> headers) {

    static final String JSON = "application/json";
    private static final String PROBLEM = "application/problem+json";
    private static final int LONGEST_DETAIL = 1000;

    static Reply result(Buffer json) {
        return new Reply(200, JSON, json, Map.of());
    }

    /** What Prometheus reads. */
    static Reply text(String text) {
        return new Reply(200, "text/plain; version=0.0.4; charset=utf-8", Buffer.buffer(text), Map.of());
    }

    static Reply accepted() {
        return new Reply(202, JSON, Buffer.buffer("{\"accepted\":true}"), Map.of());
    }

    static Reply problem(int status, String type, String title, String detail) {
        return problem(status, type, title, detail, Map.of(), Map.of());
    }

    /** What a failed function answers. */
    static Reply failure(Throwable failure) {
        return failure instanceof FunctionFailure said
                ? failure(said)
                : problem(500, "unexpected-failure", "The function failed", describe(failure));
    }

    private static Reply failure(FunctionFailure failure) {
        String detail = describe(failure);
        return switch (failure) {
            case BadPayload bad ->
                problem(
                        400,
                        "bad-payload",
                        "The payload cannot be used",
                        detail,
                        field("field", bad.field()),
                        Map.of());
            // Some 4xx are tried again (404, 408, 409, 429): the header says that this one is not.
            case PermanentFailure permanent ->
                problem(
                        permanent.status(),
                        "permanent-failure",
                        "The job cannot be done",
                        detail,
                        field("code", permanent.code()),
                        Map.of(JobHeaders.JOB_RETRY, "never"));
            case RetryLater later ->
                problem(
                        503,
                        "retry-later",
                        "The job cannot be done now",
                        detail,
                        Map.of(),
                        Map.of("Retry-After", Long.toString(later.seconds())));
            // Below 500, so that the worker does not count it against this function.
            case UpstreamFailure upstream ->
                problem(
                        425,
                        "upstream-failure",
                        "What the job needs elsewhere failed",
                        detail,
                        Map.of(),
                        upstream.seconds() == 0 ? Map.of() : Map.of("Retry-After", Long.toString(upstream.seconds())));
        };
    }

    /** One line for an operator: the message, with the type in front where the message is not ours. */
    static String describe(Throwable failure) {
        String code = failure instanceof PermanentFailure permanent ? permanent.code() : null;
        String message = code == null ? failure.getMessage() : code + ": " + failure.getMessage();
        String line = failure instanceof FunctionFailure && message != null
                ? message
                : failure.getClass().getSimpleName() + (message == null ? "" : ": " + message);
        return line.length() <= LONGEST_DETAIL ? line : line.substring(0, LONGEST_DETAIL);
    }

    static Reply problem(
            int status,
            String type,
            String title,
            String detail,
            Map<String, String> fields,
            Map<String, String> headers) {
        ObjectNode document = Payloads.JSON
                .createObjectNode()
                .put("type", "urn:postern:problem:" + type)
                .put("title", title)
                .put("status", status)
                .put("detail", detail);
        fields.forEach(document::put);
        return new Reply(status, PROBLEM, bytes(document), headers);
    }

    private static Map<String, String> field(String name, @Nullable String value) {
        return value == null ? Map.of() : Map.of(name, value);
    }

    private static Buffer bytes(ObjectNode document) {
        try {
            return Buffer.buffer(Payloads.JSON.writeValueAsBytes(document));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write a document of plain strings", e);
        }
    }
}
