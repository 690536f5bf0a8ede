package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.sql.WorkerReport.Breaker;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What workers say of themselves, and how others read it. */
class WorkersTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String REPORT = "select app_jobs.report_worker(?, null, 8, 0, '[]')";
    private static final String FORGET = "select app_jobs.forget_worker(?)";

    private final Vertx vertx = Vertx.vertx();
    private final Pool pool = JobStore.pool(vertx, database.config(), "test");
    private final JobStore store = new JobStore(pool, "app_jobs");
    private final JobDirectory directory = new JobDirectory(pool, "app_jobs");

    @BeforeEach
    void empty() {
        database.execute("truncate app_jobs.workers");
    }

    @AfterEach
    void close() {
        pool.close().await();
        vertx.close().await();
    }

    private static List<Map<String, @Nullable Object>> workers() {
        return database.rows("select worker_id from app_jobs.workers order by worker_id");
    }

    private static WorkerReport report(int running, WorkerReport.Target... targets) {
        return new WorkerReport("worker-1", Optional.of(List.of("a", "b")), 8, running, List.of(targets));
    }

    @Test
    void aReportIsReadAsItWasGivenWithItsTimesReckonedFromNow() {
        WorkerReport.Target target = new WorkerReport.Target(
                List.of("a", "b"),
                Breaker.HALF_OPEN,
                Duration.ofSeconds(10),
                Duration.ofSeconds(3),
                4,
                1,
                20,
                18,
                "a\0b");
        store.report(report(5, target)).await();
        database.execute("update app_jobs.workers set seen_at = now() - interval '4 s'");

        JobDirectory.Worker worker = directory.workers().await().getFirst();

        assertThat(worker.seenAgo()).isGreaterThanOrEqualTo(Duration.ofSeconds(4));
        assertThat(worker.report().workerId()).isEqualTo("worker-1");
        assertThat(worker.report().tasks()).contains(List.of("a", "b"));
        assertThat(worker.report().running()).isEqualTo(5);
        WorkerReport.Target read = worker.report().targets().getFirst();
        assertThat(read.openFor()).isBetween(Duration.ofMillis(1), Duration.ofSeconds(6));
        assertThat(read)
                .isEqualTo(new WorkerReport.Target(
                        List.of("a", "b"), Breaker.HALF_OPEN, read.openFor(), Duration.ZERO, 4, 1, 20, 18, "a b"));
    }

    @Test
    void theNextReportTakesThePlaceOfTheLast() {
        store.report(report(5)).await();
        database.execute("update app_jobs.workers set started_at = '2026-01-01', seen_at = '2026-01-01'");
        store.report(report(6)).await();
        assertThat(database.rows(
                        "select running, started_at = '2026-01-01' as kept, seen_at > now() - interval '1 min' as seen"
                                + " from app_jobs.workers"))
                .containsExactly(Map.of("running", 6, "kept", true, "seen", true));
    }

    @Test
    void aWorkerThatTakesAllTasksSaysSo() {
        store.report(new WorkerReport("worker-1", Optional.empty(), 8, 0, List.of()))
                .await();
        assertThat(directory.workers().await().getFirst().report().tasks()).isEmpty();
    }

    @Test
    void aWorkerThatTookItsLeaveIsGone() {
        store.report(report(0)).await();
        store.forget("worker-2").await();
        assertThat(workers()).hasSize(1);
        store.forget("worker-1").await();
        assertThat(workers()).isEmpty();
    }

    @Test
    void dropsWhoWasSilentForTenMinutesButNotTheLastOnes() {
        database.execute(REPORT, "worker-1");
        database.execute(REPORT, "worker-2");
        database.execute("update app_jobs.workers set seen_at = now() - interval '11 min'");
        assertThat(workers()).hasSize(2);
        database.execute(REPORT, "worker-3");
        assertThat(workers()).containsExactly(Map.of("worker_id", "worker-3"));
    }

    @Test
    void twoThatReportAtOnceDoNotWaitForEachOther() {
        database.execute(REPORT, "lost-worker");
        database.execute("update app_jobs.workers set seen_at = now() - interval '11 min'");
        try (Session first = Session.transaction(database);
                Session second = Session.autoCommit(database)) {
            first.rows(REPORT, "worker-1");
            second.rows(REPORT, "worker-2");
            first.commit();
        }
        assertThat(workers()).containsExactly(Map.of("worker_id", "worker-1"), Map.of("worker_id", "worker-2"));
    }

    @Test
    void aLeaveThatMeetsAReportOnItsWayComesAfterIt() {
        database.execute(REPORT, "worker-1");
        try (Session reporting = Session.transaction(database);
                Session leaving = Session.autoCommit(database)) {
            reporting.rows(REPORT, "worker-1");
            var left = leaving.send(FORGET, "worker-1");
            assertThat(leaving.waitsForLock(left)).isTrue();
            reporting.commit();
            Session.answer(left);
        }
        assertThat(workers()).isEmpty();
    }

    @Test
    void aReportGivesUpBehindALock() {
        try (Session holder = Session.transaction(database)) {
            holder.rows("lock table app_jobs.workers in access exclusive mode");
            assertThatThrownBy(() -> database.execute(REPORT, "worker-1"))
                    .hasMessageContaining("canceling statement due to lock timeout");
            holder.commit();
        }
    }
}
