package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.callback.CallbackServer.Answer;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.LeaseState;
import dev.postern.sql.Outcome;
import dev.postern.sql.Progress;
import dev.postern.sql.Verdict;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Heartbeats and progress that meet each other, and a cancel. */
class SignsOfLifeTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final Duration LEASE = Duration.ofMinutes(5);

    static CallbackServer server;
    static Vertx vertx;
    static Context context;
    static SignsOfLife signs;

    @BeforeAll
    static void start() {
        server = CallbackServer.start(database, CallbackServer.LOOPBACK);
        vertx = Vertx.vertx();
        context = vertx.getOrCreateContext();
        signs = new SignsOfLife(new JobStore(
                JobStore.pool(vertx, database.config(), "signs-of-life"),
                database.config().schema()));
        // Each write of a report leaves a row here.
        database.execute("create table public.writes (job bigint)");
        database.execute("create function public.note_write() returns trigger language plpgsql as 'begin"
                + " insert into public.writes values (new.id); return null; end'");
        database.execute("create trigger note_write after update on app_jobs.jobs for each row"
                + " when (old.locked_at is not null) execute function public.note_write()");
    }

    @AfterAll
    static void stop() {
        server.close();
        CallbackServer.await(vertx.close());
    }

    @Test
    void thoseThatArriveDuringAWriteAreOneNextWriteAndAllAreAnswered() throws Exception {
        Attempt attempt = server.claimed();
        List<Future<LeaseState>> answers;
        try (Connection holder = locked(attempt)) {
            answers = reported(() -> Stream.concat(
                            Stream.of(
                                    signs.report(attempt, LEASE, new Progress(10.0, null, null, "first")),
                                    signs.report(attempt, LEASE, new Progress(null, 2, 6, null)),
                                    signs.report(attempt, Duration.ofMinutes(30), null)),
                            IntStream.rangeClosed(20, 60)
                                    .mapToObj(percent -> signs.report(
                                            attempt, LEASE, new Progress((double) percent, null, null, null))))
                    .toList());
            server.awaitBlocked(1);
            assertThat(answers).noneMatch(Future::isComplete);
            holder.commit();
        }
        assertThat(answers)
                .allSatisfy(answer ->
                        assertThat(CallbackServer.await(answer).verdict()).isEqualTo(Verdict.ACCEPTED));
        assertThat(writes(attempt)).isEqualTo(2);
        assertThat(stored(attempt))
                .isEqualTo(new JsonObject()
                        .put("percent", 60)
                        .put("step", 2)
                        .put("steps", 6)
                        .put("message", "first"));
        assertThat(database.value(
                        "select lease_expires_at > now() + interval '25 min' from app_jobs.jobs where id = ?",
                        attempt.jobId()))
                .isEqualTo(true);
    }

    @Test
    void aReportThatIsAloneIsWrittenAtOnce() {
        Attempt attempt = server.claimed();
        for (double percent = 1; percent <= 3; percent++) {
            double now = percent;
            CallbackServer.await(reported(
                            () -> List.of(signs.report(attempt, LEASE, new Progress(now, null, null, null))))
                    .getFirst());
        }
        assertThat(writes(attempt)).isEqualTo(3);
        assertThat(stored(attempt)).isEqualTo(new JsonObject().put("percent", 3));
    }

    @Test
    void oneAttemptsReportsDoNotWaitForAnothers() throws Exception {
        Attempt held = server.claimed();
        Attempt free = server.claimed();
        try (Connection holder = locked(held)) {
            List<Future<LeaseState>> answers =
                    reported(() -> List.of(signs.report(held, LEASE, null), signs.report(free, LEASE, null)));
            assertThat(CallbackServer.await(answers.getLast()).verdict()).isEqualTo(Verdict.ACCEPTED);
            assertThat(answers.getFirst().isComplete()).isFalse();
            holder.commit();
            assertThat(CallbackServer.await(answers.getFirst()).verdict()).isEqualTo(Verdict.ACCEPTED);
        }
    }

    @Test
    void promise6ThoseThatMeetACancelAreAllToldSo() throws Exception {
        Attempt attempt = waiting();
        List<Future<LeaseState>> answers;
        CompletableFuture<Answer> heartbeat;
        try (Connection canceller = database.connect()) {
            canceller.setAutoCommit(false);
            JobDatabase.rows(canceller, "select app_jobs.cancel_job(?)", attempt.jobId());
            answers = reported(() -> List.of(
                    signs.report(attempt, LEASE, new Progress(10.0, null, null, null)),
                    signs.report(attempt, LEASE, new Progress(20.0, null, null, null)),
                    signs.report(attempt, LEASE, null)));
            heartbeat = server.postAsync(attempt, "/heartbeat", "");
            server.awaitBlocked(2);
            canceller.commit();
        }
        assertThat(answers)
                .allSatisfy(answer ->
                        assertThat(CallbackServer.await(answer).verdict()).isEqualTo(Verdict.CANCELLED));
        assertThat(heartbeat.join().status()).isEqualTo(410);
        assertThat(heartbeat.join().problem()).isEqualTo("cancelled");
    }

    @Test
    void promise6ACancelThatMeetsASignOfLifeWaitsForItAndIsFinal() throws Exception {
        Attempt attempt = waiting();
        CompletableFuture<Answer> heartbeat;
        CompletableFuture<Void> cancel;
        try (Connection holder = locked(attempt)) {
            heartbeat = server.postAsync(attempt, "/heartbeat", "");
            server.awaitBlocked(1);
            cancel = CompletableFuture.runAsync(
                    () -> database.execute("select app_jobs.cancel_job(?)", attempt.jobId()));
            server.awaitBlocked(2);
            holder.commit();
        }
        assertThat(heartbeat.join().status()).isEqualTo(200);
        cancel.join();
        for (String report : List.of("/heartbeat", "/progress", "/complete", "/fail", "")) {
            Answer late = server.post(attempt, report, "{\"percent\": 1}");
            assertThat(late.status()).isEqualTo(410);
            assertThat(late.problem()).isEqualTo("cancelled");
        }
    }

    // Called within one turn of the event loop, so that none can have been written before the last is reported.
    private static List<Future<LeaseState>> reported(Supplier<List<Future<LeaseState>>> reports) {
        Promise<List<Future<LeaseState>>> all = Promise.promise();
        context.runOnContext(ignored -> all.complete(reports.get()));
        return CallbackServer.await(all.future());
    }

    private static Attempt waiting() {
        Attempt attempt = server.claimed();
        assertThat(CallbackServer.await(server.worker.offer(attempt, new Outcome.Wait(Duration.ofSeconds(60)))))
                .isEqualTo(Verdict.ACCEPTED);
        return attempt;
    }

    private static long writes(Attempt attempt) {
        return database.number("select count(*) from public.writes where job = ?", attempt.jobId());
    }

    private static JsonObject stored(Attempt attempt) {
        return new JsonObject(String.valueOf(
                database.value("select (progress - 'at')::text from app_jobs.jobs where id = ?", attempt.jobId())));
    }

    private static Connection locked(Attempt attempt) throws Exception {
        Connection holder = database.connect();
        holder.setAutoCommit(false);
        JobDatabase.rows(holder, "select 1 from app_jobs.jobs where id = ? for update", attempt.jobId());
        return holder;
    }
}
