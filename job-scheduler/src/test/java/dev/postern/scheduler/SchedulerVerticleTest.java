package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.OfferedOutcome;
import dev.postern.sql.Outcome;
import dev.postern.sql.ScheduleStore;
import dev.postern.sql.TickOutcome;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(120)
class SchedulerVerticleTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final SchedulerConfig CONFIG =
            SchedulerConfig.defaults().withPollInterval(Duration.ofSeconds(1)).withReapInterval(Duration.ofMillis(50));

    /** Leaves it to the notifications to bring what is new. */
    private static final SchedulerConfig RARELY_POLLING = CONFIG.withPollInterval(Duration.ofHours(1));

    private final RecordingListener listener = new RecordingListener();
    private final Vertx vertx = Vertx.vertx();
    private final Pool pool = JobStore.pool(vertx, database.config(), "scheduler test");
    private final JobStore jobs = new JobStore(pool, "app_jobs");
    private final ScheduleStore schedules = new ScheduleStore(pool, "app_jobs");

    @BeforeAll
    static void giveSlowMachinesTime() {
        Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
    }

    @BeforeEach
    void emptyTables() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @AfterEach
    void stop() {
        undeployAll();
        vertx.close().await();
    }

    @Test
    void makesAJobOfEachTick() {
        deploy(CONFIG);
        long id = schedule("\"* * * * * *\"");

        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(id)).hasSizeGreaterThan(2);
        });

        assertThat(database.rows("select distinct task_identifier, payload ->> 'n' as n from app_jobs.job_history"))
                .containsExactly(Map.of("task_identifier", "system-ping", "n", "1"));
    }

    @Test
    void plansANewScheduleWithoutWaitingForThePoll() {
        deploy(RARELY_POLLING);
        await().until(() -> listeners() == 1);
        long id = schedule("\"* * * * * *\"");

        await().until(() -> !listener.madeBy(id).isEmpty());
    }

    @Test
    void runsTheExampleOfConstructivesDocumentation() {
        long id = database.number("""
                select id from app_jobs.add_scheduled_job(
                  db_id := '5b720132-17d5-424d-9bcb-ee7b17c13d43'::uuid,
                  identifier := 'cleanup-old-sessions',
                  payload := json_build_object('maxAgeHours', 24),
                  schedule_info := json_build_object(
                    'start', now(),
                    'end', now() + '1 day'::interval,
                    'rule', '*/5 * * * *'))""");
        deploy(CONFIG);

        await().until(() -> nextTick(id) != null);

        assertThat(database.value("select next_tick_at > now() and next_tick_at <= now() + interval '5 minutes'"
                        + " and extract(minute from next_tick_at)::int % 5 = 0"
                        + " and extract(second from next_tick_at) = 0"
                        + " from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
    }

    @Test
    void takesNoTickAfterTheEnd() {
        long id = schedule("{\"rule\": \"* * * * * *\", \"end\": %s}".formatted(epochMillis("4 seconds")));
        deploy(CONFIG);

        await().until(() -> "infinity".equals(nextTick(id)));

        assertThat(listener.madeBy(id)).isNotEmpty();
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks t, app_jobs.scheduled_jobs s"
                        + " where t.tick > to_timestamp((s.schedule_info ->> 'end')::bigint / 1000.0)"))
                .isZero();
    }

    @Test
    void takesNoTickBeforeTheStart() {
        long id = schedule("{\"rule\": \"* * * * * *\", \"start\": %s}".formatted(epochMillis("1 hour")));
        deploy(CONFIG);

        await().until(() -> nextTick(id) != null);

        assertThat(database.value("select next_tick_at >= now() + interval '59 minutes' from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
    }

    @Test
    void runsADateOnceAndIsDoneWithIt() {
        long id = schedule(epochMillis("3 seconds"));
        deploy(CONFIG);

        await().until(() -> "infinity".equals(nextTick(id)));

        await().untilAsserted(() -> assertThat(listener.madeBy(id)).hasSize(1));
    }

    @Test
    void takesTheLatestOfManyMissedTicksAndPassesOverTheOthers() {
        long id = schedule("\"0 * * * *\"");
        missedForNineHours();
        deploy(CONFIG);

        await().untilAsserted(() -> assertThat(listener.madeBy(id)).hasSize(1));

        assertThat(database.value("select tick = date_trunc('hour', taken_at) from app_jobs.schedule_ticks"))
                .isEqualTo(true);
        assertThat(database.value("select next_tick_at > now() from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
        assertThat(listener.passedOver).hasValue(9);
    }

    @Test
    void makesNoJobOfMissedTicksThatAreToBeSkipped() {
        long id = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}',"
                        + " '\"0 0 1 1 *\"', missed_ticks => 'skip')",
                JobDatabase.TENANT);
        database.execute("update app_jobs.scheduled_jobs set next_tick_at ="
                + " date_trunc('year', now() at time zone 'UTC') at time zone 'UTC' - interval '2 years'");
        deploy(CONFIG);

        await().until(() -> listener.passedOver.get() == 3);

        assertThat(listener.madeBy(id)).isEmpty();
        assertThat(database.value("select next_tick_at > now() from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks"))
                .isZero();
    }

    @Test
    void makesAJobOfEachMissedTickUpToTheBoundInTheirOrder() {
        long id = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}',"
                        + " '\"0 * * * *\"', 'a-key', missed_ticks => 'all', missed_ticks_max => 4, overlap => 'allow')",
                JobDatabase.TENANT);
        missedForNineHours();
        deploy(CONFIG);

        await().untilAsserted(() -> assertThat(listener.madeBy(id)).hasSize(4));

        assertThat(listener.madeBy(id)).isSortedAccordingTo(Comparator.comparing(RecordingListener.Tick::at));
        assertThat(listener.passedOver).hasValue(6);
        assertThat(database.rows("select distinct j.request_id = 'schedule-' || t.schedule_id || '-'"
                        + " || to_char(t.tick at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as named, j.key"
                        + " from app_jobs.jobs j join app_jobs.schedule_ticks t on t.job_id = j.id"))
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.get("named")).isEqualTo(true);
                    assertThat(row.get("key")).isNull();
                });
    }

    @Test
    void restsWhilePausedAndGoesOnFromTheMomentItIsResumed() {
        deploy(RARELY_POLLING);
        await().until(() -> listeners() == 1);
        long id = schedule("\"* * * * * *\"");
        long other = schedule("\"* * * * * *\"");
        await().until(() -> !listener.madeBy(id).isEmpty());

        database.execute("select app_jobs.pause_schedule(?, 'ada')", id);
        int before = listener.madeBy(id).size();
        int othersBefore = listener.madeBy(other).size();
        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(other)).hasSizeGreaterThan(othersBefore + 2);
        });
        // The pause waited for a tick that was being taken.
        assertThat(listener.madeBy(id)).hasSizeLessThanOrEqualTo(before + 1);
        assertThat(nextTick(id)).isNull();

        database.execute("select app_jobs.resume_schedule(?)", id);
        Instant resumed = Instant.ofEpochSecond(database.number("select extract(epoch from now())::bigint"));
        int paused = listener.madeBy(id).size();
        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(id)).hasSizeGreaterThan(paused);
        });
        assertThat(listener.madeBy(id).get(paused).at()).isAfter(resumed.minusSeconds(1));
        assertThat(listener.passedOver).hasValue(0);
    }

    @Test
    void goesByTheNewRuleFromTheMomentItIsEdited() {
        deploy(RARELY_POLLING);
        await().until(() -> listeners() == 1);
        String add = "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}', ?::json, 'a-key')";
        long id = database.number(add, JobDatabase.TENANT, "\"* * * * * *\"");
        await().until(() -> !listener.madeBy(id).isEmpty());

        assertThat(database.number(add, JobDatabase.TENANT, "\"0 0 1 1 *\"")).isEqualTo(id);

        await().untilAsserted(() -> assertThat(database.value(
                        "select extract(month from next_tick_at at time zone 'UTC') = 1 from app_jobs.scheduled_jobs"))
                .isEqualTo(true));
        int made = listener.madeBy(id).size();
        assertThat(database.number(add, JobDatabase.TENANT, "\"* * * * * *\"")).isEqualTo(id);
        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(id)).hasSizeGreaterThan(made);
        });
    }

    @Test
    void spreadsJobsWithinTheJitter() {
        deploy(CONFIG);
        long id = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}',"
                        + " '\"* * * * * *\"', overlap => 'allow', jitter => '1 hour')",
                JobDatabase.TENANT);

        await().untilAsserted(() -> assertThat(listener.madeBy(id)).hasSizeGreaterThan(3));

        assertThat(database.rows(
                        "select bool_and(run_at between created_at and created_at + interval '1 hour') as within,"
                                + " count(distinct run_at - created_at) > 1 as spread from app_jobs.jobs"))
                .containsExactly(Map.of("within", true, "spread", true));
    }

    @Test
    void parksABadRuleAndGoesOnWithTheOthers() {
        long bad = unchecked("\"61 * * * *\"");
        long worse = unchecked("\"\\u0000\"");
        long never = schedule("\"0 0 30 2 *\"");
        long empty = schedule("{}");
        long good = schedule("\"* * * * * *\"");
        deploy(CONFIG);

        await().until(() -> !listener.madeBy(good).isEmpty());

        assertThat(listener.parked)
                .extracting(RecordingListener.Parked::schedule)
                .containsExactlyInAnyOrder(bad, worse, never, empty);
        assertThat(database.value("select last_error from app_jobs.scheduled_jobs where id = ?", bad))
                .asString()
                .contains("'61 * * * *'", "61 not in range [0, 59]", "expected 5 fields");
    }

    @Test
    void revivesAParkedScheduleWhenItsRuleIsEdited() {
        long id = unchecked("\"61 * * * *\"");
        deploy(RARELY_POLLING);
        await().until(() -> !listener.parked.isEmpty() && listeners() == 1);

        database.execute("update app_jobs.scheduled_jobs set schedule_info = '\"* * * * * *\"'");

        await().until(() -> !listener.madeBy(id).isEmpty());
        assertThat(database.value("select last_error from app_jobs.scheduled_jobs"))
                .isNull();
    }

    @Test
    void makesNoJobWhileThePreviousOneHasNotEnded() {
        deploy(CONFIG);
        long id = schedule("\"* * * * * *\"");
        await().until(() -> listener.overlaps.size() >= 2);

        assertThat(listener.madeBy(id)).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where job_id is null"))
                .isGreaterThanOrEqualTo(2);

        completeJobs();
        await().until(() -> listener.madeBy(id).size() == 2);
    }

    @Test
    void letsAScheduleBeDeletedWhileItRuns() {
        deploy(CONFIG);
        long deleted = schedule("\"* * * * * *\"");
        long other = schedule("\"* * * * * *\"");
        await().until(() -> !listener.madeBy(deleted).isEmpty());

        database.execute("delete from app_jobs.scheduled_jobs where id = ?", deleted);
        int before = listener.madeBy(other).size();

        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(other).size()).isGreaterThan(before + 1);
        });
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where schedule_id = ?", deleted))
                .isZero();
    }

    @Test
    void goesOnWithTheOthersWhileSomebodyHoldsASchedule() throws Exception {
        long held = schedule("\"* * * * * *\"");
        long other = schedule("\"* * * * * *\"");
        deploy(CONFIG);
        await().until(() -> !listener.madeBy(held).isEmpty());

        try (Connection person = database.connect()) {
            person.setAutoCommit(false);
            JobDatabase.rows(person, "select 1 from app_jobs.scheduled_jobs where id = ? for update", held);
            int before = listener.madeBy(other).size();
            int heldBefore = listener.madeBy(held).size();
            // Shorter than the time limit of a statement that waits for the lock.
            await().atMost(Duration.ofSeconds(9)).untilAsserted(() -> {
                completeJobs();
                assertThat(listener.madeBy(other).size()).isGreaterThan(before + 2);
            });
            assertThat(listener.madeBy(held).size()).isLessThanOrEqualTo(heldBefore + 1);
            person.rollback();
        }
        int after = listener.madeBy(held).size();
        await().untilAsserted(() -> {
            completeJobs();
            assertThat(listener.madeBy(held).size()).isGreaterThan(after);
        });
    }

    @Test
    void goesOnWithTheOthersWhenTheDatabaseRefusesAJob() {
        database.execute(
                "alter table app_jobs.jobs add constraint refused check (task_identifier <> 'refused') not valid");
        try {
            long refused = database.number(
                    "select id from app_jobs.add_scheduled_job(?, 'refused', '{}', '\"* * * * * *\"')",
                    JobDatabase.TENANT);
            long other = schedule("\"* * * * * *\"");
            deploy(CONFIG);
            await().untilAsserted(() -> {
                completeJobs();
                assertThat(listener.madeBy(other)).hasSizeGreaterThan(2);
            });
            assertThat(listener.madeBy(refused)).isEmpty();
        } finally {
            database.execute("alter table app_jobs.jobs drop constraint refused");
        }
    }

    @Test
    void onePerScheduleAndTickWhateverTheNumberOfSchedulers() {
        List<Long> ids =
                Stream.generate(() -> schedule("\"* * * * * *\"")).limit(20).toList();
        for (int n = 0; n < 3; n++) {
            deploy(CONFIG);
        }

        await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
            completeJobs();
            assertThat(ids).allSatisfy(id -> assertThat(listener.madeBy(id)).hasSizeGreaterThan(4));
        });
        undeployAll();
        completeJobs();

        List<RecordingListener.Tick> heard = new ArrayList<>(listener.made);
        assertThat(new HashSet<>(heard)).hasSameSizeAs(heard);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where job_id is not null"))
                .isEqualTo(heard.size());
        assertThat(database.number("select count(*) from app_jobs.job_history")).isEqualTo(heard.size());
        assertThat(database.number("select count(distinct job_id) from app_jobs.schedule_ticks"))
                .isEqualTo(heard.size());
    }

    @Test
    void givesATickToOneOfManyThatAskForIt() {
        long id = schedule("\"0 0 1 1 *\"");
        database.execute(
                "update app_jobs.scheduled_jobs set next_tick_at = date_trunc('second', now()) - interval '1 s'");
        Instant tick =
                Objects.requireNonNull(schedules.due(1).await().getFirst().nextTick());

        List<TickOutcome> outcomes = Future.join(
                        Stream.generate(() -> schedules.runTick(id, tick, Optional.of(tick), Optional.empty()))
                                .limit(8)
                                .toList())
                .await()
                .list();

        assertThat(outcomes).extracting(TickOutcome::verdict).containsOnlyOnce(TickOutcome.Verdict.MADE);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
    }

    @Test
    void reapsTheLeaseOfALostWorkerAsAnInfrastructureFailure() {
        long id = database.addJob("system-ping", "{}");
        claim(Duration.ofMillis(100));
        deploy(CONFIG);

        await().until(() -> !listener.reaped.isEmpty());

        assertThat(listener.reaped).singleElement().satisfies(lease -> {
            assertThat(lease.jobId()).isEqualTo(id);
            assertThat(lease.task()).isEqualTo("system-ping");
            assertThat(lease.attempt()).isOne();
            assertThat(lease.workerId()).isEqualTo("lost-worker");
            assertThat(lease.waited()).isFalse();
            assertThat(lease.dead()).isFalse();
        });
        assertThat(database.rows("select infra_failures, locked_by, run_at <= now() as ready from app_jobs.jobs"))
                .singleElement()
                .satisfies(job -> {
                    assertThat(job.get("infra_failures")).isEqualTo(1);
                    assertThat(job.get("locked_by")).isNull();
                    assertThat(job.get("ready")).isEqualTo(true);
                });
    }

    @Test
    void reapsAJobWhoseCallbackNeverCameAndChargesTheAttempt() {
        database.addJob("system-ping", "{}");
        ClaimedJob job = claim(Duration.ofMillis(100));
        jobs.finish(List.of(new OfferedOutcome(job.attempt(), new Outcome.Wait(Duration.ofMillis(100)))))
                .await();
        deploy(CONFIG);

        await().until(() -> !listener.reaped.isEmpty());

        assertThat(listener.reaped)
                .singleElement()
                .satisfies(lease -> assertThat(lease.waited()).isTrue());
        assertThat(database.rows("select attempts, infra_failures, last_error from app_jobs.jobs"))
                .containsExactly(Map.of(
                        "attempts", 1,
                        "infra_failures", 0,
                        "last_error", "no callback came before the lease expired"));
    }

    @Test
    void reapsMoreLeasesThanOneBatchHolds() {
        for (int n = 0; n < 7; n++) {
            database.addJob("system-ping", "{}");
        }
        jobs.claim("lost-worker", Optional.empty(), 7, Duration.ofMillis(1), Map.of(), null, null)
                .await();
        deploy(new SchedulerConfig(Duration.ofHours(1), Duration.ofHours(1), Retention.defaults(), Duration.ZERO, 3));

        await().until(() -> listener.reaped.size() == 7);
    }

    @Test
    void leavesALeaseAloneThatHasNotExpired() {
        database.addJob("system-ping", "{}");
        claim(Duration.ofHours(1));
        database.addJob("system-ping", "{}");
        claim(Duration.ofMillis(1));
        deploy(CONFIG);

        await().until(() -> !listener.reaped.isEmpty());

        assertThat(listener.reaped).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_at is not null"))
                .isOne();
    }

    @Test
    void survivesTheLossOfAllItsConnections() {
        deploy(RARELY_POLLING);
        long id = schedule("\"* * * * * *\"");
        await().until(() -> !listener.madeBy(id).isEmpty() && listeners() == 1);

        for (int n = 0; n < 3; n++) {
            database.execute("select pg_terminate_backend(a.pid) from pg_stat_activity a"
                    + " where a.datname = current_database() and a.pid <> pg_backend_pid()");
            int before = listener.madeBy(id).size();
            await().untilAsserted(() -> {
                completeJobs();
                assertThat(listener.madeBy(id).size()).isGreaterThan(before + 1);
            });
        }

        await().until(() -> listeners() == 1);
        long added = schedule("\"* * * * * *\"");
        await().until(() -> !listener.madeBy(added).isEmpty());
        database.addJob("lost", "{}");
        claim(Duration.ofMillis(1));
        await().until(() -> !listener.reaped.isEmpty());
    }

    @Test
    void startsBeforeTheDatabaseIsReadyAndWorksOnceItIs() {
        long id = schedule("\"* * * * * *\"");
        database.execute("alter schema app_jobs rename to away");
        deploy(CONFIG);
        await().until(() -> database.number("select count(*) from pg_stat_activity a where a.state = 'idle'"
                        + " and a.application_name = 'scheduler test' and a.query like '%app_jobs.scheduled_jobs%'")
                > 0);
        database.execute("alter schema away rename to app_jobs");

        await().until(() -> !listener.madeBy(id).isEmpty());
    }

    @Test
    void stopsTwiceAndWithoutAStart() {
        SchedulerVerticle neverStarted = verticle(CONFIG);
        neverStarted.stop().await();

        SchedulerVerticle started = verticle(CONFIG);
        vertx.deployVerticle(started).await();
        undeployAll();
        started.stop().await();

        long id = schedule("\"* * * * * *\"");
        assertThat(nextTick(id)).isNull();
        await().until(() -> listeners() == 0);
    }

    private void deploy(SchedulerConfig config) {
        vertx.deployVerticle(() -> verticle(config), new DeploymentOptions()).await();
    }

    private SchedulerVerticle verticle(SchedulerConfig config) {
        return new SchedulerVerticle(
                schedules,
                jobs,
                wakeUp -> Optional.of(new JobNotifications(
                        vertx,
                        database.config(),
                        pool,
                        JobNotifications.SCHEDULES_CHANNEL,
                        "listening scheduler",
                        wakeUp,
                        listening -> {})),
                config,
                listener);
    }

    private void undeployAll() {
        vertx.deploymentIDs().forEach(id -> vertx.undeploy(id).await());
    }

    private static long schedule(String rule) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{\"n\": 1}', ?::json)",
                JobDatabase.TENANT,
                rule);
    }

    private static void missedForNineHours() {
        database.execute(
                "update app_jobs.scheduled_jobs set next_tick_at = date_trunc('hour', now()) - interval '9 h'");
    }

    /** Past add_scheduled_job, as rows of 0.15 came. */
    private static long unchecked(String rule) {
        return database.number(
                "insert into app_jobs.scheduled_jobs (database_id, task_identifier, schedule_info)"
                        + " values (?, 'system-ping', ?::json) returning id",
                JobDatabase.TENANT,
                rule);
    }

    private static String epochMillis(String ahead) {
        return database.number("select (extract(epoch from now() + ?::interval) * 1000)::bigint", ahead) + "";
    }

    private static @Nullable Object nextTick(long id) {
        return database.value("select next_tick_at::text from app_jobs.scheduled_jobs where id = ?", id);
    }

    private static long listeners() {
        return database.number("select count(*) from pg_stat_activity a where a.datname = current_database()"
                + " and a.application_name = 'listening scheduler' and a.query ilike 'listen%' and a.state = 'idle'");
    }

    private ClaimedJob claim(Duration lease) {
        return jobs.claim("lost-worker", Optional.empty(), 1, lease, Map.of(), null, null)
                .await()
                .getFirst();
    }

    private void completeJobs() {
        List<OfferedOutcome> done =
                jobs
                        .claim("worker", Optional.empty(), 100, Duration.ofMinutes(1), Map.of(), null, null)
                        .await()
                        .stream()
                        .map(job -> new OfferedOutcome(job.attempt(), new Outcome.Complete(null, null)))
                        .toList();
        if (!done.isEmpty()) {
            jobs.finish(done).await();
        }
    }
}
