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
    BODY_TOO_LARGE("body-too-large", 413, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", 415, "The body is not JSON"),
    TOO_MANY_REQUESTS("too-many-requests", 429, "The tenant sends more than it may"),
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
