package dev.postern.api;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request was refused. The message is the answer's {@code detail}, for whoever sent it. */
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Problem problem;
    private final transient List<FieldError> errors;
    private final long retryAfterSeconds;

    /**
     * A value that is wrong.
     *
     * @param field where it stands: {@code query.pageSize}, {@code body.jobType}, {@code body[3].priority}
     * @param pointer the same as a JSON pointer into the body; null where it stands elsewhere, or nobody needs it
     */
    record FieldError(
            String field, String message, @Nullable String pointer) {

        FieldError(String field, String message) {
            this(field, message, null);
        }
    }

    ApiException(Problem problem, String detail) {
        this(problem, detail, List.of());
    }

    ApiException(Problem problem, String detail, List<FieldError> errors) {
        this(problem, detail, errors, 0);
    }

    private ApiException(Problem problem, String detail, List<FieldError> errors, long retryAfterSeconds) {
        // Refusing is ordinary here, and nobody reads where in the code it happened.
        super(detail, null, false, false);
        this.problem = problem;
        this.errors = List.copyOf(errors);
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /** It may go well after that time. */
    static ApiException retryAfter(Problem problem, String detail, Duration time) {
        return new ApiException(problem, detail, List.of(), (time.toMillis() + 999) / 1000);
    }

    /** One value is wrong. */
    static ApiException invalid(String field, String message) {
        return new ApiException(
                Problem.INVALID_REQUEST, field + " " + message, List.of(new FieldError(field, message)));
    }

    Problem problem() {
        return problem;
    }

    String detail() {
        return String.valueOf(getMessage());
    }

    List<FieldError> errors() {
        return errors;
    }

    /** 0 where nobody knows. */
    long retryAfterSeconds() {
        return retryAfterSeconds;
    }
}
