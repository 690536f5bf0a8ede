package dev.postern.functions.runtime;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Trying again makes sense, but not before a known time: answered 503 with {@code Retry-After}. */
public final class RetryLater extends FunctionFailure {

    private static final long serialVersionUID = 1;

    private final Duration after;

    /**
     * Says why and when.
     *
     * @param after how long to wait; sent in whole seconds, rounded up, at least one
     */
    public RetryLater(Duration after, String message) {
        this(after, message, null);
    }

    /** As above, with what caused it. */
    public RetryLater(Duration after, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.after = after;
    }

    /** In whole seconds, as {@code Retry-After} carries it. */
    long seconds() {
        long roundedUp = after.plusNanos(999_999_999).toSeconds();
        return Math.max(1, roundedUp);
    }
}
