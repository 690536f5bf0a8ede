package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people do to schedules: pause, resume, run, delete; who may; and what a tick does meanwhile. */
class SteerSchedulesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final UUID OTHER = UUID.fromString("00000000-0000-0000-0000-000000000002");
    private static final String DUE = "timestamptz '2026-01-31 03:00Z'";

    @BeforeAll
    static void aTenantsRole() {
        database.execute("do $$ begin create role postern_test_steering in role postern_tenant;"
                + " exception when duplicate_object then null; end $$");
    }

    @BeforeEach
    void emptyTables() {
        database.execute("truncate app_jobs.jobs, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void aPausedScheduleHasNoTickAndGetsNoneUntilItIsResumed() {
        long id = schedule("");
        makeDue(id);

        assertThat(database.rows("select paused_by, next_tick_at from app_jobs.pause_schedule(?, 'ada')", id))
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.get("paused_by")).isEqualTo("ada");
                    assertThat(row.get("next_tick_at")).isNull();
                });
        assertThat(take(id)).isEqualTo("taken");
        database.execute("update app_jobs.scheduled_jobs set schedule_info = '\"1 * * * *\"'");
        assertThat(state(id)).isEqualTo("paused");
        assertThat(database.value("select paused_by from app_jobs.pause_schedule(?, 'bob')", id))
                .isEqualTo("ada");

        assertThat(database.value("select paused_at from app_jobs.resume_schedule(?)", id))
                .isNull();
        assertThat(state(id)).isEqualTo("new");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
    }

    @Test
    void resumingOneThatWasNotPausedLeavesItsTick() {
        long id = schedule("");
        makeDue(id);
        database.execute("select app_jobs.resume_schedule(?)", id);
        assertThat(take(id)).isEqualTo("made");
    }

    @Test
    void aPauseWaitsForTheTickThatIsBeingTaken() throws SQLException {
        long id = schedule("");
        makeDue(id);
        try (Connection scheduler = database.connect()) {
            scheduler.setAutoCommit(false);
            assertThat(JobDatabase.rows(
                                    scheduler,
                                    "select verdict from app_jobs.run_schedule_tick(?, " + DUE
                                            + ", now() + interval '1 h')",
                                    id)
                            .getFirst())
                    .containsEntry("verdict", "made");
            CompletableFuture<@Nullable Object> pause = CompletableFuture.supplyAsync(
                    () -> database.value("select paused_by from app_jobs.pause_schedule(?, 'ada')", id));
            Awaitility.await()
                    .until(() -> database.number("select count(*) from pg_stat_activity"
                                    + " where datname = current_database() and wait_event_type = 'Lock'")
                            == 1);
            scheduler.commit();
            assertThat(pause.join()).isEqualTo("ada");
        }
        assertThat(state(id)).isEqualTo("paused");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
    }

    @Test
    void runMakesAJobAlsoOfAPausedScheduleButNotTwo() {
        long id = schedule("");
        database.execute("select app_jobs.pause_schedule(?)", id);
        assertThat(database.number("select id from app_jobs.run_schedule(?)", id))
                .isPositive();
        assertThatThrownBy(() -> database.execute("select app_jobs.run_schedule(?)", id))
                .hasMessageContaining("PJ001");
        assertThat(database.number("select id from app_jobs.run_schedule(?, allow_overlap => true)", id))
                .isPositive();
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(2);
        assertThat(database.value("select request_id from app_jobs.jobs limit 1"))
                .isNull();
    }

    @Test
    void aScheduleThatMayOverlapMakesAJobOfEachTickWithoutAKey() {
        long id = schedule(", job_key => 'k', overlap => 'allow'");
        makeDue(id);
        assertThat(take(id)).isEqualTo("made");
        database.execute(
                "update app_jobs.scheduled_jobs set next_tick_at = " + DUE + " - interval '1 h' where id = ?", id);
        assertThat(database.value(
                        "select verdict from app_jobs.run_schedule_tick(?, " + DUE + " - interval '1 h', 'infinity')",
                        id))
                .isEqualTo("made");
        assertThat(database.rows("select count(*) as jobs, count(key) as keys from app_jobs.jobs"))
                .containsExactly(Map.of("jobs", 2L, "keys", 0L));
    }

    @Test
    void passesOverTicksWithoutAJobOrTakesALaterOne() {
        long id = schedule("");
        makeDue(id);
        assertThat(database.value(
                        "select verdict from app_jobs.run_schedule_tick(?, null, now() + interval '1 h', " + DUE + ")",
                        id))
                .isEqualTo("passed");
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks"))
                .isZero();
        assertThat(database.value("select next_tick_at > now() from app_jobs.scheduled_jobs"))
                .isEqualTo(true);

        database.execute("update app_jobs.scheduled_jobs set next_tick_at = " + DUE + " - interval '5 h'");
        String late = "select verdict from app_jobs.run_schedule_tick(?, " + DUE + ", 'infinity', " + DUE
                + " - interval '5 h')";
        assertThat(database.value(late, id)).isEqualTo("made");
        assertThat(database.value(late, id)).isEqualTo("taken");
        assertThat(database.value("select tick = " + DUE + " from app_jobs.schedule_ticks"))
                .isEqualTo(true);
    }

    @Test
    void refusesATickThatHasNotCome() {
        long id = schedule("");
        makeDue(id);
        assertThat(database.value(
                        "select verdict from app_jobs.run_schedule_tick(?, now() + interval '1 h'," + " 'infinity', "
                                + DUE + ")",
                        id))
                .isEqualTo("taken");
    }

    @Test
    void deletingEndsTheScheduleAndLeavesItsJobs() {
        long id = schedule("");
        makeDue(id);
        assertThat(take(id)).isEqualTo("made");
        assertThat(database.number("select id from app_jobs.delete_schedule(?)", id))
                .isEqualTo(id);
        assertThat(take(id)).isEqualTo("taken");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks"))
                .isZero();
        assertThat(database.value("select id from app_jobs.delete_schedule(?)", id))
                .isNull();
    }

    @Test
    void aTenantSteersItsOwnSchedulesOnly() {
        long own = schedule("");
        long other =
                database.number("select id from app_jobs.add_scheduled_job(?, 'ping', '{}', '\"0 * * * *\"')", OTHER);
        try (Session tenant = Session.autoCommit(database)) {
            tenant.rows("set role postern_test_steering");
            tenant.rows("select set_config('jwt.claims.database_id', ?, false)", JobDatabase.TENANT.toString());
            for (String call :
                    new String[] {"pause_schedule(?)", "resume_schedule(?)", "run_schedule(?)", "delete_schedule(?)"}) {
                assertThat(tenant.rows("select id from app_jobs." + call, other)
                                .getFirst()
                                .get("id"))
                        .as(call)
                        .isNull();
                assertThat(tenant.rows("select id from app_jobs." + call, own)
                                .getFirst()
                                .get("id"))
                        .as(call)
                        .isNotNull();
            }
            assertThat(tenant.rows("select app_jobs.schedule_state(s) from app_jobs.scheduled_jobs s"))
                    .isEmpty();
            assertThatThrownBy(() -> tenant.rows("select app_jobs.make_scheduled_job(?, '1 h', true, null)", other))
                    .hasMessageContaining("permission denied");
        }
        assertThat(state(other)).isEqualTo("new");
        assertThat(database.value("select database_id from app_jobs.jobs")).isEqualTo(JobDatabase.TENANT);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                ", missed_ticks => 'none'                                | missed_ticks is 'none'",
                ", missed_ticks => 'all'                                 | overlap is 'skip', but missed_ticks 'all'",
                ", missed_ticks_max => 0                                 | missed_ticks_max is 0",
                ", missed_ticks_max => 1001                              | missed_ticks_max is 1001",
                ", overlap => 'maybe'                                    | overlap is 'maybe'",
                ", jitter => '-1 s'                                      | jitter is -00:00:01",
                ", jitter => '25 h'                                      | jitter is 25:00:00",
            })
    void refusesWhatCannotBeAndNamesTheArgument(String arguments, String detail) {
        assertThatThrownBy(() -> schedule(arguments))
                .hasMessageContaining("PJ003")
                .hasMessageContaining(detail);
    }

    @Test
    void nullsMeanTheDefaults() {
        schedule(", missed_ticks => null, missed_ticks_max => null, overlap => null, jitter => null");
        assertThat(database.rows("select missed_ticks, missed_ticks_max, overlap, jitter = '0' as none"
                        + " from app_jobs.scheduled_jobs"))
                .containsExactly(
                        Map.of("missed_ticks", "latest", "missed_ticks_max", 100, "overlap", "skip", "none", true));
    }

    @Test
    void tellsTheState() {
        long id = schedule("");
        assertThat(state(id)).isEqualTo("new");
        makeDue(id);
        assertThat(state(id)).isEqualTo("active");
        database.execute("update app_jobs.scheduled_jobs set next_tick_at = 'infinity'");
        assertThat(state(id)).isEqualTo("over");
        database.execute("update app_jobs.scheduled_jobs set last_error = 'x', next_tick_at = null");
        assertThat(state(id)).isEqualTo("parked");
    }

    private static long schedule(String arguments) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, 'ping', schedule_info => '\"0 * * * *\"'" + arguments
                        + ")",
                JobDatabase.TENANT);
    }

    private static void makeDue(long id) {
        database.execute("update app_jobs.scheduled_jobs set next_tick_at = " + DUE + " where id = ?", id);
    }

    private static @Nullable Object take(long id) {
        return database.value(
                "select verdict from app_jobs.run_schedule_tick(?, " + DUE + ", now() + interval '1 h')", id);
    }

    private static @Nullable Object state(long id) {
        return database.value("select app_jobs.schedule_state(s) from app_jobs.scheduled_jobs s where s.id = ?", id);
    }
}
