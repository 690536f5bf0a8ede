package dev.postern.worker;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/**
 * How long the claim loop sleeps when nobody wakes it. With notifications: the poll interval. Without: about as long as
 * nothing has been found, so that a job waits little while there is work, and an idle database is asked rarely.
 *
 * <p>Always between half and the whole of it, so that many workers do not ask at once.
 */
final class PollPace {

    /** Right after work was found. Two statements in so long are no load; people do not notice the wait. */
    static final long FIRST_MS = 100;

    private final long mostMs;
    private final BooleanSupplier listening;
    private final RandomGenerator random;

    private long lastFoundAt;

    /**
     * Begins as if work had just been found.
     *
     * @param mostMs the poll interval
     * @param now of {@link System#nanoTime}, as everywhere here
     */
    PollPace(long mostMs, BooleanSupplier listening, RandomGenerator random, long now) {
        this.mostMs = mostMs;
        this.listening = listening;
        this.random = random;
        this.lastFoundAt = now;
    }

    /** Work was found. */
    void found(long now) {
        lastFoundAt = now;
    }

    /** The sleep after a pass that left nothing to claim. */
    long next(long now) {
        if (listening.getAsBoolean()) {
            return rest();
        }
        long idleMs = TimeUnit.NANOSECONDS.toMillis(now - lastFoundAt);
        return jittered(Math.min(mostMs, Math.max(FIRST_MS, idleMs)));
    }

    /** The sleep where something else than time will wake the loop. */
    long rest() {
        return jittered(mostMs);
    }

    private long jittered(long ms) {
        return ms / 2 + random.nextLong(ms / 2 + 1);
    }
}
