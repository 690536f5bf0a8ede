package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Promises 1, 3, 4 and 6: two connections meet over every statement that ends, renews or reports on an attempt. */
class FenceTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String WORKER = "worker-1";

    private static final String FINISH = "select verdict from app_jobs.finish_jobs(array[?]::bigint[], array[?]::int[],"
            + " array[?]::uuid[], array[?]::text[], '{503}', '{broken}', array[?]::float8[], array[?]::text[],"
            + " array[?]::text[])";

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    /** What an attempt's end leaves for those who come later. */
    private enum After {
        SUCCEEDED,
        FAILED,
        SUPERSEDED,
        CANCELLED
    }

    /** Every statement that ends an attempt. {@code ?} stands for the job's id, the attempt, the lease token. */
    enum Ender {
        COMPLETE(After.SUCCEEDED),
        RETRY(After.FAILED),
        MISSING(After.FAILED),
        DEAD(After.FAILED),
        INFRASTRUCTURE(After.FAILED),
        BACKPRESSURE(After.FAILED),
        SNOOZE(After.SUPERSEDED),
        COMPLETE_JOB(After.SUCCEEDED),
        FAIL_JOB(After.FAILED),
        CANCEL_JOB(After.CANCELLED),
        CANCEL_JOBS(After.CANCELLED),
        RELEASE_LEASES(After.SUPERSEDED),
        RELEASE_JOBS(After.SUPERSEDED),
        REAP_LEASES(After.SUPERSEDED);

        private final After after;

        Ender(After after) {
            this.after = after;
        }

        boolean isOutcome() {
            return compareTo(SNOOZE) <= 0;
        }

        String sql(Attempt a) {
            return switch (this) {
                case COMPLETE, RETRY, MISSING, DEAD, INFRASTRUCTURE, BACKPRESSURE, SNOOZE ->
                    "select verdict as answer from app_jobs.finish_jobs(array[%d]::bigint[], array[%d], array['%s'::uuid],"
                                    .formatted(a.jobId(), a.number(), a.lease())
                            + " array['%s'], '{503}', '{broken}', '{60}', '{null}', '{null}')"
                                    .formatted(name().toLowerCase(java.util.Locale.ROOT));
                case COMPLETE_JOB ->
                    "select id as answer from app_jobs.complete_job('%s', %d) where id is not null"
                            .formatted(WORKER, a.jobId());
                case FAIL_JOB ->
                    "select id as answer from app_jobs.fail_job('%s', %d, 'broken') where id is not null"
                            .formatted(WORKER, a.jobId());
                case CANCEL_JOB ->
                    "select id as answer from app_jobs.cancel_job(%d) where id is not null".formatted(a.jobId());
                case CANCEL_JOBS ->
                    "select job_id as answer from app_jobs.cancel_jobs(array[%d]::bigint[])".formatted(a.jobId());
                case RELEASE_LEASES ->
                    "select id as answer from app_jobs.release_leases(array[%d]::bigint[], array[%d], array['%s'::uuid]) id"
                            .formatted(a.jobId(), a.number(), a.lease());
                // It answers nothing; the job's state tells.
                case RELEASE_JOBS ->
                    "select 1 as answer from app_jobs.release_jobs('%s') r where r::text <> ''".formatted(WORKER);
                case REAP_LEASES -> "select job_id as answer from app_jobs.reap_leases()";
            };
        }

        /** What this one answers when it comes after the other. */
        Object lateAnswerAfter(Ender first) {
            if (!isOutcome()) {
                return List.of();
            }
            return List.of(
                    switch (first.after) {
                        case SUCCEEDED -> this == COMPLETE ? "replay" : "conflict";
                        case FAILED -> this == COMPLETE ? "conflict" : "replay";
                        case SUPERSEDED -> "stale";
                        case CANCELLED -> "cancelled";
                    });
        }
    }

    static Stream<Arguments> pairsOfEnders() {
        return Arrays.stream(Ender.values())
                .flatMap(first -> Arrays.stream(Ender.values()).map(second -> Arguments.of(first, second)));
    }

    @ParameterizedTest
    @MethodSource("pairsOfEnders")
    void promise3_ofTwoThatEndAnAttemptTheFirstIsAccepted(Ender first, Ender second) {
        Attempt attempt = claimed();
        expireLease();
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(first.sql(attempt));
            var sent = b.send(second.sql(attempt));
            boolean waited = b.waitsForLock(sent);
            assertThat(waited).as("waits").isEqualTo(second != Ender.REAP_LEASES);
            a.commit();

            if (second.after == After.CANCELLED && (first.after == After.FAILED || first.after == After.SUPERSEDED)) {
                // The attempt has ended, the job has not: cancelling it is right, and final.
                assertThat(answers(Session.answer(sent))).containsExactly(attempt.jobId());
                assertThat(state(attempt.jobId())).containsExactly("history cancelled");
                return;
            }
            assertThat(answers(Session.answer(sent))).isEqualTo(second.lateAnswerAfter(first));
            String afterFirst = switch (first.after) {
                case SUCCEEDED -> "history succeeded";
                case CANCELLED -> "history cancelled";
                case FAILED, SUPERSEDED -> first == Ender.DEAD ? "dead" : "free";
            };
            assertThat(state(attempt.jobId())).containsExactly(afterFirst);
            if (first.after == After.FAILED || first.after == After.SUPERSEDED) {
                assertEndedOnce(first, attempt.jobId());
            }
        }
    }

    // An end that was applied twice would show in what it charges.
    private static void assertEndedOnce(Ender first, long id) {
        Map<String, @Nullable Object> job = job(id);
        boolean charged = Set.of(Ender.RETRY, Ender.MISSING, Ender.FAIL_JOB, Ender.REAP_LEASES)
                .contains(first);
        assertThat(job.get("attempts")).isEqualTo(first == Ender.DEAD ? 25 : charged ? 1 : 0);
        assertThat(job.get("infra_failures"))
                .isEqualTo(first == Ender.INFRASTRUCTURE || first == Ender.REAP_LEASES ? 1 : 0);
        assertThat(job.get("errors")).isEqualTo(first.after == After.FAILED || first == Ender.REAP_LEASES ? 1 : 0);
    }

    @ParameterizedTest
    @EnumSource(Ender.class)
    void promise3_whoeverRenewsOrReportsAfterTheEndIsRefused(Ender first) {
        Attempt attempt = claimed();
        if (first == Ender.REAP_LEASES) {
            expireLease();
        }
        String verdict = switch (first.after) {
            case SUCCEEDED, FAILED -> "conflict";
            case SUPERSEDED -> "stale";
            case CANCELLED -> "cancelled";
        };
        try (Session a = Session.transaction(database);
                Session renewer = Session.autoCommit(database);
                Session reporter = Session.autoCommit(database);
                Session waiter = Session.autoCommit(database)) {
            a.rows(first.sql(attempt));
            var renewal = renewer.send(renew(attempt));
            var report = reporter.send(report(attempt));
            var wait = waiter.send(waitOutcome(attempt));
            assertThat(renewer.waitsForLock(renewal)).isTrue();
            // A report on an expired lease needs no lock to be refused.
            assertThat(reporter.waitsForLock(report)).isEqualTo(first != Ender.REAP_LEASES);
            assertThat(waiter.waitsForLock(wait)).isTrue();
            a.commit();

            assertThat(Session.answer(renewal)).isEmpty();
            assertThat(answers(Session.answer(report))).containsExactly(verdict);
            assertThat(answers(Session.answer(wait)))
                    .containsExactly(
                            first.after == After.SUCCEEDED || first.after == After.FAILED ? "replay" : verdict);
            assertThat(state(attempt.jobId())).doesNotContain("leased");
        }
    }

    @ParameterizedTest
    @EnumSource(Ender.class)
    void promise3_anEndThatMeetsARenewalWaitsForItAndIsAccepted(Ender second) {
        Attempt attempt = claimed();
        for (String renewal : List.of(renew(attempt), report(attempt), waitOutcome(attempt))) {
            try (Session a = Session.transaction(database);
                    Session b = Session.transaction(database)) {
                assertThat(a.rows(renewal)).hasSize(1);
                var sent = b.send(second.sql(attempt));
                if (second == Ender.REAP_LEASES) {
                    assertThat(Session.answer(sent))
                            .as("a lease that is being renewed")
                            .isEmpty();
                    a.commit();
                    assertThat(b.rows(second.sql(attempt))).isEmpty();
                } else {
                    assertThat(b.waitsForLock(sent)).isTrue();
                    a.commit();
                    Object accepted = second.isOutcome() ? "accepted" : attempt.jobId();
                    assertThat(answers(Session.answer(sent)))
                            .isEqualTo(second == Ender.RELEASE_JOBS ? List.of() : List.of(accepted));
                }
            }
            // Session b rolls back, so the next renewal meets the same attempt.
        }
    }

    @ParameterizedTest
    @EnumSource(Ender.class)
    void promise3_claimersPassOverAnAttemptThatIsBeingEnded(Ender first) {
        Attempt attempt = claimed();
        expireLease();
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(first.sql(attempt));
            assertThat(b.rows(claim("worker-2", 5))).isEmpty();
            assertThat(b.rows("select id from app_jobs.get_job('worker-2') where id is not null"))
                    .isEmpty();
            a.commit();
        }
        database.execute("update app_jobs.jobs set run_at = now() where attempts < max_attempts");
        var again = database.rows(claim("worker-2", 5));
        boolean ended = first.after == After.SUCCEEDED || first.after == After.CANCELLED || first == Ender.DEAD;
        assertThat(again).hasSize(ended ? 0 : 1);
        if (!ended) {
            assertThat(again.getFirst().get("lease_token")).isNotEqualTo(attempt.lease());
            // The lease token is the fence also where an uncharged attempt gives its number to the next.
            assertThat(answers(database.rows(Ender.COMPLETE.sql(attempt))))
                    .isEqualTo(Ender.COMPLETE.lateAnswerAfter(first));
            assertThat(state(attempt.jobId())).containsExactly("leased");
        }
    }

    @Test
    void promise3_twoClaimersNeverGetTheSameJob() {
        long id = database.addJob("ping", "{}");
        for (String late : List.of(claim("worker-2", 1), "select id from app_jobs.get_job('worker-2') where id > 0")) {
            try (Session a = Session.transaction(database);
                    Session b = Session.autoCommit(database)) {
                assertThat(a.rows(claim(WORKER, 1))).hasSize(1);
                assertThat(b.rows(late)).isEmpty();
                a.commit();
                assertThat(b.rows(late)).isEmpty();
                database.execute("select app_jobs.release_jobs(?)", WORKER);
            }
        }
        assertThat(state(id)).containsExactly("free");
    }

    @Test
    void promise3_theAttemptNumberIsPartOfTheFence() {
        Attempt attempt = claimed();
        Attempt wrongNumber = new Attempt(attempt.jobId(), 2, attempt.lease());
        Attempt wrongLease = new Attempt(attempt.jobId(), 1, UUID.randomUUID());

        for (Attempt wrong : List.of(wrongNumber, wrongLease)) {
            for (Ender ender : Ender.values()) {
                if (ender.isOutcome()) {
                    assertThat(answers(database.rows(ender.sql(wrong)))).containsExactly("stale");
                }
            }
            assertThat(database.rows(renew(wrong))).isEmpty();
            assertThat(answers(database.rows(report(wrong)))).containsExactly("stale");
            assertThat(answers(database.rows(waitOutcome(wrong)))).containsExactly("stale");
            assertThat(database.rows(Ender.RELEASE_LEASES.sql(wrong))).isEmpty();
        }
        assertThat(database.rows("select id from app_jobs.complete_job('worker-2', ?) where id > 0", attempt.jobId()))
                .isEmpty();
        assertThat(database.rows("select id from app_jobs.fail_job('worker-2', ?, 'x') where id > 0", attempt.jobId()))
                .isEmpty();
        assertThat(state(attempt.jobId())).containsExactly("leased");
    }

    @Test
    void promise3_twoOutcomesInOneBatchAreOneAcceptedAndOneRefused() {
        Attempt a = claimed();
        var verdicts = database.rows(
                "select verdict from app_jobs.finish_jobs(array[?,?]::bigint[], '{1,1}', array[?,?]::uuid[],"
                        + " '{retry,complete}', '{500,200}', '{broken,null}', '{60,null}', '{null,null}', '{null,null}')"
                        + " order by element",
                a.jobId(),
                a.jobId(),
                a.lease(),
                a.lease());
        assertThat(answers(verdicts)).containsExactly("accepted", "conflict");
        assertThat(job(a.jobId()).get("errors")).isEqualTo(1);
    }

    @Test
    void promise3_aCallbackInTheSameBatchAsIts202IsTheOutcome() {
        Attempt a = claimed();
        var verdicts = database.rows(
                "select verdict from app_jobs.finish_jobs(array[?,?]::bigint[], '{1,1}', array[?,?]::uuid[],"
                        + " '{wait,complete}', '{202,200}', '{null,null}', '{60,null}', '{null,\"7\"}', '{null,null}')"
                        + " order by element",
                a.jobId(),
                a.jobId(),
                a.lease(),
                a.lease());
        assertThat(answers(verdicts)).containsExactly("replay", "accepted");
        assertThat(state(a.jobId())).containsExactly("history succeeded");
    }

    @Test
    void promise3_batchesThatOverlapInOppositeOrderWaitInsteadOfDeadlocking() {
        for (int i = 0; i < 20; i++) {
            database.addJob("ping", "{}");
        }
        List<Attempt> held = attempts(database.rows(claim(WORKER, 20)));
        try (Session a = Session.autoCommit(database);
                Session b = Session.autoCommit(database)) {
            var forwards = a.send(finishAll(held));
            var backwards = b.send(finishAll(held.reversed()));
            List<Object> all = new ArrayList<>(answers(Session.answer(forwards)));
            all.addAll(answers(Session.answer(backwards)));
            assertThat(all).filteredOn("accepted"::equals).hasSize(20);
            assertThat(all).filteredOn("replay"::equals).hasSize(20);
        }
    }

    @Test
    void aJobThatNeverWasIsUnknown() {
        assertThat(answers(database.rows(Ender.COMPLETE.sql(new Attempt(4711, 1, UUID.randomUUID())))))
                .containsExactly("unknown");
    }

    @Test
    void anOutcomeThatDoesNotExistIsRefusedWhole() {
        Attempt a = claimed();
        assertThatThrownBy(() -> finish(a, "finished", 0, null, null))
                .isInstanceOf(JobDatabase.SqlFailure.class)
                .hasMessageContaining("INVALID_ARGUMENT")
                .extracting(e -> ((JobDatabase.SqlFailure) e).state())
                .isEqualTo("PJ003");
        assertThat(state(a.jobId())).containsExactly("leased");
    }

    @Test
    void promise6_nothingIsAcceptedAfterACancel() {
        Attempt a = claimed();
        assertThat(database.number("select id from app_jobs.cancel_job(?)", a.jobId()))
                .isEqualTo(a.jobId());

        for (Ender ender : Ender.values()) {
            assertThat(answers(database.rows(ender.sql(a)))).isEqualTo(ender.lateAnswerAfter(Ender.CANCEL_JOB));
        }
        assertThat(answers(database.rows(report(a)))).containsExactly("cancelled");
        assertThat(state(a.jobId())).containsExactly("history cancelled");
    }

    @Test
    void promise1_aCompletedJobIsMovedAndItsFollowUpsCommitWithIt() {
        database.execute(
                "select app_jobs.add_job(?, 'ping', '{\"a\": 1}'::json, actor_id => ?, request_id => 'r1')",
                JobDatabase.TENANT,
                JobDatabase.TENANT);
        Attempt a = attempts(database.rows(claim(WORKER, 1))).getFirst();

        assertThat(finish(a, "complete", 0, "{\"n\": 1}", "[{\"task\": \"next\", \"payload\": [1], \"priority\": -3}]"))
                .isEqualTo("accepted");

        assertThat(database.rows(
                        "select id, state, payload::text as payload, result::text as result, worker_id, attempts"
                                + " from app_jobs.job_history"))
                .containsExactly(Map.of(
                        "id",
                        a.jobId(),
                        "state",
                        "succeeded",
                        "payload",
                        "{\"a\": 1}",
                        "result",
                        "{\"n\": 1}",
                        "worker_id",
                        WORKER,
                        "attempts",
                        1));
        assertThat(database.rows("select task_identifier, payload::text as payload, priority, actor_id, request_id,"
                        + " database_id from app_jobs.jobs"))
                .containsExactly(Map.of(
                        "task_identifier",
                        "next",
                        "payload",
                        "[1]",
                        "priority",
                        -3,
                        "actor_id",
                        JobDatabase.TENANT,
                        "request_id",
                        "r1",
                        "database_id",
                        JobDatabase.TENANT));
    }

    @Test
    void promise1_aFollowUpThatIsRefusedTakesTheCompletionWithIt() {
        Attempt a = claimed();
        assertThatThrownBy(() -> finish(a, "complete", 0, null, "[{\"task\": null}]"))
                .hasMessageContaining("INVALID_ARGUMENT");
        assertThat(state(a.jobId())).containsExactly("leased");
        assertThatThrownBy(() -> finish(a, "complete", 0, "no json", null)).hasMessageContaining("22P02");
        assertThat(state(a.jobId())).containsExactly("leased");
    }

    /** What each outcome does to a job at its first attempt. */
    @ParameterizedTest
    @MethodSource("effects")
    void anOutcomeHasItsEffect(String outcome, double delay, int attempts, int infra, int errors, String due) {
        Attempt a = claimed();
        assertThat(finish(a, outcome, delay, null, null)).isEqualTo("accepted");

        Map<String, @Nullable Object> job = job(a.jobId());
        assertThat(job.get("attempts")).isEqualTo(attempts);
        assertThat(job.get("infra_failures")).isEqualTo(infra);
        assertThat(job.get("errors")).isEqualTo(errors);
        assertThat(job.get("last_error")).isEqualTo(errors == 0 ? null : "broken");
        assertThat(database.value("select run_at - updated_at " + due + " from app_jobs.jobs where id = ?", a.jobId()))
                .as("due %s after %s", due, outcome)
                .isEqualTo(true);
        if (errors == 1) {
            assertThat(database.rows(
                            "select e->>'outcome' as outcome, e->>'status' as status, e->>'error' as error,"
                                    + " e->>'worker' as worker, e->>'attempt' as attempt, e->>'lease' as lease,"
                                    + " (e->>'ms')::int >= 0 as ms, jsonb_exists(e, 'at') as at"
                                    + " from app_jobs.jobs, jsonb_array_elements(errors) e where id = ?",
                            a.jobId()))
                    .containsExactly(Map.of(
                            "outcome",
                            outcome,
                            "status",
                            "503",
                            "error",
                            "broken",
                            "worker",
                            WORKER,
                            "attempt",
                            "1",
                            "lease",
                            a.lease().toString(),
                            "ms",
                            true,
                            "at",
                            true));
        }
    }

    static Stream<Arguments> effects() {
        return Stream.of(
                Arguments.of("retry", 0, 1, 0, 1, "between '1 s' and '2.72 s'"),
                Arguments.of("retry", 300, 1, 0, 1, "= '300 s'"),
                Arguments.of("missing", 0, 1, 0, 1, "between '1 s' and '2.72 s'"),
                Arguments.of("dead", 0, 25, 0, 1, "> '0 s'"),
                Arguments.of("infrastructure", 0, 0, 1, 1, "between '0.2 s' and '1 s'"),
                Arguments.of("infrastructure", 60, 0, 1, 1, "= '60 s'"),
                Arguments.of("backpressure", 17, 0, 0, 1, "= '17 s'"),
                Arguments.of("snooze", 90, 0, 0, 0, "= '90 s'"));
    }

    @Test
    void aWaitHandsTheLeaseToTheFunctionAndALateRenewalDoesNotShortenIt() {
        Attempt a = claimed();
        assertThat(finish(a, "wait", 600, null, null)).isEqualTo("accepted");
        assertThat(database.rows(renew(a))).hasSize(1);

        assertThat(database.value("select waiting_since is not null and lease_expires_at > now() + interval '9 min'"
                        + " from app_jobs.jobs"))
                .isEqualTo(true);
        assertThat(finish(a, "complete", 0, null, null)).isEqualTo("accepted");
    }

    @Test
    void aWaitThatComesLateDoesNotShortenWhatAHeartbeatAskedFor() {
        Attempt a = claimed();
        database.execute(
                "select * from app_jobs.report_progress(?, ?, ?, interval '1 hour')", a.jobId(), a.number(), a.lease());
        assertThat(finish(a, "wait", 300, null, null)).isEqualTo("accepted");
        assertThat(database.value("select lease_expires_at > now() + interval '50 min' from app_jobs.jobs"))
                .isEqualTo(true);
    }

    @Test
    void theLastAttemptIsFollowedByNone() {
        for (String end : List.of("retry", "missing", "dead")) {
            noJobs();
            Attempt a = claimed();
            database.execute("update app_jobs.jobs set max_attempts = 1 where id = ?", a.jobId());
            finish(a, end, 0, null, null);
            assertThat(state(a.jobId())).containsExactly("dead");
        }
        for (String end : List.of("infrastructure", "backpressure", "snooze")) {
            noJobs();
            Attempt a = claimed();
            database.execute("update app_jobs.jobs set max_attempts = 1 where id = ?", a.jobId());
            finish(a, end, 0, null, null);
            assertThat(state(a.jobId())).as(end).containsExactly("free");
        }
    }

    @Test
    void aMissingFunctionIsTriedFiveTimesMoreAndThenNoMore() {
        long id = database.addJob("ping", "{}");
        for (int retry = 1; retry <= 5; retry++) {
            finish(claimAgain(id), "missing", 0, null, null);
            assertThat(state(id)).as("after answer %s", retry).containsExactly("free");
        }
        finish(claimAgain(id), "missing", 0, null, null);
        assertThat(state(id)).containsExactly("dead");
    }

    @Test
    void infrastructureFailuresHaveACapOfTheirOwnWhetherReportedOrReaped() {
        long id = database.addJob("ping", "{}");
        Attempt first = claimAgain(id);
        database.execute("update app_jobs.jobs set infra_failures = 18");
        finish(first, "infrastructure", 0, null, null);
        assertThat(state(id)).containsExactly("free");
        finish(claimAgain(id), "infrastructure", 0, null, null);
        assertThat(state(id)).containsExactly("dead");

        long other = database.addJob("ping", "{}");
        claimAgain(other);
        database.execute("update app_jobs.jobs set infra_failures = 19 where id = ?", other);
        expireLease();
        assertThat(database.rows("select job_id, dead, waited, worker_id from app_jobs.reap_leases()"))
                .containsExactly(Map.of("job_id", other, "dead", true, "waited", false, "worker_id", WORKER));
        assertThat(state(other)).containsExactly("dead");
    }

    @Test
    void backpressureIsChargedOnceTheJobIsADayOld() {
        Attempt a = claimed();
        database.execute("update app_jobs.jobs set created_at = now() - interval '25 hours', updated_at = now()");
        finish(a, "backpressure", 1, null, null);
        assertThat(job(a.jobId()).get("attempts")).isEqualTo(1);
    }

    @Test
    void aReapedWorkersJobIsReadyAtOnceAndAReapedFunctionsJobBacksOff() {
        Attempt lost = claimed();
        expireLease();
        database.execute("select app_jobs.reap_leases()");
        assertThat(database.value("select run_at <= now() from app_jobs.jobs where id = ?", lost.jobId()))
                .isEqualTo(true);
        assertThat(database.value("select last_error from app_jobs.jobs where id = ?", lost.jobId()))
                .isEqualTo("lease expired: worker worker-1 did not renew it");

        noJobs();
        Attempt silent = claimed();
        finish(silent, "wait", 600, null, null);
        expireLease();
        assertThat(database.rows("select waited from app_jobs.reap_leases()")).containsExactly(Map.of("waited", true));
        assertThat(database.value("select run_at > now() and infra_failures = 0 from app_jobs.jobs"))
                .isEqualTo(true);
        assertThat(finish(silent, "complete", 0, null, null)).isEqualTo("stale");
    }

    @Test
    void theErrorsOfTheLastTwentyAttemptsAreKept() {
        long id = number("select id from app_jobs.add_job(?, 'ping', max_attempts => 100)", JobDatabase.TENANT);
        for (int i = 0; i < 23; i++) {
            finish(claimAgain(id), "retry", 0, null, null);
        }
        assertThat(database.rows("select jsonb_array_length(errors) as n, errors->0->>'attempt' as first,"
                        + " errors->-1->>'attempt' as last from app_jobs.jobs"))
                .containsExactly(Map.of("n", 20, "first", "4", "last", "23"));
    }

    @Test
    void anExpiredLeaseIsNotRenewedEvenBeforeItIsReaped() {
        Attempt a = claimed();
        expireLease();
        assertThat(database.rows(renew(a))).isEmpty();
        assertThat(answers(database.rows(report(a)))).containsExactly("stale");
    }

    @Test
    void aJobWhoseKeyIsAddedAgainWhileItRunsEndsAndLeavesTheKeyToTheNewOne() {
        long old = number("select id from app_jobs.add_job(?, 'ping', job_key => 'k')", JobDatabase.TENANT);
        Attempt running = claimAgain(old);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows("select id from app_jobs.add_job(?, 'ping', job_key => 'k')", JobDatabase.TENANT);
            var sent = b.send(Ender.RETRY.sql(running));
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThat(answers(Session.answer(sent))).containsExactly("accepted");
        }
        assertThat(state(old)).containsExactly("dead");
        assertThat(database.rows("select key, attempts from app_jobs.jobs where id <> ?", old))
                .containsExactly(Map.of("key", "k", "attempts", 0));
    }

    @Test
    void promise4_twoClaimersNeverLeaseTwoJobsOfAQueue() {
        number("select id from app_jobs.add_job(?, 'ping', queue_name => 'q')", JobDatabase.TENANT);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            // More urgent than the first, added and claimed where the other cannot see it yet.
            a.rows("select id from app_jobs.add_job(?, 'ping', queue_name => 'q', priority => -1)", JobDatabase.TENANT);
            assertThat(a.rows(claim(WORKER, 5))).hasSize(1);
            assertThat(b.rows(claim("worker-2", 5))).isEmpty();
            assertThat(b.rows("select id from app_jobs.get_job('worker-2') where id is not null"))
                    .isEmpty();
            a.commit();
            assertThat(b.rows(claim("worker-2", 5))).isEmpty();
        }
    }

    @Test
    void promise4_theDatabaseItselfRefusesASecondLeaseInAQueue() {
        for (int i = 0; i < 2; i++) {
            number("select id from app_jobs.add_job(?, 'ping', queue_name => 'q')", JobDatabase.TENANT);
        }
        assertThat(database.rows(claim(WORKER, 5))).hasSize(1);
        assertThatThrownBy(() -> database.execute("update app_jobs.jobs set locked_at = now(), locked_by = 'somebody'"
                        + " where locked_at is null"))
                .hasMessageContaining("jobs_queue_leased_idx");
    }

    @Test
    void promise4_aQueueRunsInOrderOneAtATimeUnderManyClaimers() throws Exception {
        int queues = 5;
        int each = 15;
        for (int i = 0; i < each; i++) {
            for (int q = 0; q < queues; q++) {
                number("select id from app_jobs.add_job(?, 'ping', queue_name => ?)", JobDatabase.TENANT, "q" + q);
            }
        }
        Map<Object, List<Object>> started = new ConcurrentHashMap<>();
        race(4, worker -> {
            var claimed = worker.rows("select id, attempt, lease_token, queue_name from"
                    + " app_jobs.claim_jobs('worker-1', null, 3, '1 min')");
            for (var row : claimed) {
                started.computeIfAbsent(key(row, "queue_name"), q -> new CopyOnWriteArrayList<>())
                        .add(key(row, "id"));
            }
            for (Attempt attempt : attempts(claimed)) {
                assertThat(answers(worker.rows(Ender.COMPLETE.sql(attempt)))).containsExactly("accepted");
            }
        });

        assertThat(started).hasSize(queues);
        assertThat(started.values()).allSatisfy(ids -> {
            assertThat(ids).hasSize(each);
            assertThat(ids.stream().map(Long.class::cast).toList()).isSorted();
        });
    }

    @Test
    void promise3_oldWorkersBesideOursEndEachJobOnce() throws Exception {
        int jobs = 300;
        database.execute(
                "select app_jobs.add_job(?, 'ping', queue_name => case when n % 3 = 0 then 'q' || n % 7 end)"
                        + " from generate_series(1, 300) n",
                JobDatabase.TENANT);
        List<Object> ended = new CopyOnWriteArrayList<>();
        List<Object> byOld = new CopyOnWriteArrayList<>();
        List<Worker> kinds = List.of(
                old -> {
                    var got = old.rows("select id from app_jobs.get_job('old-worker') where id is not null");
                    for (var row : got) {
                        byOld.add(key(row, "id"));
                        ended.addAll(answers(old.rows(
                                "select id from app_jobs.complete_job('old-worker', ?) where id is not null",
                                key(row, "id"))));
                    }
                },
                ours -> {
                    for (Attempt a : attempts(ours.rows(claim(WORKER, 4)))) {
                        if (answers(ours.rows(Ender.COMPLETE.sql(a))).contains("accepted")) {
                            ended.add(a.jobId());
                        }
                        // The other side's report of the same attempt comes second.
                        assertThat(ours.rows(Ender.COMPLETE_JOB.sql(a))).isEmpty();
                    }
                });
        race(
                4,
                session ->
                        kinds.get((int) (Thread.currentThread().threadId() % 2)).step(session));

        assertThat(ended).hasSize(jobs).doesNotHaveDuplicates();
        assertThat(byOld).isNotEmpty().hasSizeLessThan(jobs);
        assertThat(number("select count(*) from app_jobs.job_history where state = 'succeeded' and attempts = 1"))
                .isEqualTo(jobs);
    }

    /** One pass of a worker over its connection. */
    private interface Worker {
        void step(Session session);
    }

    // Runs passes in so many threads until no job is left.
    private static void race(int threads, Worker worker) throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<@Nullable Void>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                Callable<@Nullable Void> loop = () -> {
                    try (Session session = Session.autoCommit(database)) {
                        while (number("select count(*) from app_jobs.jobs") > 0) {
                            worker.step(session);
                        }
                    }
                    return null;
                };
                running.add(pool.submit(loop));
            }
            for (Future<@Nullable Void> one : running) {
                one.get();
            }
        }
    }

    private static Object key(Map<String, @Nullable Object> row, String column) {
        Object value = row.get(column);
        if (value == null) {
            throw new AssertionError(column + " is null in " + row);
        }
        return value;
    }

    private static long number(String sql, @Nullable Object... arguments) {
        return database.number(sql, arguments);
    }

    private static String claim(String worker, int most) {
        return "select id, attempt, lease_token from app_jobs.claim_jobs('%s', null, %d, '1 min')"
                .formatted(worker, most);
    }

    private static String renew(Attempt a) {
        return "select job_id as answer from app_jobs.renew_leases(array[%d]::bigint[], array[%d], array['%s'::uuid], '30 s')"
                .formatted(a.jobId(), a.number(), a.lease());
    }

    private static String report(Attempt a) {
        return "select verdict as answer from app_jobs.report_progress(%d, %d, '%s', '30 s', '{\"percent\": 1}')"
                .formatted(a.jobId(), a.number(), a.lease());
    }

    private static String waitOutcome(Attempt a) {
        return Ender.COMPLETE.sql(a).replace("'complete'", "'wait'");
    }

    private static String finishAll(List<Attempt> held) {
        return "select verdict from app_jobs.finish_jobs('{%s}', '{%s}', '{%s}', '{%s}', '{%s}', '{%s}', '{%s}', '{%s}', '{%s}')"
                .formatted(
                        join(held, a -> a.jobId()),
                        join(held, a -> a.number()),
                        join(held, a -> a.lease()),
                        join(held, a -> "complete"),
                        join(held, a -> 200),
                        join(held, a -> null),
                        join(held, a -> null),
                        join(held, a -> null),
                        join(held, a -> null));
    }

    private static String join(List<Attempt> held, java.util.function.Function<Attempt, @Nullable Object> part) {
        return String.join(
                ",", held.stream().map(a -> String.valueOf(part.apply(a))).toList());
    }

    private static Attempt claimed() {
        return claimAgain(database.addJob("ping", "{}"));
    }

    private static Attempt claimAgain(long id) {
        database.execute("update app_jobs.jobs set run_at = now() where id = ?", id);
        Attempt attempt = attempts(database.rows(claim(WORKER, 1))).getFirst();
        assertThat(attempt.jobId()).isEqualTo(id);
        return attempt;
    }

    private static void expireLease() {
        database.execute("update app_jobs.jobs set lease_expires_at = clock_timestamp() where locked_at is not null");
    }

    private static @Nullable Object finish(
            Attempt a, String outcome, double delay, @Nullable String result, @Nullable String followUps) {
        return database.value(FINISH, a.jobId(), a.number(), a.lease(), outcome, delay, result, followUps);
    }

    private static List<Attempt> attempts(List<Map<String, @Nullable Object>> claimed) {
        return claimed.stream()
                .map(row -> new Attempt(
                        (Long) key(row, "id"), (Integer) key(row, "attempt"), (UUID) key(row, "lease_token")))
                .toList();
    }

    private static List<Object> answers(List<Map<String, @Nullable Object>> rows) {
        return rows.stream()
                .map(row -> key(row, row.keySet().iterator().next()))
                .toList();
    }

    private static Map<String, @Nullable Object> job(long id) {
        return database.rows(
                        "select attempts, infra_failures, last_error, jsonb_array_length(errors) as errors"
                                + " from app_jobs.jobs where id = ?",
                        id)
                .getFirst();
    }

    /** Where the job is: one entry, or it was doubled or lost. */
    private static List<Object> state(long id) {
        return answers(database.rows(
                "select case when j.locked_at is not null then 'leased' when j.attempts >= j.max_attempts then 'dead'"
                        + " else 'free' end as state from app_jobs.jobs j where j.id = ?"
                        + " union all select 'history ' || h.state from app_jobs.job_history h where h.id = ?",
                id,
                id));
    }
}
