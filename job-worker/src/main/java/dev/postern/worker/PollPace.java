package dev.postern.worker;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/**
 * How long the claim loop sleeps when nobody wakes it. With notifications: the poll interval. Without: about as long as
 * nothing has been found, so that a job waits little while there is work, and an idle database is asked rarely.
 *
 * <p>A worker that finds a crowd of jobs promises to look by itself, and is not notified meanwhile. It looks often until
 * its last promise has ended, and then after about as long as that was ago: a job whose transaction was open all the while
 * is found after twice its length at most.
 *
 * <pre>
 *   notified or polling ──5 jobs found in 20 ms──▶ awake: looks every 5 ms, promises 20 ms with each claim
 *           ▲                                        │ fewer found, or a full claim
 *           └──── after the poll interval ◀── looking after 5, 10, 20 … ms
 * </pre>
 *
 * <p>Else between half and the whole of what is due, so that many workers do not ask at once.
 */
final class PollPace {

    /** Right after work was found. Two statements in so long are no load; people do not notice the wait. */
    static final long FIRST_MS = 100;

    /** What a worker promises: several looks of time for one that is late. */
    static final Duration AWAKE = Duration.ofMillis(20);

    /** A look costs a claim that finds little, a fraction of a millisecond. */
    static final long AWAKE_LOOK_MS = 5;

    /** Of 250 jobs a second each notification costs more than the looks do. */
    private static final int CROWD = 5;

    private final long mostMs;
    private final BooleanSupplier listening;
    private final RandomGenerator random;

    private final RecentCount found = new RecentCount(AWAKE);
    private long lastFoundAt;
    private boolean promised;
    private long promisedUntil;

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

    /** So many jobs were found. */
    void found(int jobs, long now) {
        if (jobs > 0) {
            lastFoundAt = now;
        }
        found.add(jobs, now);
    }

    /** Whether so many are found that the worker should look by itself. */
    boolean crowded(long now) {
        return found.at(now) >= CROWD;
    }

    /** The database knows since some moment before now that this worker looks by itself for {@link #AWAKE}. */
    void promised(long now) {
        promised = true;
        promisedUntil = now + AWAKE.toNanos();
    }

    /** The sleep after a pass that left nothing to claim. */
    long next(long now) {
        if (promised) {
            long agoMs = TimeUnit.NANOSECONDS.toMillis(now - promisedUntil);
            if (agoMs < mostMs) {
                return Math.max(AWAKE_LOOK_MS, agoMs);
            }
            promised = false;
        }
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
