package dev.postern.functions.runtime;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** One call that is being worked on. */
final class LiveCall implements JobContext {

    private final Job job;
    private final @Nullable Callback callback;

    // Written by the event loop (caller hung up) and by the heartbeat, read by the function's thread.
    private volatile boolean cancelled;

    LiveCall(Job job, @Nullable Callback callback) {
        this.job = job;
        this.callback = callback;
    }

    @Override
    public Job job() {
        return job;
    }

    @Nullable
    Callback callback() {
        return callback;
    }

    @Override
    public boolean cancelled() {
        return cancelled;
    }

    void cancel() {
        cancelled = true;
    }

    @Override
    public void progress(int percent, int step, int totalSteps, String message) {
        if (percent < 0 || percent > 100 || step < 0 || step > totalSteps) {
            throw new IllegalArgumentException("progress must be 0 to 100 percent and a step within the total, is "
                    + percent + " percent, step " + step + " of " + totalSteps);
        }
        if (callback == null) {
            return;
        }
        try {
            if (callback.progressSaysStop(
                    Map.of("percent", percent, "step", step, "totalSteps", totalSteps, "message", message))) {
                cancel();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Puts the words of the glossary on every log line of the calling thread, which belongs to this call alone. */
    void nameInLogs() {
        name("job", job.id());
        name("task", job.task());
        name("attempt", Integer.toString(job.attempt()));
        name("worker", job.workerId());
        name("tenant", job.databaseId());
        name("trace", job.traceId());
    }

    private static void name(String key, @Nullable String value) {
        if (value != null) {
            MDC.put(key, value);
        }
    }
}
