package dev.postern.worker;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How long the claim loop sleeps when nobody wakes it. With notifications: the poll interval. Without: about as long as
 * nothing has been found, so that a job waits little while there is work, and an idle database is asked rarely.
 *
 * <p>A worker that finds a crowd of jobs promises to look by itself, and is not notified meanwhile. It looks often until
 * the crowd has gone, takes the promise back by its next claim, and then looks after about as long as that was ago: a job
 * whose transaction was open all the while is found after twice its length at most. While its claims come back full, or
 * it has no room at all, it wakes others ten times a second instead.
 *
 * <pre>
 *   notified or polling ──25 jobs found in 100 ms──▶ awake: looks every 5 ms, promises 200 ms with each claim
 *           ▲                                          │ fewer found, or none by four looks
 *           └──── after the poll interval ◀── looking after 5, 10, 20 … ms
 * </pre>
 *
 * <p>Else between half and the whole of what is due, so that many workers do not ask at once.
 */
final class PollPace {

    /** Right after work was found. Two statements in so long are no load; people do not notice the wait. */
    static final long FIRST_MS = 100;

    /**
     * What a worker promises. Beside 64 writers on two cores its claims were 40 ms apart, now and then 100; a promise that
     * has ended in between sends all of them into the line of those who notify.
     */
    static final Duration AWAKE = Duration.ofMillis(200);

    /** A look costs a claim that finds little, a fraction of a millisecond. */
    static final long AWAKE_LOOK_MS = 5;

    /** So long another worker may sleep while this one has promised to look and has no room. */
    static final long WAKE_OTHERS_MS = 100;

    private static final long WAKE_OTHERS_NANOS = TimeUnit.MILLISECONDS.toNanos(WAKE_OTHERS_MS);

    /** Of 250 jobs a second each notification costs more than the looks do. */
    static final int CROWD = 25;

    private static final Duration CROWD_WINDOW = Duration.ofMillis(100);

    /** So many looks that find nothing are the end of a crowd. */
    private static final int LOOKS_IN_VAIN = 4;

    private final long mostMs;
    private final BooleanSupplier listening;
    private final RandomGenerator random;

    private final RecentCount found = new RecentCount(CROWD_WINDOW);
    private long lastFoundAt;
    private int foundNothing;
    private boolean promised;
    private long promisedUntil;
    private long wokeOthersAt;

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
        this.wokeOthersAt = now - WAKE_OTHERS_NANOS;
    }

    /** So many jobs were found. */
    void found(int jobs, long now) {
        foundNothing = jobs > 0 ? 0 : foundNothing + 1;
        if (jobs > 0) {
            lastFoundAt = now;
        }
        found.add(jobs, now);
    }

    /** Whether so many are found that the worker should look by itself. */
    boolean crowded(long now) {
        return foundNothing < LOOKS_IN_VAIN && found.at(now) >= CROWD;
    }

    /** What to promise by a claim that is sent now: {@link #AWAKE} in a crowd, and nothing after it; null: as it was. */
    @Nullable
    Duration promise(long now) {
        if (crowded(now)) {
            return AWAKE;
        }
        return promised && now - promisedUntil < 0 ? Duration.ZERO : null;
    }

    /** The database knows since some moment before now that this worker looks by itself for so long. */
    void promised(Duration awake, long now) {
        promised = true;
        promisedUntil = now + awake.toNanos();
    }

    /** There is more than this worker takes: whether others have to be woken now, because inserts may tell nobody. */
    boolean mustWakeOthers(long now) {
        if (!promised || now - wokeOthersAt < WAKE_OTHERS_NANOS) {
            return false;
        }
        wokeOthersAt = now;
        return true;
    }

    /** The sleep where room will wake the loop: until others must be woken. */
    long full(long now) {
        return promised ? Math.max(WAKE_OTHERS_MS, next(now)) : rest();
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

    private long rest() {
        return jittered(mostMs);
    }

    private long jittered(long ms) {
        return ms / 2 + random.nextLong(ms / 2 + 1);
    }
}
