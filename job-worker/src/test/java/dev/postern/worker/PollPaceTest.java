package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PollPaceTest {

    private static final long MOST_MS = 15_000;

    private boolean listening;
    private final PollPace pace = new PollPace(MOST_MS, () -> listening, new Random(7), 0);

    @Test
    void sleepsThePollIntervalWhileNotificationsArrive() {
        listening = true;
        pace.found(1, ms(0));
        assertThat(pace.next(ms(0))).isBetween(MOST_MS / 2, MOST_MS);
        assertThat(pace.next(ms(10))).isBetween(MOST_MS / 2, MOST_MS);
    }

    @Test
    void looksSoonAgainAfterWorkAndAboutAsLateAsNothingHasComeAfterThat() {
        pace.found(1, ms(50_000));
        assertThat(pace.next(ms(50_000))).isBetween(50L, 100L);
        assertThat(pace.next(ms(50_060))).isBetween(50L, 100L);
        assertThat(pace.next(ms(51_000))).isBetween(500L, 1_000L);
        assertThat(pace.next(ms(54_000))).isBetween(2_000L, 4_000L);
        assertThat(pace.next(ms(500_000))).isBetween(MOST_MS / 2, MOST_MS);
        pace.found(1, ms(500_010));
        assertThat(pace.next(ms(500_010))).isBetween(50L, 100L);
    }

    @Test
    void asksAnIdleDatabaseEverMoreRarelyFromTheStart() {
        long now = 0;
        int asked = 0;
        while (now < 60_000) {
            now += pace.next(ms(now));
            asked++;
        }
        // Twice a second would be 120.
        assertThat(asked).isLessThan(30);
    }

    @Test
    void manyWakeUpsInVainDoNotSlowItDown() {
        pace.found(1, ms(1_000));
        for (int woken = 0; woken < 100; woken++) {
            pace.next(ms(1_001));
        }
        assertThat(pace.next(ms(1_002))).isBetween(50L, 100L);
    }

    @Test
    void twentyFiveJobsInATenthOfASecondAreACrowd() {
        listening = true;
        for (int i = 0; i < 24; i++) {
            pace.found(1, ms(1_000 + i));
        }
        assertThat(pace.crowded(ms(1_024))).isFalse();
        pace.found(1, ms(1_025));
        assertThat(pace.crowded(ms(1_026))).isTrue();
        assertThat(pace.crowded(ms(1_110))).isTrue();
        assertThat(pace.crowded(ms(1_310))).isFalse();
    }

    @Test
    void fourLooksInVainAreTheEndOfACrowd() {
        pace.found(PollPace.CROWD, ms(1_000));
        for (int i = 0; i < 3; i++) {
            pace.found(0, ms(1_005 + 5 * i));
            assertThat(pace.crowded(ms(1_005 + 5 * i))).isTrue();
        }
        pace.found(0, ms(1_020));
        assertThat(pace.crowded(ms(1_020))).isFalse();
        pace.found(1, ms(1_025));
        assertThat(pace.crowded(ms(1_025))).isTrue();
    }

    @Test
    void promisesInACrowdAndTakesItBackAfterIt() {
        assertThat(pace.promise(ms(999))).isNull();
        pace.found(PollPace.CROWD, ms(1_000));
        assertThat(pace.promise(ms(1_000))).isEqualTo(PollPace.AWAKE);
        pace.promised(PollPace.AWAKE, ms(1_000));
        for (int i = 0; i < 4; i++) {
            pace.found(0, ms(1_001));
        }
        assertThat(pace.promise(ms(1_002))).isEqualTo(Duration.ZERO);
        pace.promised(Duration.ZERO, ms(1_003));
        assertThat(pace.promise(ms(1_004))).isNull();
    }

    @Test
    void looksByItselfUntilItsPromiseHasEndedAndAfterThatEverMoreRarely() {
        listening = true;
        long ended = 1_000 + PollPace.AWAKE.toMillis();
        pace.promised(PollPace.AWAKE, ms(1_000));
        assertThat(pace.next(ms(1_000))).isEqualTo(PollPace.AWAKE_LOOK_MS);
        assertThat(pace.next(ms(ended - 1))).isEqualTo(PollPace.AWAKE_LOOK_MS);
        long now = ended;
        int looks = 0;
        while (now < ended + MOST_MS) {
            long ago = now - ended;
            long sleep = pace.next(ms(now));
            assertThat(sleep).isBetween(PollPace.AWAKE_LOOK_MS, Math.max(PollPace.AWAKE_LOOK_MS, ago));
            now += sleep;
            looks++;
        }
        assertThat(looks).isBetween(8, 20);
        assertThat(pace.next(ms(now))).isBetween(MOST_MS / 2, MOST_MS);
    }

    @Test
    void wakesOthersTenTimesASecondAtMostForWhatItPromised() {
        listening = true;
        assertThat(pace.mustWakeOthers(ms(900))).isFalse();
        assertThat(pace.full(ms(900))).isBetween(MOST_MS / 2, MOST_MS);
        pace.promised(PollPace.AWAKE, ms(1_000));
        assertThat(pace.mustWakeOthers(ms(1_000))).isTrue();
        assertThat(pace.mustWakeOthers(ms(1_099))).isFalse();
        assertThat(pace.full(ms(1_099))).isEqualTo(PollPace.WAKE_OTHERS_MS);
        assertThat(pace.mustWakeOthers(ms(1_100))).isTrue();
        assertThat(pace.full(ms(2_000))).as("ever more rarely").isEqualTo(800);
    }

    @Test
    void workersThatStartTogetherDoNotAskTogether() {
        listening = true;
        PollPace other = new PollPace(MOST_MS, () -> true, new Random(8), 0);
        assertThat(pace.full(ms(0))).isNotEqualTo(other.full(ms(0)));
    }

    private static long ms(long ms) {
        return TimeUnit.MILLISECONDS.toNanos(ms);
    }
}
