package dev.postern.scheduler;

import java.time.Duration;

/**
 * How a scheduler works. Several schedulers on one database may be set differently.
 *
 * @param pollInterval how long it sleeps at most without looking for schedules, give or take a quarter; only what the
 *     notifications miss waits so long. At least 10 ms; default 10 s
 * @param reapInterval how often it looks for expired leases; adds to the time in which a lost worker is noticed, which is
 *     promised as lease + 1 s. At least 10 ms; default 500 ms
 * @param retention how long jobs are remembered that will not run any more
 * @param tickGrace a tick that is taken later was missed, for schedules that skip such ticks. Not negative; default 1 min
 * @param batch schedules or leases per statement, at least 1; default 100
 */
public record SchedulerConfig(
        Duration pollInterval, Duration reapInterval, Retention retention, Duration tickGrace, int batch) {

    private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(10);

    /** Refuses values below the smallest sane ones. */
    public SchedulerConfig {
        require("poll interval", pollInterval, SHORTEST_INTERVAL);
        require("reap interval", reapInterval, SHORTEST_INTERVAL);
        require("tick grace", tickGrace, Duration.ZERO);
        if (batch < 1) {
            throw new IllegalArgumentException("batch must be at least 1, is " + batch);
        }
    }

    /** What suits nearly everybody. */
    public static SchedulerConfig defaults() {
        return new SchedulerConfig(
                Duration.ofSeconds(10), Duration.ofMillis(500), Retention.defaults(), Duration.ofMinutes(1), 100);
    }

    /** The same with another poll interval. */
    public SchedulerConfig withPollInterval(Duration interval) {
        return new SchedulerConfig(interval, reapInterval, retention, tickGrace, batch);
    }

    /** The same with another reap interval. */
    public SchedulerConfig withReapInterval(Duration interval) {
        return new SchedulerConfig(pollInterval, interval, retention, tickGrace, batch);
    }

    /** The same with another retention. */
    public SchedulerConfig withRetention(Retention other) {
        return new SchedulerConfig(pollInterval, reapInterval, other, tickGrace, batch);
    }

    private static void require(String name, Duration value, Duration least) {
        if (value.compareTo(least) < 0) {
            throw new IllegalArgumentException(name + " must be at least " + least + ", is " + value);
        }
    }
}
