package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** How the history is kept within its retention, beside those that write and read it. */
class PruneHistoryTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    @Test
    void makesTheComingDaysOfAStateOnceAndLeavesOtherStatesAlone() {
        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));
        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));

        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
        assertThat(days("cancelled")).isEmpty();
        ended("succeeded", 0);
        assertThat(tableOf("succeeded")).isEqualTo("job_history_succeeded_" + day(0));
    }

    @Test
    void dropsOneDayAfterTheOtherThatEndedBeforeTheRetention() {
        for (int ago : List.of(31, 9, 8, 7)) {
            makeDay("succeeded", ago);
            makeDay("cancelled", ago);
        }

        assertThat(prune("succeeded", 7)).isEqualTo(result(1, 0, false));
        assertThat(days("succeeded")).containsExactly(-9, -8, -7, 0, 1, 2, 3);
        assertThat(prune("succeeded", 7)).isEqualTo(result(1, 0, false));
        assertThat(prune("succeeded", 7)).isEqualTo(result(1, 0, false));
        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));
        assertThat(days("succeeded")).containsExactly(-7, 0, 1, 2, 3);

        assertThat(prune("cancelled", 30)).isEqualTo(result(1, 0, false));
        assertThat(prune("cancelled", 30)).isEqualTo(result(0, 0, false));
        assertThat(days("cancelled")).containsExactly(-9, -8, -7, 0, 1, 2, 3);
    }

    @Test
    void movesTheRowsOfADayThatTheDefaultPartitionTook() {
        ended("succeeded", 0);
        ended("succeeded", 3);
        assertThat(tableOf("succeeded")).isEqualTo("job_history_succeeded_default");

        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));

        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
        assertThat(database.rows("select h.tableoid::regclass::text as t from app_jobs.job_history h order by 1"))
                .extracting(row -> row.get("t"))
                .containsExactly("app_jobs.job_history_succeeded_" + day(0), "app_jobs.job_history_succeeded_default");
        assertThat(database.number("select count(*) from app_jobs.job_history where id = 1"))
                .isEqualTo(2);
    }

    @Test
    void leavesADayOfManyRowsInTheDefaultPartitionUntilItsTimeHasCome() {
        ended("succeeded", 0, 10_001);
        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));
        assertThat(days("succeeded")).containsExactly(1, 2, 3);

        database.execute("update app_jobs.job_history set finished_at = finished_at - interval '8 days'");
        assertThat(prune("succeeded", 9)).isEqualTo(result(0, 0, false));
        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 1000, false));
        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
        int calls = 1;
        while (!prune("succeeded", 7).equals(result(0, 0, false))) {
            calls++;
        }
        assertThat(calls).isEqualTo(11);
        assertThat(database.number("select count(*) from app_jobs.job_history")).isZero();
    }

    @Test
    void leavesPartitionsAloneThatSomebodyDetachedOrMadeByHand() {
        makeDay("succeeded", 9);
        database.execute("alter table app_jobs.job_history_succeeded detach partition app_jobs.job_history_succeeded_"
                + day(-9));
        database.execute("create table app_jobs.job_history_succeeded_" + day(1) + " (kept int)");
        database.execute("create table app_jobs.by_hand partition of app_jobs.job_history_succeeded for values from ('"
                + database.value("select (now() at time zone 'UTC')::date + 2") + " 00:00Z') to ('2100-01-01')");

        assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, false));

        assertThat(days("succeeded")).containsExactly(0);
        assertThat(database.value("select to_regclass('app_jobs.job_history_succeeded_" + day(-9) + "')::text"))
                .isNotNull();
    }

    @Test
    void countsDaysInUtcWhateverTheZoneOfTheSession() {
        try (Session session = Session.autoCommit(database)) {
            session.rows("set time zone 'Pacific/Kiritimati'");
            session.rows("select app_jobs.prune_history('succeeded', '7 days')");
        }
        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
        assertThat(database.value(
                        "select pg_get_expr(c.relpartbound, c.oid) from pg_class c where c.relname = ?",
                        "job_history_succeeded_" + day(0)))
                .asString()
                .contains(" 00:00:00+00'");
    }

    @Test
    void refusesAStateThatHasNoHistory() {
        for (String state : List.of("'dead'", "null", "'default'")) {
            assertThatThrownBy(() -> database.execute("select app_jobs.prune_history(" + state + ", '7 days')"))
                    .isInstanceOf(JobDatabase.SqlFailure.class)
                    .hasMessageContaining("PJ003");
        }
    }

    @Test
    void ofTwoCallersOneWorksAndTheOtherReturnsAtOnce() {
        makeDay("succeeded", 9);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            assertThat(a.rows("select * from app_jobs.prune_history('succeeded', '7 days')"))
                    .containsExactly(result(1, 0, false));
            assertThat(b.rows("select * from app_jobs.prune_history('succeeded', '7 days')"))
                    .containsExactly(result(0, 0, false));
            a.commit();
        }
        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
    }

    @Test
    void givesUpBehindALongReaderAndOutcomesGoOn() {
        makeDay("succeeded", 9);
        long id = database.addJob("ping", "{}");
        try (Session reader = Session.transaction(database);
                Session pruner = Session.transaction(database);
                Session worker = Session.autoCommit(database)) {
            reader.rows("select count(*) from app_jobs.job_history");
            assertThat(pruner.rows("select * from app_jobs.prune_history('succeeded', '7 days')"))
                    .containsExactly(result(0, 0, true));
            // The pruner's transaction is open still: what it gave up it must have let go of.
            worker.rows("select app_jobs.get_job('worker-1')");
            assertThat(worker.rows("select id from app_jobs.complete_job('worker-1', ?)", id))
                    .hasSize(1);
            pruner.commit();
            assertThat(days("succeeded")).containsExactly(-9);
            reader.commit();
        }
        assertThat(prune("succeeded", 7)).isEqualTo(result(1, 0, false));
        assertThat(days("succeeded")).containsExactly(0, 1, 2, 3);
    }

    @Test
    void makesTheComingDaysWhileSomebodyReadsAnOldOneThatCannotBeDropped() {
        makeDay("succeeded", 9);
        try (Session reader = Session.transaction(database)) {
            reader.rows("select count(*) from app_jobs.job_history_succeeded_" + day(-9));
            assertThat(prune("succeeded", 7)).isEqualTo(result(0, 0, true));
        }
        assertThat(days("succeeded")).containsExactly(-9, 0, 1, 2, 3);
    }

    @Test
    void anOutcomeThatMeetsTheMakingOfItsDayFindsItsPlace() {
        ended("succeeded", 0);
        long id = database.addJob("ping", "{}");
        database.execute("select app_jobs.get_job('worker-1')");
        try (Session pruner = Session.transaction(database);
                Session worker = Session.autoCommit(database)) {
            pruner.rows("select * from app_jobs.prune_history('succeeded', '7 days')");
            var outcome = worker.send("select id from app_jobs.complete_job('worker-1', ?)", id);
            assertThat(worker.waitsForLock(outcome)).isTrue();
            pruner.commit();
            assertThat(Session.answer(outcome)).containsExactly(Map.of("id", id));
        }
        assertThat(tableOf("succeeded")).isEqualTo("job_history_succeeded_" + day(0));
        assertThat(database.number("select count(*) from app_jobs.job_history_succeeded_" + day(0)))
                .isEqualTo(2);
    }

    @Test
    void ticksAreForgottenInBatches() {
        long schedule = database.number(
                "select id from app_jobs.add_scheduled_job(?, 'ping', '{}', '\"* * * * *\"')", JobDatabase.TENANT);
        database.execute(
                "insert into app_jobs.schedule_ticks (schedule_id, tick)"
                        + " select ?, now() - n * interval '1 day' from generate_series(1, 12) n",
                schedule);
        assertThat(database.number("select app_jobs.prune_ticks('7 days 1 hour', 3)"))
                .isEqualTo(3);
        assertThat(database.number("select app_jobs.prune_ticks('7 days 1 hour', 3)"))
                .isEqualTo(2);
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks"))
                .isEqualTo(7);
    }

    private Map<String, @Nullable Object> prune(String state, int days) {
        return database.rows("select * from app_jobs.prune_history(?, make_interval(days => ?))", state, days)
                .getFirst();
    }

    private static Map<String, @Nullable Object> result(int dropped, int deleted, boolean blocked) {
        return Map.of("dropped", dropped, "deleted", deleted, "blocked", blocked);
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

    private String day(int fromToday) {
        return String.valueOf(
                database.value("select to_char((now() at time zone 'UTC')::date + ?::int, 'YYYYMMDD')", fromToday));
    }

    private void makeDay(String state, int ago) {
        database.execute(String.valueOf(database.value("""
                select format('create table app_jobs.job_history_%1$s_%2$s partition of app_jobs.job_history_%1$s'
                  ' for values from (%3$L) to (%4$L)', ?::text, to_char(day, 'YYYYMMDD'), day || ' 00:00Z',
                  (day + 1) || ' 00:00Z')
                from (select (now() at time zone 'UTC')::date - ?::int as day) as d""", state, ago)));
    }

    private void ended(String state, int daysAgo) {
        ended(state, daysAgo, 1);
    }

    private void ended(String state, int daysAgo, int rows) {
        database.execute(
                "insert into app_jobs.job_history (id, database_id, task_identifier, payload, priority, run_at, attempts,"
                        + " max_attempts, infra_failures, errors, state, finished_at) select n, ?, 'ping', '{}', 0,"
                        + " now(), 1, 25, 0, '[]', ?, now() - ?::int * interval '1 day' from generate_series(1, ?) n",
                JobDatabase.TENANT,
                state,
                daysAgo,
                rows);
    }

    private @Nullable Object tableOf(String state) {
        return database.value(
                "select distinct c.relname from app_jobs.job_history h join pg_class c on c.oid = h.tableoid"
                        + " where h.state = ?",
                state);
    }
}
