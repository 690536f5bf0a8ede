package dev.postern.service.client;

/** The API did not do what it was asked for. The message is one line for people. */
public final class ApiFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Kind kind;

    /** Why; scripts tell them apart by the exit code. */
    public enum Kind {
        /** It was asked for something that it does not do, or not in this state. */
        NOT_DONE(1),
        /** What it was asked for makes no sense to it. */
        MISUSED(2),
        /** There is no such thing for this caller. */
        UNKNOWN(5),
        /** The caller's token is missing, does not count, or lacks a permission. */
        REFUSED(6),
        /** Nobody answers, or asks to come back later. The same may work in a while. */
        AWAY(7);

        private final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }

        /** What a command ends with. */
        public int exitCode() {
            return exitCode;
        }
    }

    /** With a message for people, in one line. */
    public ApiFailure(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    ApiFailure(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** The message. */
    public String text() {
        return String.valueOf(getMessage());
    }

    /** Why. */
    public Kind kind() {
        return kind;
    }

    /** Whether it is about the one thing that was asked for; the next one may go well. */
    public boolean ofOne() {
        return kind == Kind.NOT_DONE || kind == Kind.UNKNOWN;
    }
}
