package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.OfferedOutcome;
import dev.postern.sql.Outcome;
import dev.postern.sql.ScheduleStore;
import dev.postern.sql.Verdict;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(120)
class JobPrunerTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private final RecordingListener listener = new RecordingListener();
    private final Vertx vertx = Vertx.vertx();

    @BeforeAll
    static void giveSlowMachinesTime() {
        Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
    }

    @AfterEach
    void stop() {
        vertx.close().await();
    }

    @Test
    void keepsEachStateForItsOwnTime() {
        for (int ago : List.of(5, 20, 40)) {
            day("succeeded", ago);
            day("cancelled", ago);
        }
        deploy(new Retention(Duration.ofDays(7), Duration.ofDays(30), Optional.empty()));

        await().until(() -> listener.pruned.size() == 3);

        await().untilAsserted(() -> {
            assertThat(days("succeeded")).containsExactly(-5, 0, 1, 2, 3);
            assertThat(days("cancelled")).containsExactly(-20, -5, 0, 1, 2, 3);
        });
        assertThat(listener.pruned).containsExactlyInAnyOrder("succeeded", "succeeded", "cancelled");
    }

    @Test
    void severalAtOnceMakeAndDropEachDayOnce() {
        for (int ago = 10; ago < 15; ago++) {
            day("succeeded", ago);
        }
        for (int n = 0; n < 4; n++) {
            deploy(Retention.defaults());
        }

        await().until(() -> days("succeeded").equals(List.of(0, 1, 2, 3))
                && days("cancelled").size() == 4);

        await().until(() -> listener.pruned.size() == 5);
        assertThat(listener.putOff).isEmpty();
    }

    @Test
    void forgetsTicksOfTheRetention() {
        long schedule = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'ping', '{}', '\"0 0 1 1 *\"')", JobDatabase.TENANT);
        database.execute(
                "insert into app_jobs.schedule_ticks (schedule_id, tick) select ?, now() - n * interval '1 hour'"
                        + " from generate_series(0, 2500) n",
                schedule);
        deploy(Retention.defaults());

        await().untilAsserted(() -> assertThat(database.number("select count(*) from app_jobs.schedule_ticks"))
                .isBetween(7 * 24L, 7 * 24L + 1));
    }

    @Test
    void forgetsWhatTheApiKeptOfRequestsInItsTime() {
        database.execute(
                "insert into app_jobs.idempotency_keys (database_id, actor_id, key, request_hash, created_at)"
                        + " select ?, ?, n::text, '', now() - n * interval '1 hour' from generate_series(0, 2500) n",
                JobDatabase.TENANT,
                JobDatabase.TENANT);
        database.execute(
                "insert into app_jobs.audit_log (at, database_id, actor, action, target)"
                        + " select now() - n * interval '1 day', ?, 'ada', 'jobs.cancel', 'job/1'"
                        + " from generate_series(2500, 0, -1) n",
                JobDatabase.TENANT);
        deploy(Retention.defaults());

        await().untilAsserted(() -> {
            assertThat(database.number("select count(*) from app_jobs.idempotency_keys"))
                    .isBetween(24L, 25L);
            assertThat(database.number("select count(*) from app_jobs.audit_log"))
                    .isBetween(90L, 91L);
        });
    }

    @Test
    void purgesDeadLettersWhenTheirTimeIsOverInBatches() {
        deadLetters(2500, 91);
        deadLetters(10, 89);
        deploy(new Retention(Duration.ofDays(7), Duration.ofDays(7), Optional.of(Duration.ofDays(90))));

        await().until(() -> listener.purged.get() == 2500);

        assertThat(database.number("select count(*) from app_jobs.dead_letters"))
                .isEqualTo(10);
    }

    @Test
    void keepsDeadLettersForEverUnlessToldOtherwise() {
        deadLetters(10, 3650);
        deploy(Retention.defaults());

        await().until(() -> days("cancelled").size() == 4);

        assertThat(database.number("select count(*) from app_jobs.dead_letters"))
                .isEqualTo(10);
    }

    @Test
    void givesWayToALongReaderAndOutcomesGoOn() throws SQLException {
        day("succeeded", 9);
        database.addJob("ping", "{}");
        try (Connection reader = database.connect()) {
            reader.setAutoCommit(false);
            JobDatabase.rows(reader, "select count(*) from app_jobs.job_history");
            JobStore store = deploy(Retention.defaults());

            await().until(() -> listener.putOff.size() == 2);

            var job = store.claim("worker-1", Optional.empty(), 1, Duration.ofMinutes(1), Map.of(), null, null)
                    .await()
                    .getFirst();
            assertThat(store.finish(List.of(new OfferedOutcome(job.attempt(), Outcome.Complete.EMPTY)))
                            .await())
                    .containsExactly(Verdict.ACCEPTED);
            assertThat(days("succeeded")).containsExactly(-9);
            reader.rollback();
        }
        deploy(Retention.defaults());
        await().until(() -> days("succeeded").equals(List.of(0, 1, 2, 3)));
    }

    private JobStore deploy(Retention retention) {
        Pool pool = JobStore.pool(vertx, database.config(), "pruner test");
        JobStore store = new JobStore(pool, "app_jobs");
        vertx.deployVerticle(new SchedulerVerticle(
                        new ScheduleStore(pool, "app_jobs"),
                        store,
                        wakeUp -> Optional.empty(),
                        SchedulerConfig.defaults().withRetention(retention),
                        listener))
                .await();
        return store;
    }

    private void deadLetters(int number, int daysAgo) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, attempts) select ?, 'ping', 25"
                        + " from generate_series(1, ?)",
                JobDatabase.TENANT,
                number);
        database.execute(
                "update app_jobs.jobs set died_at = now() - ?::int * interval '1 day' where died_at > now() - interval '1 day'",
                daysAgo);
    }

    private void day(String state, int ago) {
        database.execute(String.valueOf(database.value("""
                select format('create table app_jobs.job_history_%1$s_%2$s partition of app_jobs.job_history_%1$s'
                  ' for values from (%3$L) to (%4$L)', ?::text, to_char(day, 'YYYYMMDD'), day || ' 00:00Z',
                  (day + 1) || ' 00:00Z')
                from (select (now() at time zone 'UTC')::date - ?::int as day) as d""", state, ago)));
    }

    /** The days, counted from today, that have a partition. */
    private List<Object> days(String state) {
        return database.rows("""
                select to_date(right(c.relname, 8), 'YYYYMMDD') - (now() at time zone 'UTC')::date as n
                from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = ('app_jobs.job_history_' || ?)::regclass and c.relname ~ '[0-9]{8}$'
                order by 1""", state).stream()
                .map(row -> Objects.requireNonNull(row.get("n")))
                .toList();
    }
}
