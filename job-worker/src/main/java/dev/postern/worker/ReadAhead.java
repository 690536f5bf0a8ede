package dev.postern.worker;

import java.time.Duration;

/**
 * How many jobs to claim beyond the free slots: about as many as are answered while a claim is on its way, so that no slot
 * waits for one. A worker whose functions are slow claims none ahead, because others could run them meanwhile.
 */
final class ReadAhead {

    /**
     * What is claimed ahead waits about so long for its slot. A claim takes a few milliseconds, and large ones are cheaper
     * for each job: of 8 jobs 103 µs each, of 64 31, of 200 28 (busy machine, 2 cores, one session, JIT off).
     */
    private static final Duration WINDOW = Duration.ofMillis(40);

    /** Bounds what one worker holds, whatever its pace: payloads are kept in memory. */
    private static final int MOST = 512;

    private final RecentCount answers = new RecentCount(WINDOW);

    /** A function has answered. */
    void answered(long nowNanos) {
        answers.add(1, nowNanos);
    }

    /** How many to claim ahead now. */
    int jobs(long nowNanos) {
        return Math.min(MOST, answers.at(nowNanos));
    }
}
