package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.ScheduleStore;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Three schedulers and a month of the clock that schedules go by, which passes as fast as they can take it. */
@Timeout(300)
class ScheduleMonthTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    /** In it Europe's clocks go back on the 25th; America's and Australia's sleep through it or go forward on the 4th. */
    private static final Instant START = Instant.parse("2026-10-01T00:00:00Z");

    private static final Instant END = Instant.parse("2026-11-01T00:00:00Z");

    /** Ticks are forgotten by the real clock, to which the month may be long ago. */
    private static final Retention REMEMBERED =
            new Retention(Duration.ofDays(36_500), Duration.ofDays(36_500), Optional.empty());

    private static final List<String> RULES = List.of(
            "\"*/20 * * * *\"",
            "\"7 * * * *\"",
            "{\"rule\": \"30 2 * * *\", \"tz\": \"Europe/Berlin\"}",
            "{\"rule\": \"*/30 * * * *\", \"tz\": \"Europe/Lisbon\", \"start\": \"2026-10-20\", \"end\": \"2026-10-27\"}",
            "{\"rule\": \"15 2 * * *\", \"tz\": \"Australia/Lord_Howe\"}",
            "{\"hour\": [0, {\"start\": 6, \"end\": 22, \"step\": 4}], \"minute\": 0, \"tz\": \"America/New_York\"}",
            "\"2026-10-15T12:34:56Z\"",
            "\"0 0 L * *\"");

    private final List<Scheduler> schedulers = new ArrayList<>();
    private final RecordingListener listener = new RecordingListener();
    private int started;

    /** With event loop, pool and LISTEN of its own, as a process has them. */
    private final class Scheduler {
        private final String name = "month scheduler " + started++;
        private final Vertx vertx = Vertx.vertx();
        private final Pool pool = JobStore.pool(vertx, database.config(), name);

        Scheduler() {
            vertx.deployVerticle(new SchedulerVerticle(
                            new ScheduleStore(pool, "app_jobs"),
                            new JobStore(pool, "app_jobs"),
                            wakeUp -> Optional.of(new JobNotifications(
                                    vertx,
                                    database.config(),
                                    pool,
                                    JobNotifications.SCHEDULES_CHANNEL,
                                    name,
                                    wakeUp,
                                    listening -> {})),
                            SchedulerConfig.defaults()
                                    .withPollInterval(Duration.ofMillis(20))
                                    .withRetention(REMEMBERED),
                            listener))
                    .await();
        }

        /** As the database sees a kill -9: its sessions break off wherever they are, and nothing is said any more. */
        void kill() {
            database.execute(
                    "select pg_terminate_backend(a.pid) from pg_stat_activity a"
                            + " where a.datname = current_database() and a.application_name = ?",
                    name);
            vertx.close().await();
        }
    }

    @AfterEach
    void stop() {
        schedulers.forEach(scheduler -> scheduler.vertx.close().await());
        database.execute("drop function if exists app_jobs.schedule_clock() cascade");
    }

    @Test
    void promise5_oneJobPerScheduleAndTickOverAMonthOfThreeSchedulersThatAreKilled() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        letTheTestSetTheClock();
        setClock(START);
        Map<Long, String> rules = new TreeMap<>();
        for (int copy = 0; copy < 3; copy++) {
            for (String rule : RULES) {
                rules.put(
                        database.number(
                                "select id from app_jobs.add_scheduled_job(?, 'ping', '{}', ?::json,"
                                        + " missed_ticks => 'all', overlap => 'allow')",
                                JobDatabase.TENANT,
                                rule),
                        rule);
            }
        }
        for (int n = 0; n < 3; n++) {
            schedulers.add(new Scheduler());
        }
        until("no schedule is new", "next_tick_at is null", seed);

        int kills = 0;
        for (Instant now = START; now.isBefore(END); ) {
            now = now.plusSeconds(3600 + random.nextInt(8 * 3600));
            setClock(now.isBefore(END) ? now : END);
            if (random.nextInt(6) == 0) {
                schedulers.remove(random.nextInt(3)).kill();
                schedulers.add(new Scheduler());
                kills++;
            }
            until("no tick is due", "next_tick_at is null or next_tick_at <= app_jobs.schedule_clock()", seed);
        }

        assertThat(kills).as("kills, seed %s", seed).isPositive();
        CronCalendar calendar = new CronCalendar();
        int ticks = 0;
        for (Map.Entry<Long, String> schedule : rules.entrySet()) {
            List<Long> expected = calendar.next(schedule.getValue(), START, 4_000).stream()
                    .map(ZonedDateTime::toEpochSecond)
                    .takeWhile(tick -> tick <= END.getEpochSecond())
                    .toList();
            assertThat(database.rows(
                            "select extract(epoch from tick)::bigint as tick from app_jobs.schedule_ticks where schedule_id = ? and job_id is not null"
                                    + " order by tick",
                            schedule.getKey()))
                    .as("ticks of %s, seed %s", schedule.getValue(), seed)
                    .extracting(row -> row.get("tick"))
                    .isEqualTo(expected);
            ticks += expected.size();
        }
        assertThat(ticks).isGreaterThan(10_000);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(ticks);
        assertThat(database.number("select count(distinct request_id) from app_jobs.jobs"))
                .isEqualTo(ticks);
        assertThat(listener.made).doesNotHaveDuplicates();
        assertThat(listener.passedOver).hasValue(0);
    }

    private static void letTheTestSetTheClock() {
        database.execute("create table test_clock (at timestamptz not null)");
        database.execute("insert into test_clock values (now())");
        database.execute(
                "create or replace function app_jobs.schedule_clock() returns timestamptz language sql volatile"
                        + " as 'select at from public.test_clock'");
    }

    private static void setClock(Instant at) {
        database.execute("update test_clock set at = ?", at.atOffset(ZoneOffset.UTC));
        database.execute("select pg_notify('scheduled_jobs:insert', '')");
    }

    private static void until(String what, String none, long seed) {
        Awaitility.await(what + ", seed " + seed)
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> database.number("select count(*) from app_jobs.scheduled_jobs where " + none) == 0);
    }
}
