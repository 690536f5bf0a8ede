package dev.postern.functions.runtime;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** One call that is being worked on. */
final class LiveCall implements JobContext {

    /** What the callback server takes. */
    private static final int LONGEST_MESSAGE = 2000;

    private final Job job;
    private final @Nullable Callback callback;
    private final Clock clock;

    // Written by the event loop (caller hung up) and by the heartbeat, read by the function's thread.
    private volatile boolean cancelled;

    /** What nobody foresaw; of the call's own thread. */
    private @Nullable String failure;

    LiveCall(Job job, @Nullable Callback callback, Clock clock) {
        this.job = job;
        this.callback = callback;
        this.clock = clock;
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

    void failed(String why) {
        failure = why;
    }

    @Nullable
    String failure() {
        return failure;
    }

    void cancel() {
        cancelled = true;
    }

    @Override
    public Optional<Duration> timeLeft() {
        Instant deadline = job.deadline();
        if (deadline == null) {
            return Optional.empty();
        }
        Duration left = Duration.between(clock.instant(), deadline);
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
    }

    @Override
    public boolean heartbeat() {
        if (callback != null) {
            try {
                if (callback.heartbeatSaysStop()) {
                    cancel();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return !cancelled;
    }

    @Override
    public void progress(double percent, String message) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("percent must be from 0 to 100, is " + percent);
        }
        tell(Map.of("percent", percent, "message", bounded(message)));
    }

    @Override
    public void step(int step, int steps, String message) {
        if (steps < 1 || step < 0 || step > steps) {
            throw new IllegalArgumentException(
                    "a step must be from 0 to the number of steps, at least 1, is " + step + " of " + steps);
        }
        tell(Map.of("step", step, "steps", steps, "message", bounded(message)));
    }

    private void tell(Map<String, Object> progress) {
        if (callback == null) {
            return;
        }
        try {
            if (callback.progressSaysStop(progress)) {
                cancel();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String bounded(String message) {
        return message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE);
    }

    /** Puts the words of the glossary on every log line of the calling thread, which belongs to this call alone. */
    void nameInLogs() {
        name("job", job.id());
        name("task", job.task());
        name("attempt", Integer.toString(job.attempt()));
        name("worker", job.workerId());
        name("tenant", job.databaseId());
        name("actor", job.actorId());
        name("request", job.requestId());
        name("trace", job.traceId());
    }

    private static void name(String key, @Nullable String value) {
        if (value != null) {
            MDC.put(key, value);
        }
    }
}
