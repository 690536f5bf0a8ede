package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.callback.CallbackServer.Answer;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Promise 3, exactly one outcome is accepted per attempt and never from a superseded attempt; and promise 6, cancel is
 * final: both at the callback server, with a worker that reports on the same attempts.
 */
class OutcomeFenceTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    static CallbackServer server;

    @BeforeAll
    static void start() {
        server = CallbackServer.start(database, CallbackServer.LOOPBACK);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void promise3AnswersTheSameCompletionAgainAsAReplay() {
        Attempt attempt = server.claimed();
        Answer first = server.post(attempt, "/complete", "{\"n\":1}");
        Answer second = server.post(attempt, "/complete", "{\"n\":2}");
        assertThat(first.replayed()).isFalse();
        assertThat(second.status()).isEqualTo(200);
        assertThat(second.replayed()).isTrue();
        assertThat(second.json()).isEqualTo(first.json());
        assertThat(database.value("select result::text from app_jobs.job_history where id = ?", attempt.jobId()))
                .isEqualTo("{\"n\":1}");
    }

    @Test
    void promise3AnswersTheSameFailureAgainAsAReplay() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/fail", "{\"error\":\"first\"}").replayed())
                .isFalse();
        Answer second = server.post(attempt, "/fail", "{\"error\":\"second\"}");
        assertThat(second.status()).isEqualTo(200);
        assertThat(second.replayed()).isTrue();
        assertThat(database.rows("select attempts, last_error from app_jobs.jobs where id = ?", attempt.jobId())
                        .getFirst())
                .containsEntry("attempts", 1)
                .containsEntry("last_error", "first");
    }

    @Test
    void promise3RefusesAFailureAfterACompletion() {
        Attempt attempt = server.claimed();
        server.post(attempt, "/complete", "");
        for (Answer answer :
                List.of(server.post(attempt, "/fail", "{}"), server.post(attempt, "", "{}", "X-Job-Error", "true"))) {
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.problem()).isEqualTo("outcome-conflict");
        }
        assertSucceededOnce(attempt);
    }

    @Test
    void promise3RefusesACompletionAfterAFailure() {
        Attempt attempt = server.claimed();
        server.post(attempt, "/fail", "{}");
        Answer answer = server.post(attempt, "/complete", "");
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problem()).isEqualTo("outcome-conflict");
        assertNotEnded(attempt);
    }

    @Test
    void promise3EndsOnceWhenTheFunctionsAnswerComesBeforeItsCallback() {
        Attempt attempt = server.claimed();
        assertThat(CallbackServer.await(server.worker.offer(attempt, Outcome.Complete.EMPTY)))
                .isEqualTo(Verdict.ACCEPTED);
        Answer callback = server.post(attempt, "", "{\"status\":\"success\"}");
        assertThat(callback.status()).isEqualTo(200);
        assertThat(callback.replayed()).isTrue();
        assertSucceededOnce(attempt);
    }

    @Test
    void promise3EndsOnceWhenTheFunctionsAnswerComesAfterItsCallback() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "", "{\"status\":\"success\"}").replayed())
                .isFalse();
        assertThat(CallbackServer.await(server.worker.offer(attempt, Outcome.Complete.EMPTY)))
                .isEqualTo(Verdict.REPLAY);
        assertSucceededOnce(attempt);
    }

    @Test
    void promise3KeepsTheCallbacksFailureWhenTheFunctionAlsoAnswered200() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "", "{\"error\":\"x\"}", "X-Job-Error", "true")
                        .status())
                .isEqualTo(200);
        assertThat(CallbackServer.await(server.worker.offer(attempt, Outcome.Complete.EMPTY)))
                .isEqualTo(Verdict.CONFLICT);
        assertNotEnded(attempt);
    }

    @Test
    void promise3TakesTheCallbackOfA202WhicheverComesFirst() {
        Attempt waiting = server.claimed();
        assertThat(CallbackServer.await(server.worker.offer(waiting, new Outcome.Wait(Duration.ofSeconds(60)))))
                .isEqualTo(Verdict.ACCEPTED);
        assertThat(server.post(waiting, "/heartbeat", "").status()).isEqualTo(200);
        assertThat(server.post(waiting, "/complete", "").replayed()).isFalse();
        assertSucceededOnce(waiting);

        Attempt quick = server.claimed();
        assertThat(server.post(quick, "/complete", "").replayed()).isFalse();
        assertThat(CallbackServer.await(server.worker.offer(quick, new Outcome.Wait(Duration.ofSeconds(60)))))
                .isEqualTo(Verdict.REPLAY);
        assertSucceededOnce(quick);
    }

    @Test
    void promise3RefusesEveryReportOfASupersededAttempt() {
        Attempt first = server.claimed();
        Attempt second = server.claimedAgain(first);
        for (String report : List.of("", "/complete", "/fail", "/heartbeat", "/progress")) {
            Answer answer = server.post(first, report, "{\"percent\": 1}");
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.problem()).isEqualTo("stale-attempt");
        }
        assertHeld(second);
        assertThat(server.post(second, "/complete", "{}").replayed()).isFalse();
    }

    @Test
    void promise3RefusesARightLeaseUnderAWrongAttemptAndTheReverse() {
        Attempt attempt = server.claimed();
        for (Attempt forged : List.of(
                new Attempt(attempt.jobId(), attempt.number() + 1, attempt.lease()),
                new Attempt(attempt.jobId(), attempt.number(), UUID.randomUUID()))) {
            for (String report : List.of("/complete", "/fail", "/heartbeat", "/progress")) {
                assertThat(server.post(forged, report, "{\"percent\": 1}").problem())
                        .isEqualTo("stale-attempt");
            }
        }
        assertHeld(attempt);
    }

    @Test
    void promise3RefusesAHeartbeatAfterTheLeaseHasExpired() {
        Attempt attempt = server.claimed();
        database.execute(
                "update app_jobs.jobs set lease_expires_at = now() - interval '1 s' where id = ?", attempt.jobId());
        assertThat(server.post(attempt, "/heartbeat", "").problem()).isEqualTo("stale-attempt");
    }

    @Test
    void promise6AnswersGoneToEveryReportOnACancelledJob() {
        Attempt attempt = server.claimed();
        database.execute("select app_jobs.cancel_job(?)", attempt.jobId());
        for (String report : List.of("", "/complete", "/fail", "/heartbeat", "/progress")) {
            Answer answer = server.post(attempt, report, "{\"percent\": 1}");
            assertThat(answer.status()).isEqualTo(410);
            assertThat(answer.problem()).isEqualTo("cancelled");
        }
        assertThat(states(attempt)).containsExactly("cancelled");
    }

    @Test
    void acceptsTwoHundredCompletionsAtOnce() {
        for (int i = 0; i < 200; i++) {
            database.addJob("many", "{}");
        }
        List<Attempt> attempts = server.claim("many");
        List<CompletableFuture<Answer>> answers = attempts.stream()
                .map(attempt -> server.postAsync(attempt, "/complete", "{\"job\":" + attempt.jobId() + "}"))
                .toList();
        assertThat(answers)
                .hasSize(200)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(200))
                .allSatisfy(answer -> assertThat(answer.join().replayed()).isFalse());
        assertThat(database.number("select count(*) from app_jobs.job_history where task_identifier = 'many'"
                        + " and state = 'succeeded' and (result ->> 'job')::bigint = id"))
                .isEqualTo(200);
    }

    @Test
    void promise3AcceptsOneOfTwoOutcomesThatWaitForTheSameRow() throws Exception {
        Attempt attempt = server.claimed();
        CompletableFuture<Verdict> worker;
        CompletableFuture<Answer> callback;
        try (Connection holder = locked(attempt)) {
            worker = server.worker
                    .offer(attempt, new Outcome.Retry(500, "worker saw 500", Duration.ZERO))
                    .toCompletionStage()
                    .toCompletableFuture();
            callback = server.postAsync(attempt, "/complete", "{}");
            server.awaitBlocked(2);
            holder.commit();
        }
        assertOneAccepted(attempt, worker, callback);
    }

    @Test
    void promise3AcceptsOneOfTwoOutcomesAtTheSameInstant() {
        for (int round = 0; round < 30; round++) {
            Attempt attempt = server.claimed();
            CompletableFuture<Answer> callback = server.postAsync(attempt, "/complete", "{}");
            CompletableFuture<Verdict> worker = server.worker
                    .offer(attempt, new Outcome.Retry(500, "worker saw 500", Duration.ZERO))
                    .toCompletionStage()
                    .toCompletableFuture();
            assertOneAccepted(attempt, worker, callback);
        }
    }

    @Test
    void promise3AcceptsOneOfManyReportsOfOneAttempt() {
        Attempt attempt = server.claimed();
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            answers.add(server.postAsync(attempt, i % 2 == 0 ? "/complete" : "/fail", "{}"));
        }
        Stream<Answer> accepted = answers.stream()
                .map(CompletableFuture::join)
                .filter(answer -> answer.status() == 200 && !answer.replayed());
        assertThat(accepted).hasSize(1);
    }

    @Test
    void promise6LetsEitherTheCancelOrTheOutcomeWin() throws Exception {
        Attempt attempt = server.claimed();
        CompletableFuture<Void> cancel;
        CompletableFuture<Answer> callback;
        try (Connection holder = locked(attempt)) {
            cancel = CompletableFuture.runAsync(
                    () -> database.execute("select app_jobs.cancel_job(?)", attempt.jobId()));
            server.awaitBlocked(1);
            callback = server.postAsync(attempt, "/complete", "{}");
            server.awaitBlocked(2);
            holder.commit();
        }
        cancel.orTimeout(30, TimeUnit.SECONDS).join();
        assertThat(states(attempt)).containsExactly(callback.join().status() == 200 ? "succeeded" : "cancelled");
        assertThat(callback.join().status()).isIn(200, 410);
    }

    private static Connection locked(Attempt attempt) throws Exception {
        Connection holder = database.connect();
        holder.setAutoCommit(false);
        JobDatabase.rows(holder, "select 1 from app_jobs.jobs where id = ? for update", attempt.jobId());
        return holder;
    }

    private static void assertOneAccepted(
            Attempt attempt, CompletableFuture<Verdict> worker, CompletableFuture<Answer> callback) {
        Verdict verdict = worker.orTimeout(30, TimeUnit.SECONDS).join();
        int status = callback.join().status();
        if (verdict == Verdict.ACCEPTED) {
            assertThat(status).isEqualTo(409);
            assertNotEnded(attempt);
        } else {
            assertThat(verdict).isEqualTo(Verdict.CONFLICT);
            assertThat(status).isEqualTo(200);
            assertSucceededOnce(attempt);
        }
    }

    private static List<String> states(Attempt attempt) {
        return database.rows("select state from app_jobs.job_history where id = ?", attempt.jobId()).stream()
                .map(row -> String.valueOf(row.get("state")))
                .toList();
    }

    private static void assertSucceededOnce(Attempt attempt) {
        assertThat(states(attempt)).containsExactly("succeeded");
        assertThat(database.number("select count(*) from app_jobs.jobs where id = ?", attempt.jobId()))
                .isZero();
    }

    private static void assertNotEnded(Attempt attempt) {
        assertThat(states(attempt)).isEmpty();
        assertThat(database.number(
                        "select jsonb_array_length(errors) from app_jobs.jobs where id = ? and locked_at is null",
                        attempt.jobId()))
                .isOne();
    }

    private static void assertHeld(Attempt attempt) {
        assertThat(database.rows(
                                "select attempts, lease_token, progress,"
                                        + " lease_expires_at < now() + interval '70 s' as short from app_jobs.jobs"
                                        + " where id = ? and locked_at is not null",
                                attempt.jobId())
                        .getFirst())
                .containsEntry("attempts", attempt.number())
                .containsEntry("lease_token", attempt.lease())
                .containsEntry("progress", null)
                .containsEntry("short", true);
    }
}
