package dev.postern.callback;

/** What can be wrong with a report, and how HTTP says it. Names and statuses are part of docs/protocol.md. */
enum Problem {
    MALFORMED_REQUEST("malformed-request", 400, "The request is not HTTP that this server reads"),
    INVALID_REPORT("invalid-report", 400, "The report cannot be read"),
    INVALID_TOKEN("invalid-token", 401, "The URL carries no attempt token"),
    NOT_FOUND("not-found", 404, "There is nothing at this path"),
    UNKNOWN_JOB("unknown-job", 404, "There is no such job"),
    METHOD_NOT_ALLOWED("method-not-allowed", 405, "The method is not allowed here"),
    REQUEST_TIMEOUT("request-timeout", 408, "The body took too long to arrive"),
    OUTCOME_CONFLICT("outcome-conflict", 409, "The attempt has ended the other way"),
    STALE_ATTEMPT("stale-attempt", 409, "The attempt was superseded"),
    CANCELLED("cancelled", 410, "The job was cancelled"),
    BODY_TOO_LARGE("body-too-large", 413, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", 415, "The body is not JSON"),
    INTERNAL_ERROR("internal-error", 500, "The report could not be stored"),
    DATABASE_AWAY("database-away", 503, "The database does not answer");

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
