package dev.postern.worker;

import java.util.Arrays;

/** How many calls of the last 30 s there were and how many of them failed, second by second. */
final class RecentCalls {

    private static final int SECONDS = 30;

    private final int[] callsAt = new int[SECONDS];
    private final int[] failuresAt = new int[SECONDS];
    private long second;
    private int calls;
    private int failures;

    void add(boolean failed, long nowMs) {
        advance(nowMs);
        int slot = (int) (second % SECONDS);
        callsAt[slot]++;
        calls++;
        if (failed) {
            failuresAt[slot]++;
            failures++;
        }
    }

    int calls(long nowMs) {
        advance(nowMs);
        return calls;
    }

    int failures(long nowMs) {
        advance(nowMs);
        return failures;
    }

    void clear() {
        Arrays.fill(callsAt, 0);
        Arrays.fill(failuresAt, 0);
        calls = 0;
        failures = 0;
    }

    private void advance(long nowMs) {
        long now = nowMs / 1000;
        if (now - second >= SECONDS) {
            clear();
            second = now;
        }
        while (second < now) {
            second++;
            int slot = (int) (second % SECONDS);
            calls -= callsAt[slot];
            failures -= failuresAt[slot];
            callsAt[slot] = 0;
            failuresAt[slot] = 0;
        }
    }
}
