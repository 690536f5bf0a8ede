package dev.postern.bench;

import org.HdrHistogram.Histogram;

/** Latencies as they were for those who waited: corrected for coordinated omission where a load has a plan. */
final class Latency {

    private static final double MS = 1_000_000.0;

    /** From 1 µs to a minute, three digits. */
    private final Histogram histogram = new Histogram(1_000, 60_000_000_000L, 3);

    /** Adds one, in nanoseconds; below zero is zero: a job may arrive before its sender hears of the commit. */
    void add(long nanos) {
        histogram.recordValue(Math.min(Math.max(nanos, 0), histogram.getHighestTrackableValue()));
    }

    /**
     * From the moment that the load planned: what a sender was late is added, because a real caller would have waited
     * for it. Without that, a stall delays the very jobs that would have shown it.
     *
     * @param planned when it was to be sent
     * @param sent when it was
     * @param from when the latency begins, at or after sent
     * @param to when it ends
     */
    static long corrected(long planned, long sent, long from, long to) {
        return Math.max(0, to - from) + Math.max(0, sent - planned);
    }

    long count() {
        return histogram.getTotalCount();
    }

    /** In milliseconds. */
    double percentile(double percent) {
        return histogram.getValueAtPercentile(percent) / MS;
    }
}
