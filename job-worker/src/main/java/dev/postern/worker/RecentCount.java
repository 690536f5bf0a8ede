package dev.postern.worker;

import java.time.Duration;

/** About how many there were in a window of time: the more of those in the present window and in the one before. */
final class RecentCount {

    private final long windowNanos;
    private long windowStart;
    private int inWindow;
    private int inWindowBefore;

    RecentCount(Duration window) {
        this.windowNanos = window.toNanos();
    }

    void add(int more, long nowNanos) {
        turn(nowNanos);
        inWindow += more;
    }

    int at(long nowNanos) {
        turn(nowNanos);
        return Math.max(inWindow, inWindowBefore);
    }

    private void turn(long nowNanos) {
        long passed = nowNanos - windowStart;
        if (passed >= windowNanos) {
            inWindowBefore = passed < 2 * windowNanos ? inWindow : 0;
            inWindow = 0;
            windowStart = nowNanos;
        }
    }
}
