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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what a listener throws away from the jobs: it ends up in the log. */
record GuardedListener(WorkerListener listener) implements WorkerListener {

    private static final Logger log = LoggerFactory.getLogger(GuardedListener.class);

    private static void guard(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            log.error("a worker's listener failed; the job goes on", e);
        }
    }

    @Override
    public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
        guard(() -> listener.claimed(workerId, jobs, took));
    }

    @Override
    public void claimFailed() {
        guard(listener::claimFailed);
    }

    @Override
    public @Nullable String traceparent(ClaimedJob job) {
        try {
            return listener.traceparent(job);
        } catch (RuntimeException e) {
            log.error("a worker's listener failed; the job goes on", e);
            return job.traceparent();
        }
    }

    @Override
    public void dispatched(ClaimedJob job, Optional<URI> url) {
        guard(() -> listener.dispatched(job, url));
    }

    @Override
    public void answered(ClaimedJob job, int status, Duration took) {
        guard(() -> listener.answered(job, status, took));
    }

    @Override
    public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
        guard(() -> listener.ended(job, outcome, verdict));
    }

    @Override
    public void stored(Duration took) {
        guard(() -> listener.stored(took));
    }

    @Override
    public void leaseLost(ClaimedJob job) {
        guard(() -> listener.leaseLost(job));
    }

    @Override
    public void cancelled(ClaimedJob job) {
        guard(() -> listener.cancelled(job));
    }

    @Override
    public void released(ClaimedJob job) {
        guard(() -> listener.released(job));
    }

    @Override
    public void targetOpened(String task) {
        guard(() -> listener.targetOpened(task));
    }

    @Override
    public void targetPaused(String task) {
        guard(() -> listener.targetPaused(task));
    }

    @Override
    public void reported(WorkerReport report) {
        guard(() -> listener.reported(report));
    }
}
