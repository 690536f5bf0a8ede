package dev.postern.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LatencyTest {

    private static final long MS = 1_000_000;

    @Test
    void percentilesAreInMilliseconds() {
        Latency latency = new Latency();
        for (int i = 1; i <= 100; i++) {
            latency.add(i * MS);
        }

        assertThat(latency.count()).isEqualTo(100);
        assertThat(latency.percentile(50)).isEqualTo(50, within(0.1));
        assertThat(latency.percentile(99)).isEqualTo(99, within(0.1));
    }

    @Test
    void whatASenderWasLateBelongsToTheLatency() {
        long planned = 1_000 * MS;

        assertThat(Latency.corrected(planned, planned, planned + 2 * MS, planned + 5 * MS))
                .isEqualTo(3 * MS);
        assertThat(Latency.corrected(planned, planned + 40 * MS, planned + 42 * MS, planned + 45 * MS))
                .isEqualTo(43 * MS);
    }

    @Test
    void aStallShowsInThePercentilesOfAnOpenLoad() {
        // A job a millisecond for a second; the 500th takes 200 ms, and the sender with it; all others half a one.
        Latency corrected = new Latency();
        Latency asMeasured = new Latency();
        long now = 0;
        for (int i = 0; i < 1_000; i++) {
            long planned = i * MS;
            long sent = Math.max(now, planned);
            now = sent + (i == 500 ? 200 * MS : MS / 2);
            corrected.add(Latency.corrected(planned, sent, sent, now));
            asMeasured.add(now - sent);
        }

        assertThat(asMeasured.percentile(99)).isEqualTo(0.5, within(0.1));
        assertThat(corrected.percentile(99)).isGreaterThan(150);
    }

    @Test
    void aJobThatArrivesBeforeItsSenderHearsOfTheCommitTookNoTime() {
        assertThat(Latency.corrected(0, 0, 3 * MS, 2 * MS)).isZero();

        Latency latency = new Latency();
        latency.add(-5);
        assertThat(latency.percentile(100)).isLessThan(0.001);
    }

    @Test
    void whatIsBeyondTheScaleCountsAsItsEnd() {
        Latency latency = new Latency();
        latency.add(Long.MAX_VALUE);

        assertThat(latency.percentile(100)).isEqualTo(60_000, within(100.0));
    }
}
