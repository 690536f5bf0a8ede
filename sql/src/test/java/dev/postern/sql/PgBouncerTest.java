package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Every statement through a pooler that hands each transaction to another of two sessions. */
class PgBouncerTest {

    private static final int SESSIONS = 2;
    private static final Duration LEASE = Duration.ofMinutes(5);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    static final JobDatabase empty = JobDatabase.empty();

    private static PgBouncer bouncer;
    private static PgBouncer ignoring;

    private final Vertx vertx = Vertx.vertx();

    @BeforeAll
    static void pool() {
        bouncer = PgBouncer.inTransactionMode(database.config(), SESSIONS);
        ignoring = PgBouncer.inTransactionMode(database.config(), SESSIONS, "options");
    }

    @AfterAll
    static void takeDown() {
        if (bouncer != null) {
            bouncer.close();
            ignoring.close();
        }
    }

    @BeforeEach
    void emptyTables() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @AfterEach
    void stop() {
        await(vertx.close());
    }

    @Test
    void manyWorkersClaimRenewReportAndEndJobsOverTwoSessions() {
        int jobs = 400;
        database.execute(
                "select app_jobs.add_job(?, 'pooled', '{}'::json,"
                        + " queue_name => case when n % 4 = 0 then 'queue-' || n % 3 end)"
                        + " from generate_series(1, " + jobs + ") n",
                JobDatabase.TENANT);
        Set<Long> ended = new HashSet<>();

        Future.join(IntStream.range(0, 8)
                        .mapToObj(n -> work("worker-" + n, store("pooled-" + n), ended))
                        .toList())
                .timeout(60, TimeUnit.SECONDS)
                .await();

        assertThat(ended).hasSize(jobs);
        assertThat(database.number("select count(*) from app_jobs.job_history where attempts = 1"
                        + " and state = 'succeeded' and progress ->> 'percent' = '50'"))
                .isEqualTo(jobs);
        // As many as the pooler may open: the statements did share them.
        assertThat(database.number("select count(*) from pg_stat_activity where datname = current_database()"
                        + " and application_name like 'pooled-%'"))
                .isBetween(1L, (long) SESSIONS);
    }

    private Future<Void> work(String worker, JobStore store, Set<Long> ended) {
        return store.claim(worker, Optional.empty(), 7, LEASE, Map.of(), null, null)
                .compose(jobs -> {
                    List<Attempt> attempts =
                            jobs.stream().map(ClaimedJob::attempt).toList();
                    if (attempts.isEmpty()) {
                        // Queues hold back all but one job each; somebody else has those.
                        return database.number("select count(*) from app_jobs.jobs") == 0
                                ? Future.succeededFuture()
                                : vertx.timer(5, TimeUnit.MILLISECONDS).compose(waited -> work(worker, store, ended));
                    }
                    List<Future<?>> signs = new ArrayList<>(List.of(store.renew(attempts, LEASE)));
                    for (Attempt attempt : attempts) {
                        signs.add(store.reportProgress(attempt, LEASE, new Progress(50.0, null, null, null)));
                    }
                    return Future.join(signs)
                            .compose(reported -> store.finish(attempts.stream()
                                    .map(attempt -> new OfferedOutcome(attempt, Outcome.Complete.EMPTY))
                                    .toList()))
                            .compose(verdicts -> {
                                assertThat(verdicts).containsOnly(Verdict.ACCEPTED);
                                synchronized (ended) {
                                    attempts.forEach(attempt -> ended.add(attempt.jobId()));
                                }
                                return work(worker, store, ended);
                            });
                });
    }

    @Test
    void leasesAreGivenBackAndReaped() {
        database.addJob("pooled", "{}");
        JobStore store = store("pooled");
        List<Attempt> held =
                await(store.claim("worker-1", Optional.of(List.of("pooled")), 1, LEASE, Map.of(), null, null)).stream()
                        .map(ClaimedJob::attempt)
                        .toList();
        assertThat(await(store.release(held))).hasSize(1);
        await(store.claim("worker-1", Optional.empty(), 1, Duration.ofMillis(1), Map.of(), null, null));
        assertThat(await(store.reap(10))).hasSize(1);
        database.execute(
                "select app_jobs.add_job(?, 'later', run_at => now() + interval '1 hour')", JobDatabase.TENANT);
        assertThat(await(store.nextDue())).isPresent();
        assertThat(await(store.pruneHistory("succeeded", Duration.ofDays(7)))).isNotNull();
    }

    @Test
    void schedulesAreReadPlannedParkedAndRun() {
        ScheduleStore schedules = new ScheduleStore(connections("pooled", 4), "app_jobs");
        for (int n = 0; n < 2; n++) {
            database.execute(
                    "select app_jobs.add_scheduled_job(?, 'tick', '{}'::json, '\"* * * * *\"'::json)",
                    JobDatabase.TENANT);
        }
        List<Schedule> fresh = await(schedules.unplanned(10));
        Instant tick = Instant.now().minusSeconds(60).truncatedTo(ChronoUnit.SECONDS);
        await(schedules.plan(fresh.getFirst(), Optional.of(tick)));
        await(schedules.park(fresh.getLast(), "a reason"));
        assertThat(await(schedules.due(10)))
                .singleElement()
                .satisfies(due -> assertThat(due.nextTick()).isEqualTo(tick));
        assertThat(await(schedules.runTick(fresh.getFirst().id(), tick, Optional.of(tick), Optional.empty()))
                        .verdict())
                .isEqualTo(TickOutcome.Verdict.MADE);
        assertThat(await(schedules.untilNextTick())).isEmpty();
    }

    @Test
    void peopleAddAndFindJobs() {
        JobDirectory directory = new JobDirectory(connections("pooled", 4), "app_jobs");
        long id = await(directory.add(new JobDirectory.NewJob(
                        JobDatabase.TENANT, "pooled", "{\"n\": 1}", null, null, null, null, null, null)))
                .id();
        assertThat(await(directory.find(id)))
                .get()
                .satisfies(job -> assertThat(job.state()).isEqualTo("ready"));
        assertThat(await(directory.counts())).containsExactly(new JobDirectory.Count("pooled", "ready", 1));
        assertThat(await(directory.oldestReadySeconds())).isNotNegative();
    }

    @Test
    void aPoolerThatNobodyToldOfIsNamedWithWhatToSet() {
        JobStore untold = new JobStore(
                JobStore.pool(vertx, bouncer.to(database.config()).withPooled(false), "untold"), "app_jobs");
        assertThatThrownBy(() -> {
                    for (int n = 0; n < 100; n++) {
                        Future.all(IntStream.range(0, 8)
                                        .mapToObj(i -> untold.nextDue())
                                        .toList())
                                .timeout(30, TimeUnit.SECONDS)
                                .await();
                    }
                })
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("POSTERN_POOLER=true");
    }

    @Test
    void aListenerBehindItFindsThatOutAndLeavesNoListenForJobsInItsSessions() {
        List<String> wakeUps = new CopyOnWriteArrayList<>();
        List<Boolean> told = new CopyOnWriteArrayList<>();
        Pool pool = connections("pooled", 4);
        JobNotifications deaf = new JobNotifications(
                vertx,
                bouncer.to(database.config()),
                pool,
                JobNotifications.JOBS_CHANNEL,
                "deaf",
                () -> wakeUps.add("woken"),
                told::add);
        LogLines log = LogLines.of(JobNotifications.class);
        deaf.start();

        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> log.errors("Set DATABASE_LISTEN_URL") == 1);
        assertThat(deaf.listening()).isFalse();
        assertThat(told).isEmpty();
        assertThat(wakeUps).isEmpty();
        Set<String> channels = new HashSet<>();
        for (int n = 0; n < 50; n++) {
            await(pool.query("select pg_listening_channels()").execute())
                    .forEach(row -> channels.add(row.getString(0)));
        }
        assertThat(channels).singleElement().asString().startsWith("postern_probe_");
        await(deaf.close());
        log.close();
    }

    @Test
    void theSchemaIsCheckedButNotChangedThroughIt() {
        SchemaMigrator through = new SchemaMigrator(bouncer.to(database.config()));
        assertThatCode(through::check).doesNotThrowAnyException();
        assertThat(through.migrate()).isEqualTo(new SchemaMigrator.Report(0, false, false));
        // Nothing of Flyway's settings stays in the sessions that others get.
        List<Object> paths = IntStream.range(0, 10)
                .mapToObj(n -> await(connections("pooled-path", 4)
                                .query("show search_path")
                                .execute())
                        .iterator()
                        .next()
                        .getValue(0))
                .toList();
        assertThat(paths).containsOnly("\"$user\", public");
    }

    @Test
    void migratesNothingThroughItAndSaysWhatToSet() {
        DatabaseConfig told = bouncer.to(empty.config());
        for (DatabaseConfig through : List.of(
                told, told.withPooled(false), ignoring.to(empty.config()).withPooled(false))) {
            assertThatThrownBy(() -> new SchemaMigrator(through).migrate())
                    .isInstanceOf(SchemaException.class)
                    .hasMessageContaining("set DATABASE_LISTEN_URL to a direct connection")
                    .satisfies(e -> assertThat(((SchemaException) e).unreachable())
                            .as("waiting for the database does not help")
                            .isFalse());
        }
        assertThatThrownBy(() -> new SchemaMigrator(told).check())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("V0001__create_jobs.sql");
        assertThatThrownBy(() -> new SchemaMigrator(told.withPooled(false)).check())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("set POSTERN_POOLER=true");
        assertThat(empty.value("select to_regnamespace('app_jobs')")).isNull();
    }

    private JobStore store(String name) {
        return new JobStore(connections(name, 8), "app_jobs");
    }

    private Pool connections(String name, int size) {
        DatabaseConfig c = bouncer.to(database.config());
        return JobStore.pool(
                vertx,
                new DatabaseConfig(
                        c.host(), c.port(), c.database(), c.user(), c.password(), c.schema(), size, c.tls(), true),
                name);
    }

    private static <T> T await(Future<T> future) {
        return future.timeout(30, TimeUnit.SECONDS).await();
    }
}
