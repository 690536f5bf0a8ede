package dev.postern.worker;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** What came of sending a job to its function. */
sealed interface DispatchResult {

    /**
     * The function, or something before it, answered.
     *
     * @param status HTTP status
     * @param headers the answer's headers
     * @param body its body; null when it was larger than the worker reads
     */
    record Answer(int status, MultiMap headers, @Nullable Buffer body) implements DispatchResult {}

    /** No connection, or it was reset before a status line came: the function may never have seen the job. */
    record Unreachable(String reason) implements DispatchResult {}

    /** The function took too long. */
    record TimedOut(String reason) implements DispatchResult {}

    /** Something answered, but no HTTP, or broke off in the middle. */
    record Garbled(String reason) implements DispatchResult {}

    /** Nothing says where the task's function lives. */
    record NoRoute(String reason) implements DispatchResult {}

    /** The worker itself broke the exchange off, because the lease was lost or the drain's time was up. */
    record Aborted() implements DispatchResult {}
}
