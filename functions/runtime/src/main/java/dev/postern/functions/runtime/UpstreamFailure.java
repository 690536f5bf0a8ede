package dev.postern.functions.runtime;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Something that the function called for this one job failed; the function itself is well. Answered 425: the attempt is
 * charged and tried again, and unlike with a 5xx the worker goes on sending other jobs at full speed. For what differs from
 * job to job, such as an address of the tenant's choice. What all jobs need, such as one mail provider, is no case for it:
 * an ordinary exception lets the worker spare the function until it is back.
 */
public final class UpstreamFailure extends FunctionFailure {

    private static final long serialVersionUID = 1;

    private final Duration after;

    /** Tried again after the queue's own growing delays. */
    public UpstreamFailure(String message, @Nullable Throwable cause) {
        this(Duration.ZERO, message, cause);
    }

    /**
     * Tried again after the queue's own delays, and not before a time.
     *
     * @param after how long to wait at least; sent in whole seconds, rounded up, zero for no such time
     */
    public UpstreamFailure(Duration after, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.after = after;
    }

    /** In whole seconds, as {@code Retry-After} carries it; 0 for none. */
    long seconds() {
        return after.plusNanos(999_999_999).toSeconds();
    }
}
