package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.TickOutcome;
import io.vertx.core.Future;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(120)
class SchedulerVerticleTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final SchedulerFixture scheduler = new SchedulerFixture(database);

    @Test
    void makesAJobOfEachTick() {
        scheduler.deploy(SchedulerFixture.CONFIG);
        long id = scheduler.schedule("\"* * * * * *\"");

        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(id)).hasSizeGreaterThan(2);
        });

        assertThat(database.rows("select distinct task_identifier, payload ->> 'n' as n from app_jobs.job_history"))
                .containsExactly(Map.of("task_identifier", "system-ping", "n", "1"));
    }

    @Test
    void plansANewScheduleWithoutWaitingForThePoll() {
        scheduler.deploy(SchedulerFixture.RARELY_POLLING);
        await().until(() -> scheduler.listeners() == 1);
        long id = scheduler.schedule("\"* * * * * *\"");

        await().until(() -> !scheduler.listener.madeBy(id).isEmpty());
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
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> scheduler.nextTick(id) != null);

        assertThat(database.value("select next_tick_at > now() and next_tick_at <= now() + interval '5 minutes'"
                        + " and extract(minute from next_tick_at)::int % 5 = 0"
                        + " and extract(second from next_tick_at) = 0"
                        + " from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
    }

    @Test
    void takesNoTickAfterTheEnd() {
        long id = scheduler.schedule(
                "{\"rule\": \"* * * * * *\", \"end\": %s}".formatted(scheduler.epochMillis("4 seconds")));
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> "infinity".equals(scheduler.nextTick(id)));

        assertThat(scheduler.listener.madeBy(id)).isNotEmpty();
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks t, app_jobs.scheduled_jobs s"
                        + " where t.tick > to_timestamp((s.schedule_info ->> 'end')::bigint / 1000.0)"))
                .isZero();
    }

    @Test
    void takesNoTickBeforeTheStart() {
        long id = scheduler.schedule(
                "{\"rule\": \"* * * * * *\", \"start\": %s}".formatted(scheduler.epochMillis("1 hour")));
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> scheduler.nextTick(id) != null);

        assertThat(database.value("select next_tick_at >= now() + interval '59 minutes' from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
    }

    @Test
    void runsADateOnceAndIsDoneWithIt() {
        long id = scheduler.schedule(scheduler.epochMillis("3 seconds"));
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> "infinity".equals(scheduler.nextTick(id)));

        await().untilAsserted(() -> assertThat(scheduler.listener.madeBy(id)).hasSize(1));
    }

    @Test
    void takesTheLatestOfManyMissedTicksAndPassesOverTheOthers() {
        long id = scheduler.schedule("\"0 * * * *\"");
        scheduler.missedForNineHours();
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().untilAsserted(() -> assertThat(scheduler.listener.madeBy(id)).hasSize(1));

        assertThat(database.value("select tick = date_trunc('hour', taken_at) from app_jobs.schedule_ticks"))
                .isEqualTo(true);
        assertThat(database.value("select next_tick_at > now() from app_jobs.scheduled_jobs"))
                .isEqualTo(true);
        assertThat(scheduler.listener.passedOver).hasValue(9);
    }

    @Test
    void makesNoJobOfMissedTicksThatAreToBeSkipped() {
        long id = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}',"
                        + " '\"0 0 1 1 *\"', missed_ticks => 'skip')",
                JobDatabase.TENANT);
        database.execute("update app_jobs.scheduled_jobs set next_tick_at ="
                + " date_trunc('year', now() at time zone 'UTC') at time zone 'UTC' - interval '2 years'");
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> scheduler.listener.passedOver.get() == 3);

        assertThat(scheduler.listener.madeBy(id)).isEmpty();
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
        scheduler.missedForNineHours();
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().untilAsserted(() -> assertThat(scheduler.listener.madeBy(id)).hasSize(4));

        assertThat(scheduler.listener.madeBy(id)).isSortedAccordingTo(Comparator.comparing(RecordingListener.Tick::at));
        assertThat(scheduler.listener.passedOver).hasValue(6);
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
    void spreadsJobsWithinTheJitter() {
        scheduler.deploy(SchedulerFixture.CONFIG);
        long id = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}',"
                        + " '\"* * * * * *\"', overlap => 'allow', jitter => '1 hour')",
                JobDatabase.TENANT);

        await().untilAsserted(() -> assertThat(scheduler.listener.madeBy(id)).hasSizeGreaterThan(3));

        assertThat(database.rows(
                        "select bool_and(run_at between created_at and created_at + interval '1 hour') as within,"
                                + " count(distinct run_at - created_at) > 1 as spread from app_jobs.jobs"))
                .containsExactly(Map.of("within", true, "spread", true));
    }

    @Test
    void makesNoJobWhileThePreviousOneHasNotEnded() {
        scheduler.deploy(SchedulerFixture.CONFIG);
        long id = scheduler.schedule("\"* * * * * *\"");
        await().until(() -> scheduler.listener.overlaps.size() >= 2);

        assertThat(scheduler.listener.madeBy(id)).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where job_id is null"))
                .isGreaterThanOrEqualTo(2);

        scheduler.completeJobs();
        await().until(() -> scheduler.listener.madeBy(id).size() == 2);
    }

    @Test
    void onePerScheduleAndTickWhateverTheNumberOfSchedulers() {
        List<Long> ids = Stream.generate(() -> scheduler.schedule("\"* * * * * *\""))
                .limit(20)
                .toList();
        for (int n = 0; n < 3; n++) {
            scheduler.deploy(SchedulerFixture.CONFIG);
        }

        await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(ids)
                    .allSatisfy(id -> assertThat(scheduler.listener.madeBy(id)).hasSizeGreaterThan(4));
        });
        scheduler.undeployAll();
        scheduler.completeJobs();

        List<RecordingListener.Tick> heard = new ArrayList<>(scheduler.listener.made);
        assertThat(new HashSet<>(heard)).hasSameSizeAs(heard);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where job_id is not null"))
                .isEqualTo(heard.size());
        assertThat(database.number("select count(*) from app_jobs.job_history")).isEqualTo(heard.size());
        assertThat(database.number("select count(distinct job_id) from app_jobs.schedule_ticks"))
                .isEqualTo(heard.size());
    }

    @Test
    void givesATickToOneOfManyThatAskForIt() {
        long id = scheduler.schedule("\"0 0 1 1 *\"");
        database.execute(
                "update app_jobs.scheduled_jobs set next_tick_at = date_trunc('second', now()) - interval '1 s'");
        Instant tick = Objects.requireNonNull(
                scheduler.schedules.due(1).await().getFirst().nextTick());

        List<TickOutcome> outcomes = Future.join(Stream.generate(
                                () -> scheduler.schedules.runTick(id, tick, Optional.of(tick), Optional.empty()))
                        .limit(8)
                        .toList())
                .await()
                .list();

        assertThat(outcomes).extracting(TickOutcome::verdict).containsOnlyOnce(TickOutcome.Verdict.MADE);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
    }

    @Test
    void survivesTheLossOfAllItsConnections() {
        scheduler.deploy(SchedulerFixture.RARELY_POLLING);
        long id = scheduler.schedule("\"* * * * * *\"");
        await().until(() -> !scheduler.listener.madeBy(id).isEmpty() && scheduler.listeners() == 1);

        for (int n = 0; n < 3; n++) {
            database.execute("select pg_terminate_backend(a.pid) from pg_stat_activity a"
                    + " where a.datname = current_database() and a.pid <> pg_backend_pid()");
            int before = scheduler.listener.madeBy(id).size();
            await().untilAsserted(() -> {
                scheduler.completeJobs();
                assertThat(scheduler.listener.madeBy(id).size()).isGreaterThan(before + 1);
            });
        }

        await().until(() -> scheduler.listeners() == 1);
        long added = scheduler.schedule("\"* * * * * *\"");
        await().until(() -> !scheduler.listener.madeBy(added).isEmpty());
        database.addJob("lost", "{}");
        scheduler.claim(Duration.ofMillis(1));
        await().until(() -> !scheduler.listener.reaped.isEmpty());
    }

    @Test
    void startsBeforeTheDatabaseIsReadyAndWorksOnceItIs() {
        long id = scheduler.schedule("\"* * * * * *\"");
        database.execute("alter schema app_jobs rename to away");
        scheduler.deploy(SchedulerFixture.CONFIG);
        await().until(() -> database.number("select count(*) from pg_stat_activity a where a.state = 'idle'"
                        + " and a.application_name = 'scheduler test' and a.query like '%app_jobs.scheduled_jobs%'")
                > 0);
        database.execute("alter schema away rename to app_jobs");

        await().until(() -> !scheduler.listener.madeBy(id).isEmpty());
    }

    @Test
    void stopsTwiceAndWithoutAStart() {
        SchedulerVerticle neverStarted = scheduler.verticle(SchedulerFixture.CONFIG);
        neverStarted.stop().await();

        SchedulerVerticle started = scheduler.verticle(SchedulerFixture.CONFIG);
        scheduler.vertx.deployVerticle(started).await();
        scheduler.undeployAll();
        started.stop().await();

        long id = scheduler.schedule("\"* * * * * *\"");
        assertThat(scheduler.nextTick(id)).isNull();
        await().until(() -> scheduler.listeners() == 0);
    }
}
