package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.WorkerReport.Breaker;
import dev.postern.worker.TargetGuard.Change;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** When a target is spared, by how much, and for how long. */
class TargetGuardTest {

    private static final int SLOTS = 64;
    private static final TargetSign HEALTHY = new TargetSign.Healthy();
    private static final TargetSign FAILING = new TargetSign.Failing("HTTP 500");
    private static final TargetSign STRAINED = new TargetSign.Strained("connection refused");
    private static final TargetSign BUSY = new TargetSign.Busy(Duration.ZERO);

    private final TargetGuard guard = new TargetGuard(SLOTS, new Random(1));
    private long now = 1_000_000;

    private List<Long> begin(int calls) {
        List<Long> begun = new ArrayList<>();
        for (int i = 0; i < calls; i++) {
            begun.add(guard.begin(now).orElseThrow());
        }
        return begun;
    }

    private void end(List<Long> calls, TargetSign sign) {
        calls.forEach(call -> guard.end(call, Optional.of(sign), now));
    }

    private void calls(int times, TargetSign sign) {
        for (int i = 0; i < times; i++) {
            end(begin(1), sign);
        }
    }

    /** Opens it, from closed. */
    private void open() {
        end(begin(TargetGuard.CALLS_MIN), STRAINED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.OPEN);
    }

    private void coolDown() {
        now += guard.openFor(now).toMillis();
        assertThat(guard.breaker(now)).isEqualTo(Breaker.HALF_OPEN);
    }

    @Test
    void restrictsNothingWhileAllIsWell() {
        List<Long> begun = begin(SLOTS);
        now += 100_000;
        end(begun, HEALTHY);
        calls(500, HEALTHY);
        assertThat(guard.restricted(now)).isFalse();
        assertThat(guard.limit()).isEqualTo(SLOTS);
        assertThat(guard.until(now)).isZero();
    }

    @Test
    void opensWhenHalfOfTwentyCallsFailed() {
        calls(10, HEALTHY);
        calls(9, FAILING);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
        long twentieth = begin(1).getFirst();
        assertThat(guard.end(twentieth, Optional.of(FAILING), now)).isEqualTo(Change.OPENED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.OPEN);
        assertThat(guard.failuresWhenOpened()).isEqualTo(10);
        assertThat(guard.callsWhenOpened()).isEqualTo(20);
        assertThat(guard.why()).isEqualTo("HTTP 500");
        assertThat(guard.allowance(now)).isZero();
        assertThat(guard.begin(now)).isEmpty();
    }

    @Test
    void staysClosedWhenFewerThanHalfFailed() {
        for (int i = 0; i < 50; i++) {
            calls(11, HEALTHY);
            calls(9, FAILING);
        }
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
    }

    @Test
    void staysClosedWhileThereAreTooFewCallsToJudge() {
        calls(19, STRAINED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
    }

    @Test
    void forgetsCallsAfterThirtySeconds() {
        calls(15, FAILING);
        now += 30_000;
        calls(10, FAILING);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
        now += 29_000;
        calls(10, FAILING);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.OPEN);
    }

    @Test
    void neitherCountsWhatAsksForLessNorWhatSaysNothing() {
        calls(100, BUSY);
        for (int i = 0; i < 100; i++) {
            guard.end(begin(1).getFirst(), Optional.empty(), now);
        }
        calls(19, FAILING);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
        assertThat(guard.inFlight()).isZero();
    }

    @Test
    void letsExactlyOneCallThroughWhenTheCoolDownIsOver() {
        open();
        now += guard.openFor(now).toMillis() - 1;
        assertThat(guard.begin(now)).isEmpty();
        now += 1;
        assertThat(guard.allowance(now)).isOne();
        OptionalLong probe = guard.begin(now);
        assertThat(probe).isPresent();
        assertThat(guard.allowance(now)).isZero();
        assertThat(guard.begin(now)).isEmpty();
        now += 3_600_000;
        assertThat(guard.begin(now))
                .as("a call that takes its time, as a cold start")
                .isEmpty();
    }

    @Test
    void closesWhenItsOneCallIsAnswered() {
        open();
        coolDown();
        assertThat(guard.end(begin(1).getFirst(), Optional.of(HEALTHY), now)).isEqualTo(Change.CLOSED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
        assertThat(guard.allowance(now)).isEqualTo(guard.limit()).isGreaterThan(1);
        assertThat(guard.why()).isNull();
    }

    @Test
    void staysOpenForLongerEachTimeItsOneCallFails() {
        open();
        long before = 0;
        for (int i = 0; i < 4; i++) {
            long coolDown = guard.openFor(now).toMillis();
            assertThat(coolDown).isBetween(2_500L << i, 5_000L << i).isGreaterThanOrEqualTo(before);
            before = coolDown;
            coolDown();
            assertThat(guard.end(begin(1).getFirst(), Optional.of(STRAINED), now))
                    .isEqualTo(Change.OPENED);
        }
        for (int i = 0; i < 100; i++) {
            coolDown();
            end(begin(1), STRAINED);
            assertThat(guard.openFor(now)).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(60));
        }
    }

    @Test
    void aBreakdownSoonAfterARepairIsTheSameOne() {
        open();
        coolDown();
        calls(1, HEALTHY);
        open();
        assertThat(guard.openFor(now)).isGreaterThanOrEqualTo(Duration.ofSeconds(5));
        coolDown();
        calls(1, HEALTHY);
        now += 30_000;
        open();
        assertThat(guard.openFor(now)).isLessThanOrEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void letsTheNextCallDecideWhenItsOneCallSaidNothing() {
        open();
        coolDown();
        guard.end(begin(1).getFirst(), Optional.empty(), now);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.HALF_OPEN);
        assertThat(guard.allowance(now)).isOne();
        calls(1, HEALTHY);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
    }

    @Test
    void isNotMovedByCallsThatBeganBeforeItOpened() {
        List<Long> late = begin(40);
        open();
        end(late.subList(0, 10), HEALTHY);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.OPEN);
        coolDown();
        end(late.subList(10, 20), HEALTHY);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.HALF_OPEN);
        calls(1, HEALTHY);
        end(late.subList(20, 40), STRAINED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
    }

    @Test
    void halvesItsLimitOnceABurst() {
        end(begin(SLOTS), BUSY);
        assertThat(guard.limit()).isEqualTo(32);
        assertThat(guard.restricted(now)).isTrue();
        end(begin(32), BUSY);
        assertThat(guard.limit()).isEqualTo(16);
    }

    @Test
    void halvesItsLimitForStrainButNotForTheFunctionsOwnErrors() {
        calls(1, FAILING);
        assertThat(guard.limit()).isEqualTo(64);
        calls(1, STRAINED);
        assertThat(guard.limit()).isEqualTo(32);
    }

    @Test
    void leavesRoomForOneCallWhateverHappens() {
        for (int i = 0; i < 100; i++) {
            calls(1, BUSY);
        }
        assertThat(guard.limit()).isOne();
        assertThat(guard.allowance(now)).isOne();
    }

    @Test
    void growsByOneForEachRoundOfAnswersUpToTheWorkersOwnLimit() {
        end(begin(SLOTS), BUSY);
        calls(31, HEALTHY);
        assertThat(guard.limit()).isEqualTo(32);
        calls(1, HEALTHY);
        assertThat(guard.limit()).isEqualTo(33);
        calls(33, HEALTHY);
        assertThat(guard.limit()).isEqualTo(34);
        calls(SLOTS * SLOTS / 2, HEALTHY);
        assertThat(guard.limit()).isEqualTo(SLOTS);
        assertThat(guard.restricted(now)).isFalse();
    }

    @Test
    void answersToCallsFromBeforeTheCutDoNotMakeItGrow() {
        List<Long> before = begin(SLOTS);
        end(before.subList(0, 1), BUSY);
        end(before.subList(1, SLOTS), HEALTHY);
        calls(31, HEALTHY);
        assertThat(guard.limit()).isEqualTo(32);
    }

    @Test
    void allowsWhatIsLeftOfItsLimit() {
        calls(1, BUSY);
        begin(20);
        assertThat(guard.allowance(now)).isEqualTo(12);
        begin(20);
        assertThat(guard.allowance(now))
                .as("what was claimed before a cut may go out")
                .isZero();
    }

    @Test
    void beginsNoCallUntilThePauseEnds() {
        List<Long> two = begin(2);
        TargetSign pause = new TargetSign.Busy(Duration.ofSeconds(10));
        assertThat(guard.end(two.getFirst(), Optional.of(pause), now)).isEqualTo(Change.PAUSED);
        assertThat(guard.end(two.getLast(), Optional.of(pause), now)).isEqualTo(Change.NONE);
        assertThat(guard.allowance(now)).isZero();
        now += 9_999;
        assertThat(guard.begin(now)).isEmpty();
        assertThat(guard.until(now)).isEqualTo(Duration.ofMillis(1));
        now += 1;
        assertThat(guard.begin(now)).isPresent();
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
    }

    @Test
    void aShorterPauseDoesNotEndALongerOne() {
        List<Long> two = begin(2);
        end(two.subList(0, 1), new TargetSign.Busy(Duration.ofSeconds(60)));
        end(two.subList(1, 2), new TargetSign.Busy(Duration.ofSeconds(1)));
        assertThat(guard.pausedFor(now)).isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void aHalfOpenBreakerClosesWhenItsOneCallIsSentAwayAndThePauseHolds() {
        open();
        coolDown();
        int limit = guard.limit();
        Change change = guard.end(begin(1).getFirst(), Optional.of(new TargetSign.Busy(Duration.ofSeconds(9))), now);
        assertThat(change).isEqualTo(Change.PAUSED);
        assertThat(guard.breaker(now)).isEqualTo(Breaker.CLOSED);
        assertThat(guard.begin(now)).isEmpty();
        assertThat(guard.limit()).isEqualTo(limit);
    }

    @Test
    void aLongOutageDoesNotCutTheLimitAgainAndAgain() {
        open();
        int limit = guard.limit();
        for (int i = 0; i < 10; i++) {
            coolDown();
            calls(1, STRAINED);
        }
        assertThat(guard.limit()).isEqualTo(limit);
    }
}
