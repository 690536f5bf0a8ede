package dev.postern.api;

/** What can be wrong with a request, and how HTTP says it. Names and statuses are part of docs/api.md. */
enum Problem {
    MALFORMED_REQUEST("malformed-request", 400, "The request is not HTTP that this server reads"),
    INVALID_REQUEST("invalid-request", 400, "A value is missing or not as the contract says"),
    UNAUTHENTICATED("unauthenticated", 401, "The token is missing or does not count"),
    FORBIDDEN("forbidden", 403, "The caller may not do this"),
    NOT_FOUND("not-found", 404, "There is no such thing"),
    METHOD_NOT_ALLOWED("method-not-allowed", 405, "The method is not allowed here"),
    REQUEST_TIMEOUT("request-timeout", 408, "The body took too long to arrive"),
    CONFLICT("conflict", 409, "The state does not allow it"),
    PRECONDITION_FAILED("precondition-failed", 412, "Somebody else has changed it"),
    BODY_TOO_LARGE("body-too-large", 413, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", 415, "The body is not JSON"),
    PAYLOAD_REFUSED("payload-refused", 422, "The payload is not as the schema of its task says"),
    TOO_MANY_REQUESTS("too-many-requests", 429, "The tenant sends more than it may"),
    BAD_FUNCTION_ANSWER("bad-function-answer", 502, "What the function answered cannot be handed on"),
    FUNCTION_UNREACHABLE("function-unreachable", 502, "The function is not reached"),
    FUNCTION_SPARED("function-spared", 503, "The function gets no more calls for a while"),
    FUNCTION_TIMEOUT("function-timeout", 504, "The function took too long"),
    GATEWAY_LOOP("gateway-loop", 508, "The call came back to the gateway"),
    INTERNAL_ERROR("internal-error", 500, "The request could not be served"),
    UNAVAILABLE("unavailable", 503, "The request cannot be served now");

    private final String slug;
    private final int status;
    private final String title;

    Problem(String slug, int status, String title) {
        this.slug = slug;
        this.status = status;
        this.title = title;
    }

    String type() {
        return "urn:postern:problem:" + slug;
    }

    int status() {
        return status;
    }

    String title() {
        return title;
    }
}
