package dev.postern.worker;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;

/** What came of calling a function without a job. */
public sealed interface CallResult {

    /**
     * The function, or something before it, answered.
     *
     * @param status HTTP status, whatever it says
     * @param headers the answer's headers
     * @param body its body, at most 1 MiB
     */
    record Answered(int status, MultiMap headers, Buffer body) implements CallResult {}

    /**
     * There is no answer to hand on.
     *
     * @param detail a sentence without the function's address where that is not the cause
     * @param retryAfter when to come back, where that is known; else zero
     */
    record Failed(Reason reason, String detail, Duration retryAfter) implements CallResult {}

    /** Why there is no answer. */
    enum Reason {
        /** Nothing says where the task's function lives. */
        NO_ROUTE,
        /** Its breaker is open, it asked for a pause, or it has as many calls as it bears. */
        SPARED,
        /** No connection, or it was reset before a status line came. */
        UNREACHABLE,
        /** It took too long. */
        TIMED_OUT,
        /** What came is no HTTP, broke off, or is too large. */
        UNREADABLE,
        /** The caller broke it off. */
        ABORTED
    }
}
