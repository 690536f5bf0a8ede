package dev.postern.callback;

import dev.postern.sql.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Told what the callback server does, for metrics and tests. Called on its event loop; must not block or throw. */
public interface CallbackListener {

    /** Listens to nothing. */
    CallbackListener NONE = new CallbackListener() {};

    /** What a request reports. */
    enum Report {
        /** Constructive's callback, the bare URL: success or failure by {@code X-Job-Error}. */
        CALLBACK,
        /** The job is completed. */
        COMPLETE,
        /** The attempt failed. */
        FAIL,
        /** The attempt has come so far. */
        PROGRESS,
        /** The attempt is alive. */
        HEARTBEAT
    }

    /** The server accepts connections. */
    default void listening(int port) {}

    /** The database has judged a report; the answer is about to be sent. */
    default void judged(Report report, long jobId, int attempt, Verdict verdict) {}

    /** A batch of outcomes was committed or refused by the database, after the given time. */
    default void stored(Duration took) {}

    /**
     * A request to a report's URL was answered.
     *
     * @param status the HTTP status
     * @param took from the request's headers to the answer
     * @param traceparent the trace context that the function sent with it, or null
     */
    default void answered(Report report, int status, Duration took, @Nullable String traceparent) {}

    /** The server was stopped and its connections are closed. */
    default void stopped() {}
}
