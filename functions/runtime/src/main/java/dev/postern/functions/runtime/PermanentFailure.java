package dev.postern.functions.runtime;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Trying again is useless: answered with a 4xx and {@code X-Job-Retry: never}; the job becomes a dead letter. A code, if
 * there is one, stands before the message in the dead letter's {@code last_error} ({@code HTTP 422: CODE: message}), and
 * in the field {@code code} of the answer.
 */
public final class PermanentFailure extends FunctionFailure {

    private static final long serialVersionUID = 1;
    private static final int UNPROCESSABLE = 422;
    private static final Pattern CODE = Pattern.compile("[A-Z][A-Z0-9_]{0,62}");

    private final int status;
    private final @Nullable String code;

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
        this(status, null, message, cause);
    }

    private PermanentFailure(int status, @Nullable String code, String message, @Nullable Throwable cause) {
        super(message, cause);
        if (status < 400 || status > 499) {
            throw new IllegalArgumentException("a permanent failure has a status from 400 to 499, not " + status);
        }
        if (code != null && !CODE.matcher(code).matches()) {
            throw new IllegalArgumentException("a code is such as SNAPSHOT_NOT_SEALED, not '" + code + "'");
        }
        this.status = status;
        this.code = code;
    }

    /**
     * Answered 422, with a word that programs can look for.
     *
     * @param code upper-case letters, digits and underscores, such as {@code SNAPSHOT_NOT_SEALED}
     */
    public static PermanentFailure withCode(String code, String message) {
        return withCode(code, message, null);
    }

    /** As above, with what caused it. */
    public static PermanentFailure withCode(String code, String message, @Nullable Throwable cause) {
        return new PermanentFailure(UNPROCESSABLE, code, message, cause);
    }

    /** The status it is answered with. */
    public int status() {
        return status;
    }

    /** The code, or {@code null} when there is none. */
    public @Nullable String code() {
        return code;
    }
}
