package dev.postern.callback;

/** A report was refused. The message is the answer's {@code detail}: for the function's author, without tokens. */
final class ReportException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Problem problem;

    ReportException(Problem problem, String detail) {
        // Refusing is ordinary here, and nobody reads where in the parser it happened.
        super(detail, null, false, false);
        this.problem = problem;
    }

    static ReportException invalid(String detail) {
        return new ReportException(Problem.INVALID_REPORT, detail);
    }

    Problem problem() {
        return problem;
    }

    String detail() {
        return String.valueOf(getMessage());
    }
}
