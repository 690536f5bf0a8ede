package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** What cancelling answers, keeps and tells; {@link FenceTest} has it meet every other statement. */
class CancelTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    @Test
    void answersWhatEachJobWasAndWhoHeldIt() {
        long running = claimed("a").jobId();
        Attempt owed = claimed("b");
        database.execute(
                "select app_jobs.finish_jobs(array[?]::bigint[], '{1}', array[?]::uuid[], '{wait}', '{202}', '{null}',"
                        + " '{60}', '{null}', '{null}')",
                owed.jobId(), owed.lease());
        long ready = database.addJob("c", "{}");
        long scheduled = database.number(
                "select id from app_jobs.add_job(?, 'd', run_at => now() + interval '1 h')", JobDatabase.TENANT);
        long dead = database.number("select id from app_jobs.add_job(?, 'e', max_attempts => 1)", JobDatabase.TENANT);
        database.execute("update app_jobs.jobs set attempts = 1 where id = ?", dead);

        assertThat(database.rows(
                        "select job_id, task_identifier, former_state, worker_id from app_jobs.cancel_jobs(array[?, ?,"
                                + " 4711, ?, ?, ?, ?]::bigint[])",
                        dead,
                        running,
                        scheduled,
                        ready,
                        owed.jobId(),
                        running))
                .containsExactly(
                        was(running, "a", "running", "worker-1"),
                        was(owed.jobId(), "b", "waiting", "worker-1"),
                        was(ready, "c", "ready", null),
                        was(scheduled, "d", "scheduled", null),
                        was(dead, "e", "dead", null));
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
        assertThat(database.number("select count(*) from app_jobs.job_history where state = 'cancelled'"))
                .isEqualTo(5);
    }

    @Test
    void areCountedForAnHourByTask() {
        long running = claimed("a").jobId();
        long queued = database.addJob("a", "{}");
        long old = database.addJob("b", "{}");
        long succeeded = claimed("c").jobId();
        database.execute("select app_jobs.complete_job('worker-1', ?)", succeeded);
        database.execute("select app_jobs.cancel_jobs(array[?, ?, ?]::bigint[])", running, queued, old);
        database.execute(
                "update app_jobs.job_history set finished_at = finished_at - interval '61 minutes' where id = ?", old);

        Vertx vertx = Vertx.vertx();
        try {
            JobDirectory directory =
                    new JobDirectory(JobStore.pool(vertx, database.config(), "cancel test"), "app_jobs");
            assertThat(directory.cancelledCounts().await())
                    .containsExactly(new JobDirectory.Count("a", "cancelled", 2));
        } finally {
            vertx.close().await();
        }
    }

    @Test
    void keepsWhoAndWhyBesideTheLastError() {
        long one = database.addJob("a", "{}");
        database.execute("update app_jobs.jobs set last_error = 'disk full' where id = ?", one);
        database.execute("select app_jobs.cancel_job(?, 'ordered twice')", one);
        long many = database.addJob("b", "{}");
        database.execute("select app_jobs.cancel_jobs(array[?]::bigint[], 'ordered thrice')", many);
        long completed = claimed("c").jobId();
        database.execute("select app_jobs.complete_job('worker-1', ?)", completed);

        String whoAndWhy = "select last_error, cancel_reason, cancelled_by = session_user as by_us"
                + " from app_jobs.job_history where id = ?";
        assertThat(database.rows(whoAndWhy, one).getFirst())
                .containsEntry("last_error", "disk full")
                .containsEntry("cancel_reason", "ordered twice")
                .containsEntry("by_us", true);
        assertThat(database.rows(whoAndWhy, many).getFirst())
                .containsEntry("cancel_reason", "ordered thrice")
                .containsEntry("by_us", true);
        assertThat(database.rows(whoAndWhy, completed).getFirst())
                .containsEntry("cancel_reason", null)
                .containsEntry("by_us", null);
    }

    @Test
    void tellsWhoRunsAJobAndNobodyElse() throws SQLException {
        Attempt first = claimed("a");
        Attempt second = claimed("b");
        Attempt owed = claimed("c");
        database.execute("update app_jobs.jobs set waiting_since = now() where id = ?", owed.jobId());
        long ready = database.addJob("d", "{}");

        assertThat(toldWhile(() -> {
                    database.execute("select app_jobs.cancel_job(?)", first.jobId());
                    database.execute(
                            "select app_jobs.cancel_jobs(array[?, ?, ?]::bigint[])",
                            second.jobId(),
                            owed.jobId(),
                            ready);
                }))
                .containsExactly(Long.toString(first.jobId()), Long.toString(second.jobId()));
    }

    @Test
    void tellsAWorkerWhoseJobsSomebodyElseReleased() throws SQLException {
        Attempt attempt = claimed("a");
        assertThat(toldWhile(() -> database.execute("select app_jobs.release_jobs('worker-1')")))
                .containsExactly(Long.toString(attempt.jobId()));
        assertThat(lost(attempt)).containsExactly("stale");
    }

    @Test
    void tellsNobodyUntilItIsCommitted() throws SQLException {
        Attempt attempt = claimed("a");
        try (Session cancel = Session.transaction(database)) {
            assertThat(toldWhile(() -> cancel.rows("select app_jobs.cancel_job(?)", attempt.jobId())))
                    .isEmpty();
            // The worker that asks meanwhile neither waits nor stops.
            assertThat(lost(attempt)).isEmpty();
            assertThat(toldWhile(cancel::commit)).containsExactly(Long.toString(attempt.jobId()));
        }
        assertThat(lost(attempt)).containsExactly("cancelled");
    }

    @Test
    void aCancelThatMeetsAClaimWaitsForItAndTellsItsWorker() throws SQLException {
        for (String cancel : List.of("cancel_job(?)", "cancel_jobs(array[?]::bigint[])")) {
            noJobs();
            long id = database.addJob("a", "{}");
            try (Session claimer = Session.transaction(database);
                    Session canceller = Session.autoCommit(database)) {
                Attempt attempt = attempts(claimer.rows(claim("a"))).getFirst();
                assertThat(toldWhile(() -> {
                            var sent = canceller.send("select app_jobs." + cancel, id);
                            assertThat(canceller.waitsForLock(sent)).isTrue();
                            claimer.commit();
                            Session.answer(sent);
                        }))
                        .as(cancel)
                        .containsExactly(Long.toString(id));
                assertThat(lost(attempt)).containsExactly("cancelled");
            }
        }
    }

    @Test
    void cancelsThatOverlapInOppositeOrderWaitInsteadOfDeadlocking() {
        for (int i = 0; i < 20; i++) {
            database.addJob("a", "{}");
        }
        String ids = "(select array_agg(n order by n %s) from generate_series(1, 20) n)";
        try (Session a = Session.transaction(database);
                Session b = Session.transaction(database)) {
            // The middle one, so that each of the others has rows on both sides of it.
            a.rows("select app_jobs.cancel_job(10)");
            var backwards = b.send("select job_id from app_jobs.cancel_jobs(" + ids.formatted("desc") + ")");
            assertThat(b.waitsForLock(backwards)).isTrue();
            // Rows below it are locked already, rows above it not yet.
            assertThat(a.rows("select id from app_jobs.jobs where id > 10 for update nowait"))
                    .hasSize(10);
            a.commit();
            assertThat(Session.answer(backwards)).hasSize(19);
            b.commit();
        }
        assertThat(database.number("select count(*) from app_jobs.job_history where state = 'cancelled'"))
                .isEqualTo(20);
    }

    @Test
    void aWorkerLearnsWhichAttemptsAreNoLongerItsOwnAndWhy() {
        Attempt own = claimed("a");
        Attempt expired = claimed("b");
        database.execute("update app_jobs.jobs set lease_expires_at = now() where id = ?", expired.jobId());
        Attempt cancelled = claimed("c");
        database.execute("select app_jobs.cancel_job(?)", cancelled.jobId());
        Attempt completed = claimed("d");
        database.execute("select app_jobs.complete_job('worker-1', ?)", completed.jobId());
        Attempt never = new Attempt(4711, 1, UUID.randomUUID());

        assertThat(lost(own, expired, cancelled, completed, never)).containsExactly("cancelled", "replay", "unknown");
        assertThat(lost(new Attempt(own.jobId(), 2, own.lease()))).containsExactly("stale");
        assertThat(lost(new Attempt(own.jobId(), 1, UUID.randomUUID()))).containsExactly("stale");
    }

    private static Map<String, @Nullable Object> was(long id, String task, String state, @Nullable String worker) {
        Map<String, @Nullable Object> row = new java.util.TreeMap<>();
        row.put("job_id", id);
        row.put("task_identifier", task);
        row.put("former_state", state);
        row.put("worker_id", worker);
        return row;
    }

    private static List<Object> lost(Attempt... attempts) {
        List<Object> verdicts = new ArrayList<>();
        for (Attempt attempt : attempts) {
            database.rows(
                            "select verdict from app_jobs.lost_leases(array[?]::bigint[], array[?]::int[], array[?]::uuid[])",
                            attempt.jobId(),
                            attempt.number(),
                            attempt.lease())
                    .forEach(row -> verdicts.add(String.valueOf(row.get("verdict"))));
        }
        return verdicts;
    }

    private static String claim(String task) {
        return "select id, attempt, lease_token from app_jobs.claim_jobs('worker-1', array['" + task + "'], 1, '60 s')";
    }

    private static Attempt claimed(String task) {
        database.addJob(task, "{}");
        return attempts(database.rows(claim(task))).getFirst();
    }

    private static List<Attempt> attempts(List<Map<String, @Nullable Object>> claimed) {
        return claimed.stream()
                .map(row -> new Attempt(
                        Long.parseLong(String.valueOf(row.get("id"))),
                        Integer.parseInt(String.valueOf(row.get("attempt"))),
                        UUID.fromString(String.valueOf(row.get("lease_token")))))
                .toList();
    }

    // What a listener hears on jobs:cancel until a notification that is sent last arrives.
    private static List<String> toldWhile(Runnable statements) throws SQLException {
        try (Connection listener = database.connect()) {
            JobDatabase.rows(listener, "listen \"jobs:cancel\"");
            JobDatabase.rows(listener, "listen \"end\"");
            statements.run();
            database.execute("select pg_notify('end', '')");
            List<String> told = new ArrayList<>();
            while (true) {
                PGNotification @Nullable [] arrived =
                        listener.unwrap(PGConnection.class).getNotifications(30_000);
                if (arrived == null || arrived.length == 0) {
                    throw new AssertionError("the last notification did not come");
                }
                for (PGNotification one : arrived) {
                    if (one.getName().equals("end")) {
                        return told;
                    }
                    told.add(one.getParameter());
                }
            }
        }
    }
}
