package dev.postern.scheduler;

import java.time.Duration;
import java.util.Optional;

/**
 * How long jobs are remembered that will not run any more. History goes by whole days of UTC.
 *
 * @param succeeded how long jobs stay in the history that succeeded, and ticks that were taken. At least a day; default 7
 *     days
 * @param cancelled how long those stay that were cancelled. At least a day; default 7 days
 * @param dead how long dead letters stay, from their death on, until they are purged. At least a day; by default they are
 *     kept
 */
public record Retention(Duration succeeded, Duration cancelled, Optional<Duration> dead) {

    private static final Duration SHORTEST = Duration.ofDays(1);

    /** Refuses less than a day. */
    public Retention {
        require("succeeded jobs", succeeded);
        require("cancelled jobs", cancelled);
        dead.ifPresent(duration -> require("dead letters", duration));
    }

    /** A week of history; dead letters are kept. */
    public static Retention defaults() {
        return new Retention(Duration.ofDays(7), Duration.ofDays(7), Optional.empty());
    }

    private static void require(String what, Duration value) {
        if (value.compareTo(SHORTEST) < 0) {
            throw new IllegalArgumentException(
                    "retention of " + what + " must be at least " + SHORTEST + ", is " + value);
        }
    }
}
