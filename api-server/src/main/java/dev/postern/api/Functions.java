package dev.postern.api;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Map;

/**
 * Calls functions for the gateway. Whoever deploys the API brings it: where functions live, how long they may take and when
 * they are spared is not the API's to know.
 */
public interface Functions {

    /**
     * Calls the function of a task, once. Called on the API's event loop; returns at once.
     *
     * @param headers of the contract with functions, such as {@code X-Database-Id}
     * @param payload JSON
     * @param atMost how long the caller waits
     */
    Call call(String task, Map<String, String> headers, Buffer payload, Duration atMost);

    /** A call that is under way. */
    interface Call {

        /** What came of it; does not fail, and completes on the context that it was called on. */
        Future<Reply> reply();

        /** Breaks it off; does nothing when it has ended. */
        void abort();
    }

    /** What came of a call. */
    sealed interface Reply {

        /** The function answered, whatever it says. */
        record Answered(int status, MultiMap headers, Buffer body) implements Reply {}

        /**
         * There is no answer.
         *
         * @param detail a sentence for the caller
         * @param retryAfter when to come back, where that is known; else zero
         */
        record Failed(Reason reason, String detail, Duration retryAfter) implements Reply {}
    }

    /** Why there is no answer. */
    enum Reason {
        /** Nothing says where the task's function lives. */
        NO_ROUTE,
        /** It gets no calls for a while. */
        SPARED,
        /** It is not reached. */
        UNREACHABLE,
        /** It took too long. */
        TIMED_OUT,
        /** What came cannot be read. */
        UNREADABLE,
        /** The call was broken off. */
        ABORTED
    }
}
