package dev.postern.api;

import java.util.List;

/** A request was refused. The message is the answer's {@code detail}, for whoever sent it. */
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Problem problem;
    private final transient List<FieldError> errors;

    /**
     * A value that is wrong.
     *
     * @param field where it stands: {@code query.pageSize}, {@code body.jobType}, {@code body[3].priority}
     */
    record FieldError(String field, String message) {}

    ApiException(Problem problem, String detail) {
        this(problem, detail, List.of());
    }

    ApiException(Problem problem, String detail, List<FieldError> errors) {
        // Refusing is ordinary here, and nobody reads where in the code it happened.
        super(detail, null, false, false);
        this.problem = problem;
        this.errors = List.copyOf(errors);
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
}
