package dev.postern.bench;

import java.time.Instant;

/** How far the wall clock, which Postgres writes, is before {@link System#nanoTime}, which everything else here reads. */
final class Clocks {

    private Clocks() {}

    /** Nanoseconds to take off a wall-clock time; the closest of several looks. */
    static long wallAhead() {
        long best = Long.MAX_VALUE;
        long offset = 0;
        for (int look = 0; look < 100; look++) {
            long before = System.nanoTime();
            Instant now = Instant.now();
            long after = System.nanoTime();
            if (after - before < best) {
                best = after - before;
                offset = now.getEpochSecond() * 1_000_000_000L + now.getNano() - (before + after) / 2;
            }
        }
        return offset;
    }
}
