package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class OutcomeBatcherTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private static final Duration LONG = Duration.ofMinutes(5);

    /** How long each batch took, as the batcher told. */
    private final List<Duration> took = new CopyOnWriteArrayList<>();

    private Vertx vertx;
    private Context context;
    private Pool pool;
    private JobStore store;

    @BeforeEach
    void start() {
        vertx = Vertx.vertx();
        context = vertx.getOrCreateContext();
        pool = JobStore.pool(vertx, database.config(), "batcher-test");
        store = new JobStore(pool, database.config().schema());
    }

    @AfterEach
    void stop() {
        await(pool.close());
        await(vertx.close());
    }

    @Test
    void aLoneOutcomeLeavesAtOnce() {
        Attempt attempt = claimed(1).getFirst();
        assertThat(await(batcher(LONG, 10).offer(attempt, Outcome.Complete.EMPTY)))
                .isEqualTo(Verdict.ACCEPTED);
        assertThat(batches()).isEqualTo(1);
    }

    @Test
    void outcomesGatherWhileABatchIsOnItsWay() {
        List<Attempt> attempts = claimed(50);
        OutcomeBatcher batcher = batcher(LONG, 100);
        List<Future<Verdict>> verdicts = new ArrayList<>();
        try (Session other = Session.transaction(database)) {
            // The first batch waits for this row; all others gather behind it.
            other.rows(
                    "select id from app_jobs.jobs where id = ? for update",
                    attempts.getFirst().jobId());
            verdicts.add(batcher.offer(attempts.getFirst(), Outcome.Complete.EMPTY));
            untilBlocked();
            for (Attempt attempt : attempts.subList(1, 50)) {
                verdicts.add(batcher.offer(attempt, Outcome.Complete.EMPTY));
            }
            settle();
            other.commit();
        }
        assertThat(verdicts).allSatisfy(v -> assertThat(await(v)).isEqualTo(Verdict.ACCEPTED));
        assertThat(batches()).isEqualTo(2);
        assertThat(took).hasSize(2).allMatch(Duration::isPositive);
    }

    @Test
    void aVerdictBelongsToItsOutcome() {
        List<Attempt> attempts = claimed(3);
        database.execute("select app_jobs.cancel_job(?)", attempts.get(1).jobId());
        OutcomeBatcher batcher = batcher(LONG, 10);
        List<Future<Verdict>> verdicts = attempts.stream()
                .map(a -> batcher.offer(a, new Outcome.Retry(500, "broken", Duration.ZERO)))
                .toList();
        assertThat(verdicts.stream().map(OutcomeBatcherTest::await))
                .containsExactly(Verdict.ACCEPTED, Verdict.CANCELLED, Verdict.ACCEPTED);
        assertThat(await(batcher.offer(attempts.getFirst(), Outcome.Complete.EMPTY)))
                .isEqualTo(Verdict.CONFLICT);
    }

    @Test
    void oneBadElementDoesNotSpoilTheOthers() {
        List<Attempt> attempts = claimed(5);
        OutcomeBatcher batcher = batcher(LONG, 10);
        List<Future<Verdict>> verdicts = new ArrayList<>();
        try (Session other = Session.transaction(database)) {
            other.rows(
                    "select id from app_jobs.jobs where id = ? for update",
                    attempts.getFirst().jobId());
            verdicts.add(batcher.offer(attempts.getFirst(), Outcome.Complete.EMPTY));
            untilBlocked();
            for (Attempt attempt : attempts.subList(1, 5)) {
                boolean bad = attempt.equals(attempts.get(2));
                verdicts.add(batcher.offer(attempt, new Outcome.Complete(bad ? "no json" : "{\"n\": 1}", null)));
            }
            settle();
            other.commit();
        }
        for (int i : List.of(0, 1, 3, 4)) {
            assertThat(await(verdicts.get(i))).isEqualTo(Verdict.ACCEPTED);
        }
        assertThatThrownBy(() -> await(verdicts.get(2)))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.error()).isEqualTo(StoreError.INVALID));
        assertThat(database.number("select id from app_jobs.jobs"))
                .isEqualTo(attempts.get(2).jobId());
    }

    @Test
    void anOutcomeSurvivesADatabaseThatGoesAwayAndComesBack() {
        Attempt attempt = claimed(1).getFirst();
        OutcomeBatcher batcher = batcher(LONG, 10);
        Future<Verdict> verdict;
        try (Session other = Session.transaction(database)) {
            other.rows("select id from app_jobs.jobs where id = ? for update", attempt.jobId());
            verdict = batcher.offer(attempt, Outcome.Complete.EMPTY);
            untilBlocked();
            database.alter("allow_connections false");
            database.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                    + " where application_name = 'batcher-test'");
            assertThat(verdict.isComplete()).isFalse();
            other.commit();
        }
        database.alter("allow_connections true");
        assertThat(await(verdict)).isEqualTo(Verdict.ACCEPTED);
        assertThat(database.value("select state from app_jobs.job_history")).isEqualTo("succeeded");
    }

    @Test
    void anOutcomeWhoseCommitWasNotHeardOfIsAReplayTheSecondTime() {
        Attempt attempt = claimed(1).getFirst();
        OutcomeBatcher batcher = batcher(LONG, 10);
        assertThat(await(batcher.offer(attempt, Outcome.Complete.EMPTY))).isEqualTo(Verdict.ACCEPTED);
        assertThat(await(batcher.offer(attempt, Outcome.Complete.EMPTY))).isEqualTo(Verdict.REPLAY);
    }

    @Test
    void anOutcomeThatIsTooOldFailsAndSoDoThoseBehindIt() {
        DatabaseConfig c = database.config();
        Pool nowhere = JobStore.pool(
                vertx,
                new DatabaseConfig("127.0.0.1", 1, c.database(), c.user(), c.password(), c.schema(), 1, c.tls()),
                "nowhere");
        OutcomeBatcher batcher = new OutcomeBatcher(
                vertx, context, new JobStore(nowhere, c.schema()), Duration.ZERO, 1_000, ignored -> {});
        List<Future<Verdict>> verdicts = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            verdicts.add(batcher.offer(new Attempt(i, 1, JobDatabase.TENANT), Outcome.Complete.EMPTY));
        }
        for (Future<Verdict> verdict : verdicts) {
            assertThatThrownBy(() -> await(verdict))
                    .isInstanceOfSatisfying(
                            StoreException.class, e -> assertThat(e.error()).isEqualTo(StoreError.UNAVAILABLE));
        }
        await(nowhere.close());
    }

    @Test
    void offersBeyondTheBacklogAreRefusedAtOnceAndTheOthersKept() {
        List<Attempt> attempts = claimed(4);
        OutcomeBatcher batcher = batcher(LONG, 2);
        List<Future<Verdict>> verdicts = new ArrayList<>();
        try (Session other = Session.transaction(database)) {
            other.rows(
                    "select id from app_jobs.jobs where id = ? for update",
                    attempts.getFirst().jobId());
            verdicts.add(batcher.offer(attempts.getFirst(), Outcome.Complete.EMPTY));
            untilBlocked();
            for (Attempt attempt : attempts.subList(1, 4)) {
                verdicts.add(batcher.offer(attempt, Outcome.Complete.EMPTY));
            }
            assertThatThrownBy(() -> await(verdicts.get(3)))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("2 outcomes already wait");
            other.commit();
        }
        for (int i = 0; i < 3; i++) {
            assertThat(await(verdicts.get(i))).isEqualTo(Verdict.ACCEPTED);
        }
    }

    @Test
    void aReadOnlyServerIsADatabaseThatIsAway() {
        Attempt attempt = claimed(1).getFirst();
        readOnly("on");
        Future<Verdict> verdict = batcher(LONG, 10).offer(attempt, Outcome.Complete.EMPTY);
        assertThatThrownBy(() -> await(store.finish(List.of(new OfferedOutcome(attempt, Outcome.Complete.EMPTY)))))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.retryable()).isTrue());
        assertThat(verdict.isComplete()).isFalse();
        readOnly("off");
        assertThat(await(verdict)).isEqualTo(Verdict.ACCEPTED);
    }

    private void readOnly(String value) {
        database.alter("set default_transaction_read_only = " + value);
        database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'batcher-test'");
    }

    private OutcomeBatcher batcher(Duration maxAge, int maxBacklog) {
        return new OutcomeBatcher(vertx, context, store, maxAge, maxBacklog, took::add);
    }

    private List<Attempt> claimed(int n) {
        database.execute("select app_jobs.add_job(?, 'ping') from generate_series(1, ?)", JobDatabase.TENANT, n);
        return await(store.claim("worker-1", Optional.empty(), n, LONG, Map.of(), null, null)).stream()
                .map(ClaimedJob::attempt)
                .toList();
    }

    // Each batch is a transaction; a row's inserting transaction is in xmin.
    private long batches() {
        return database.number("select count(distinct xmin::text) from app_jobs.job_history");
    }

    private void untilBlocked() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> database.number("select count(*) from pg_stat_activity"
                                + " where application_name = 'batcher-test' and wait_event_type = 'Lock'")
                        > 0);
    }

    /** Returns when the batcher's context has met all that was offered before. */
    private void settle() {
        await(Future.future(done -> context.runOnContext(ignored -> done.complete())));
    }

    private static <T> T await(Future<T> future) {
        return future.timeout(30, TimeUnit.SECONDS).await();
    }
}
