package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Told of each step of a job's path, for metrics, traces, the demo and tests. Called on the worker's event loop: return
 * at once. What a listener throws is its own bug and ends up in the log.
 */
public interface WorkerListener {

    /** Listens to nothing. */
    WorkerListener NONE = new WorkerListener() {};

    /** A claim of the worker came back, with no jobs or many, after the given time. */
    default void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {}

    /** A claim failed, each few seconds while the database is away. */
    default void claimFailed() {}

    /**
     * The W3C trace context that the job's function is called under, asked right before each dispatch; null for none. The
     * job's own, unless somebody traces dispatches.
     */
    default @Nullable String traceparent(ClaimedJob job) {
        return job.traceparent();
    }

    /** The job is on its way to its function; empty when nothing says where that lives. */
    default void dispatched(ClaimedJob job, Optional<URI> url) {}

    /** The function answered, or did not, after the given time; status is 0 where there was no answer. */
    default void answered(ClaimedJob job, int status, Duration took) {}

    /** The outcome was offered and the database answered. */
    default void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {}

    /** A batch of outcomes was committed or refused by the database, after the given time. */
    default void stored(Duration took) {}

    /** The lease was lost or could not be trusted any more; the exchange was broken off. */
    default void leaseLost(ClaimedJob job) {}

    /** The job was cancelled while its function worked; the exchange was broken off. */
    default void cancelled(ClaimedJob job) {}

    /** The job was given back, uncharged: while draining, or because its target took none when it had been claimed. */
    default void released(ClaimedJob job) {}

    /** A target's breaker opened, or its one call failed and it stays open. Named by the first task that goes there. */
    default void targetOpened(String task) {}

    /** A target asked for a pause. Named by the first task that goes there. */
    default void targetPaused(String task) {}

    /** How the worker and its targets are, every ten seconds and when a target's state changes. */
    default void reported(WorkerReport report) {}
}
