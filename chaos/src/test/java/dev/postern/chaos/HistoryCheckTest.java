package dev.postern.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Each rule has a history that keeps it and at least one that breaks it, and nothing else. */
class HistoryCheckTest {

    private final HandMadeHistory history = new HandMadeHistory();

    private void isGood() {
        assertThat(history.check().violations()).isEmpty();
    }

    private void breaks(Rule rule, String words) {
        assertThat(history.check().violations()).singleElement().satisfies(violation -> {
            assertThat(violation.rule()).isEqualTo(rule);
            assertThat(violation.what()).contains(words);
        });
    }

    @Test
    void nothingHappenedIsGood() {
        isGood();
    }

    @Test
    void aJobThatCompletesIsGood() {
        history.add(1).completes(1, 1, 11).left(1, "succeeded");
        isGood();
    }

    @Test
    void aJobThatIsTriedAgainAsItsFunctionAskedIsGood() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11, Behaviour.ANSWER_500)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        isGood();
        assertThat(history.check().again()).containsOnly(Map.entry("as the function asked, or made it look: retry", 1));
    }

    @Test
    void anAttemptThatWasGivenBackRepeatsItsNumberUnderAnotherToken() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11, Behaviour.RESET)
                .answer(1, 11, Step.INFRASTRUCTURE)
                .row(1, Step.INFRASTRUCTURE, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        isGood();
    }

    // R1

    @Test
    void r1_anAnsweredAddThatIsNotStored() {
        history.addAnswered(1, 1).left(1, "dead");
        breaks(Rule.R1, "has not stored it");
    }

    @Test
    void r1_anAnsweredAddOfAKeyThatIsNotStoredAlthoughAnEarlierOneIs() {
        history.add(1).addAnswered(1, 77).completes(1, 1, 11).left(1, "succeeded");
        breaks(Rule.R1, "number 77");
    }

    @Test
    void r1_aJobThatIsNowhereAtTheEnd() {
        history.addFollowUp(1, 0);
        breaks(Rule.R1, "is nowhere at the end");
    }

    @Test
    void r1_aJobThatIsThereTwice() {
        history.add(1).completes(1, 1, 11).left(1, "succeeded").left(1, "succeeded");
        breaks(Rule.R1, "more than once");
    }

    @Test
    void r1_anOutcomeThatWasAcceptedAndIsNotThere() {
        history.add(1).completes(1, 1, 11).left(1, "dead");
        breaks(Rule.R1, "its journal says complete");
    }

    @Test
    void r1_aFollowUpJobThatIsMissing() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.COMPLETE, 5, 2)
                .row(1, Step.COMPLETE, 1, 11)
                .addFollowUp(2, 5)
                .completes(2, 1, 12)
                .left(1, "succeeded", false, 5)
                .left(2, "succeeded");
        breaks(Rule.R1, "adds 2 follow-up jobs, and there are 1");
    }

    @Test
    void r1_aReportOnAJobThatIsNotKnown() {
        history.add(1)
                .completes(1, 1, 11)
                .report(1, 11, Step.COMPLETE, 404, false)
                .left(1, "succeeded");
        breaks(Rule.R1, "no such job");
    }

    // R2

    @Test
    void r2_twoOutcomesOfOneAttempt() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 1, 11)
                .row(1, Step.RETRY, 1, 11)
                .left(1, "dead");
        breaks(Rule.R2, "which had ended by retry");
    }

    @Test
    void r2_aStepAfterTheJobWasComplete() {
        history.add(1).completes(1, 1, 11).row(1, Step.RESCHEDULED, 1, 0).left(1, "succeeded");
        breaks(Rule.R2, "after the job was complete");
    }

    @Test
    void r2_twoReportsAnsweredAsAccepted() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .report(1, 11, Step.COMPLETE, 200, false)
                .row(1, Step.COMPLETE, 1, 11)
                .report(1, 11, Step.COMPLETE, 200, false)
                .left(1, "succeeded");
        breaks(Rule.R2, "two reports");
    }

    @Test
    void r2_aRepeatedReportIsAReplay() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .report(1, 11, Step.COMPLETE, 200, false)
                .row(1, Step.COMPLETE, 1, 11)
                .report(1, 11, Step.COMPLETE, 200, true)
                .left(1, "succeeded");
        isGood();
    }

    @Test
    void r2_aFollowUpJobOfAnOutcomeThatWasNotAccepted() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.COMPLETE, 5, 1)
                .row(1, Step.COMPLETE, 1, 11)
                .addFollowUp(2, 6)
                .completes(2, 1, 12)
                .addFollowUp(3, 5)
                .completes(3, 1, 13)
                .left(1, "succeeded", false, 5)
                .left(2, "succeeded")
                .left(3, "succeeded");
        breaks(Rule.R2, "not the one that was accepted");
    }

    // R3

    @Test
    void r3_anOutcomeUnderATokenThatDoesNotHoldTheJob() {
        history.add(1)
                .completes(1, 1, 11)
                .add(2)
                .row(2, Step.COMPLETE, 0, 12)
                .left(1, "succeeded")
                .left(2, "succeeded");
        breaks(Rule.R3, "while no lease was held");
    }

    @Test
    void r3_anOutcomeThatNobodyOfferedUnderItsToken() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 1, 11)
                .claim(1, 2, 12)
                .dispatch(1, 2, 12, Behaviour.HANG)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.COMPLETE, 2, 12)
                .left(1, "succeeded");
        breaks(Rule.R3, "nobody offered that under its token");
    }

    @Test
    void r3_anExchangeThatFailedWhileTheFunctionWasDownIsGood() {
        history.add(1)
                .claim(1, 1, 11)
                .fault(FaultKind.FUNCTION_DOWN, "")
                .row(1, Step.INFRASTRUCTURE, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        isGood();
    }

    @Test
    void r3_aFailedExchangeWhereNothingWasBroken() {
        history.add(1)
                .claim(1, 1, 11)
                .row(1, Step.INFRASTRUCTURE, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        breaks(Rule.R3, "infrastructure accepted");
    }

    @Test
    void r3_anAttemptThatGotNoAnswerInTimeIsTriedAgain() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11, Behaviour.CALL_BACK_BEFORE_THE_ANSWER)
                .report(1, 11, Step.COMPLETE, 0, false)
                .passes(ChaosSystem.ATTEMPT_TIMEOUT)
                .row(1, Step.RETRY, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        isGood();
    }

    @Test
    void r3_aTimeOutBeforeItsTime() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11, Behaviour.CALL_BACK_BEFORE_THE_ANSWER)
                .report(1, 11, Step.COMPLETE, 0, false)
                .row(1, Step.RETRY, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        breaks(Rule.R3, "retry accepted for attempt 1");
    }

    @Test
    void r3_aWaitThatNobodyAskedFor() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .row(1, Step.WAITING, 1, 11)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.COMPLETE, 1, 11)
                .left(1, "succeeded");
        breaks(Rule.R3, "no function answered 202");
    }

    @Test
    void r3_aReportAnsweredAsAcceptedThatEndedNothing() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .report(1, 11, Step.COMPLETE, 200, false)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 1, 11)
                .left(1, "dead");
        breaks(Rule.R3, "was answered as accepted, the database has retry");
    }

    @Test
    void r3_aReportRefusedUnderTheCurrentLease() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .report(1, 11, Step.COMPLETE, 409, false)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.COMPLETE, 1, 11)
                .left(1, "succeeded");
        breaks(Rule.R3, "was refused while that held the lease");
    }

    // R4

    @Test
    void r4_aCancelledJobThatIsLeftAloneIsGood() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .row(1, Step.CANCELLED, 1, 11)
                .cancelAnswered(1)
                .report(1, 11, Step.COMPLETE, 410, false)
                .left(1, "cancelled");
        isGood();
    }

    @Test
    void r4_aStepAfterTheJobWasCancelled() {
        history.add(1)
                .row(1, Step.CANCELLED, 0, 0)
                .row(1, Step.RESCHEDULED, 0, 0)
                .left(1, "cancelled");
        breaks(Rule.R4, "after the job was cancelled");
    }

    @Test
    void r4_anAnsweredCancelThatDidNotStay() {
        history.add(1).cancelAnswered(1).completes(1, 1, 11).left(1, "succeeded");
        breaks(Rule.R4, "at the end the job is succeeded");
    }

    @Test
    void r4_aSignOfLifeAcceptedAfterTheCancel() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.CANCELLED, 1, 11)
                .cancelAnswered(1)
                .left(1, "cancelled");
        isGood();
        history.heartbeat(1, 11, 200);
        breaks(Rule.R4, "accepted after the job was cancelled");
    }

    // R5

    @Test
    void r5_aChargedAttemptWhoseNumberComesAgain() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        breaks(Rule.R5, "its number would repeat");
    }

    @Test
    void r5_anAttemptThatSkipsANumber() {
        history.add(1).completes(1, 2, 11).left(1, "succeeded");
        breaks(Rule.R5, "claimed as attempt 2 where 1 is next");
    }

    @Test
    void r5_aTokenThatWasThereBefore() {
        history.add(1)
                .completes(1, 1, 11)
                .add(2)
                .completes(2, 1, 12)
                .left(1, "succeeded")
                .left(2, "succeeded");
        isGood();
        history.add(3)
                .claim(3, 1, 11)
                .answer(3, 11, Step.COMPLETE)
                .row(3, Step.COMPLETE, 1, 11)
                .left(3, "succeeded");
        assertThat(history.check().violations())
                .anySatisfy(violation -> assertThat(violation.what()).contains("a token that was there before"))
                .extracting(Violation::rule)
                .contains(Rule.R5);
    }

    @Test
    void r5_aJobClaimedWhileItIsHeld() {
        history.add(1).claim(1, 1, 11).completes(1, 2, 12).left(1, "succeeded");
        breaks(Rule.R5, "claimed again while attempt 1");
    }

    @Test
    void r5_oneClaimDispatchedTwice() {
        history.add(1).claim(1, 1, 11).dispatch(1, 1, 11);
        history.dispatch(1, 1, 11)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.COMPLETE, 1, 11)
                .left(1, "succeeded");
        breaks(Rule.R5, "are of one claim");
    }

    @Test
    void r5_aDispatchOfNoClaim() {
        history.add(1).completes(1, 1, 11).dispatch(1, 1, 99).left(1, "succeeded");
        breaks(Rule.R5, "is of no claim");
    }

    @Test
    void aDispatchWhoseClaimACrashOfPostgresTookBackIsGood() {
        history.add(1)
                .dispatch(1, 1, 99)
                .fault(FaultKind.POSTGRES_IMMEDIATE_RESTART, "")
                .completes(1, 1, 11);
        history.left(1, "succeeded");
        isGood();
    }

    @Test
    void r5_aDispatchOfNoClaimThatARestartInOrderCannotHaveTakenBack() {
        history.add(1)
                .dispatch(1, 1, 99)
                .fault(FaultKind.POSTGRES_FAST_RESTART, "")
                .completes(1, 1, 11);
        history.left(1, "succeeded");
        breaks(Rule.R5, "is of no claim");
    }

    // R6

    @Test
    void r6_aLeaseThatIsLeft() {
        history.add(1).claim(1, 1, 11).dispatch(1, 1, 11).left(1, "running", true, 0);
        breaks(Rule.R6, "is leased at the end");
    }

    @Test
    void r6_aJobThatNobodyTook() {
        history.add(1).left(1, "ready");
        breaks(Rule.R6, "is ready at the end");
    }

    // R7

    @Test
    void r7_twoJobsOfAQueueAtOnce() {
        history.inQueue("q")
                .add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .add(2)
                .claim(2, 1, 12)
                .answer(1, 11, Step.COMPLETE)
                .row(1, Step.COMPLETE, 1, 11)
                .dispatch(2, 1, 12)
                .answer(2, 12, Step.COMPLETE)
                .row(2, Step.COMPLETE, 1, 12)
                .left(1, "succeeded")
                .left(2, "succeeded");
        breaks(Rule.R7, "while job 1 of its queue q held a lease");
    }

    @Test
    void r7_aJobThatOvertakesOneInFrontOfIt() {
        history.inQueue("q")
                .add(1)
                .add(2)
                .completes(2, 1, 12)
                .completes(1, 1, 11)
                .left(1, "succeeded")
                .left(2, "succeeded");
        breaks(Rule.R7, "before job 1, which stood in front of it");
    }

    @Test
    void r7_aRetriedJobMayBeOvertaken() {
        history.inQueue("q")
                .add(1)
                .add(2)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .answer(1, 11, Step.RETRY)
                .row(1, Step.RETRY, 1, 11)
                .completes(2, 1, 12)
                .completes(1, 2, 13)
                .left(1, "succeeded")
                .left(2, "succeeded");
        isGood();
    }

    // Explained

    @Test
    void explained_aLeaseThatExpiredBecauseItsWorkerWasKilled() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .fault(FaultKind.KILL, "w1")
                .row(1, Step.EXPIRED, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        isGood();
        assertThat(history.check().again()).containsEntry("lease expired: kill", 1);
    }

    @Test
    void explained_aLeaseThatExpiredAlthoughOnlyAnotherWorkerWasKilled() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .fault(FaultKind.KILL, "w2")
                .row(1, Step.EXPIRED, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        breaks(Rule.EXPLAINED, "expired while nothing was broken");
    }

    @Test
    void explained_aWaitingJobWhoseFunctionNeverReports() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11, Behaviour.CALL_BACK_NEVER)
                .answer(1, 11, Step.WAITING)
                .row(1, Step.WAITING, 1, 11)
                .row(1, Step.EXPIRED, 1, 11)
                .completes(1, 2, 12)
                .left(1, "succeeded");
        isGood();
    }

    @Test
    void explained_aJobGivenBackUnsentBecauseItsTargetIsSpared() {
        history.add(1)
                .claim(1, 1, 11)
                .row(1, Step.RELEASED, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        isGood();
    }

    @Test
    void explained_aJobGivenBackByAWorkerThatNobodyStopped() {
        history.add(1)
                .claim(1, 1, 11)
                .dispatch(1, 1, 11)
                .row(1, Step.RELEASED, 0, 11)
                .completes(1, 1, 12)
                .left(1, "succeeded");
        breaks(Rule.EXPLAINED, "given back while its worker was not stopped");
    }
}
