package dev.postern.functions.runtime;

import org.jspecify.annotations.Nullable;

/** Trying again is useless: answered with a 4xx and {@code X-Job-Retry: never}. */
public final class PermanentFailure extends FunctionFailure {

    private static final long serialVersionUID = 1;
    private static final int UNPROCESSABLE = 422;

    private final int status;

    /** Answered 422. */
    public PermanentFailure(String message) {
        this(UNPROCESSABLE, message, null);
    }

    /** Answered 422. */
    public PermanentFailure(String message, @Nullable Throwable cause) {
        this(UNPROCESSABLE, message, cause);
    }

    /**
     * Answered with a status of the author's choice.
     *
     * @param status 400 to 499
     */
    public PermanentFailure(int status, String message, @Nullable Throwable cause) {
        super(message, cause);
        if (status < 400 || status > 499) {
            throw new IllegalArgumentException("a permanent failure has a status from 400 to 499, not " + status);
        }
        this.status = status;
    }

    /** The status it is answered with. */
    public int status() {
        return status;
    }
}
