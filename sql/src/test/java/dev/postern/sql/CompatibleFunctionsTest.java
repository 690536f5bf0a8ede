package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** SQL that was written for pgpm-database-jobs 0.15 goes on working, word for word. */
class CompatibleFunctionsTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private static final UUID TENANT = JobDatabase.TENANT;

    private Session session;

    @BeforeEach
    void connect() {
        session = Session.autoCommit(database);
    }

    @AfterEach
    void disconnect() {
        session.close();
    }

    // --- the documented examples -------------------------------------------------------------------------------------

    @Test
    void runsTheDocumentedExamplesAsTheyStand() {
        database.execute("""
                SELECT app_jobs.add_job(
                  '00000000-0000-0000-0000-000000000001'::uuid,
                  'send-email-link',
                  json_build_object(
                    'email_type',   'invite_email',
                    'email',        'user@example.com',
                    'invite_token', 'invite-token-123',
                    'sender_id',    '00000000-0000-0000-0000-000000000002'
                  )::json
                );
                """);
        database.execute("""
                SELECT app_jobs.add_scheduled_job(
                  '00000000-0000-0000-0000-000000000001'::uuid,
                  'some-task-name',
                  json_build_object('foo', 'bar'),
                  json_build_object(
                    'start', NOW(),
                    'end',   NOW() + '1 day'::interval,
                    'rule',  '*/5 * * * *'   -- every 5 minutes (cron rule)
                  )
                );
                """);
        assertThat(database.rows("""
                        SELECT id, task_identifier, attempts, max_attempts, last_error, locked_by, locked_at, run_at,
                          created_at, updated_at
                        FROM app_jobs.jobs ORDER BY id DESC;
                        """))
                .singleElement()
                .satisfies(row -> assertThat(row)
                        .containsEntry("task_identifier", "send-email-link")
                        .containsEntry("attempts", 0)
                        .containsEntry("max_attempts", 25));
        assertThat(database.rows("""
                        SELECT id, task_identifier, payload, schedule_info, last_scheduled, last_scheduled_id
                        FROM app_jobs.scheduled_jobs ORDER BY id DESC;
                        """))
                .singleElement()
                .satisfies(row -> assertThat(row).containsEntry("task_identifier", "some-task-name"));
        assertThat(database.value("select payload->>'email_type' from app_jobs.jobs"))
                .isEqualTo("invite_email");
    }

    @Test
    void takesTheArgumentsOf0Point15ByNameAndByPosition() {
        var byName = database.rows("""
                select database_id, task_identifier, payload::text as payload, key, queue_name, max_attempts, priority,
                  run_at = now() + interval '1 hour' as in_an_hour
                from app_jobs.add_job(db_id := ?, identifier := 't', payload := '[1,  2]'::json, job_key := 'k',
                  queue_name := 'q', run_at := now() + interval '1 hour', max_attempts := 3, priority := -2)
                """, TENANT);
        Map<String, Object> expected = Map.of(
                "database_id",
                TENANT,
                "task_identifier",
                "t",
                "payload",
                "[1,  2]",
                "key",
                "k",
                "queue_name",
                "q",
                "max_attempts",
                3,
                "priority",
                -2,
                "in_an_hour",
                true);
        assertThat(byName).containsExactly(expected);
        assertThat(database.rows("""
                        select database_id, task_identifier, payload::text as payload, key, queue_name, max_attempts,
                          priority, run_at = now() + interval '1 hour' as in_an_hour
                        from app_jobs.add_job(?, 't', '[1,  2]', 'k', 'q', now() + interval '1 hour', 3, -2)
                        """, TENANT)).containsExactly(expected);
    }

    @Test
    void nullArgumentsMeanTheDefaults() {
        assertThat(database.rows("""
                        select payload::text as payload, max_attempts, priority, run_at = now() as now
                        from app_jobs.add_job(?, 't', null, null, null, null, null, null)
                        """, TENANT))
                .containsExactly(Map.of("payload", "{}", "max_attempts", 25, "priority", 0, "now", true));
        assertThat(database.rows("""
                        select payload::text as payload, max_attempts, priority
                        from app_jobs.add_scheduled_job(?, 't', null, '{}', null, null, null, null)
                        """, TENANT))
                .containsExactly(Map.of("payload", "{}", "max_attempts", 25, "priority", 0));
    }

    @Test
    void rowTypesBeginWithTheColumnsOf0Point15InTheirOrder() {
        List<String> jobs = List.of(
                "id",
                "database_id",
                "queue_name",
                "task_identifier",
                "payload",
                "priority",
                "run_at",
                "attempts",
                "max_attempts",
                "key",
                "last_error",
                "locked_at",
                "locked_by",
                "created_at",
                "updated_at");
        List<String> schedules = List.of(
                "id",
                "database_id",
                "queue_name",
                "task_identifier",
                "payload",
                "priority",
                "max_attempts",
                "key",
                "locked_at",
                "locked_by",
                "schedule_info",
                "last_scheduled",
                "last_scheduled_id");
        for (String call : List.of(
                "add_job('00000000-0000-0000-0000-000000000001', 't')",
                "get_job('worker-1')",
                "complete_job('worker-1', 1)",
                "fail_job('worker-1', 1, 'x')",
                "complete_jobs('{1}')",
                "permanently_fail_jobs('{1}', 'x')",
                "reschedule_jobs('{1}')",
                "run_scheduled_job(1)")) {
            assertThat(columns(call)).as(call).startsWith(jobs.toArray(String[]::new));
        }
        for (String call : List.of(
                "add_scheduled_job('00000000-0000-0000-0000-000000000001', 't')", "get_scheduled_job('worker-1')")) {
            assertThat(columns(call)).as(call).startsWith(schedules.toArray(String[]::new));
        }
    }

    private List<String> columns(String call) {
        List<String> names = new ArrayList<>();
        try (var statement = session.connection().createStatement();
                var rows = statement.executeQuery("select * from app_jobs." + call)) {
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                names.add(rows.getMetaData().getColumnName(i));
            }
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
        return names;
    }

    // --- workers of the old kind -------------------------------------------------------------------------------------

    @Test
    void getJobAnswersTheJobAsClaimed() {
        long id = add("ping");
        assertThat(database.rows("select id, attempts, locked_by, locked_at = updated_at as at from"
                        + " app_jobs.get_job('old-worker')"))
                .containsExactly(Map.of("id", id, "attempts", 1, "locked_by", "old-worker", "at", true));
        assertNoJob("get_job('old-worker')");
    }

    @Test
    void getJobTakesOnlyTheTasksThatAreNamed() {
        add("ping");
        long pong = add("pong");
        assertNoJob("get_job('old-worker', '{pang}')");
        assertThat(database.number("select id from app_jobs.get_job('old-worker', '{pang,pong}')"))
                .isEqualTo(pong);
        assertThat(database.value("select task_identifier from app_jobs.get_job('old-worker', null)"))
                .isEqualTo("ping");
    }

    @Test
    void getJobTakesAJobBackWhenItsExpiryHasPassed() {
        long id = add("ping");
        database.execute("select app_jobs.get_job('old-worker', null, '1 hour')");
        assertThat(database.value(
                        "select lease_expires_at between now() + interval '59 min' and now() + interval '1 hour'"
                                + " from app_jobs.jobs"))
                .isEqualTo(true);
        assertNoJob("get_job('old-worker-2', null, '1 hour')");

        database.execute("update app_jobs.jobs set lease_expires_at = now()");
        assertThat(database.rows("select id, attempts, locked_by from app_jobs.get_job('old-worker-2')"))
                .containsExactly(Map.of("id", id, "attempts", 2, "locked_by", "old-worker-2"));
        assertNoJob("complete_job('old-worker', " + id + ")");
        assertThat(database.number("select id from app_jobs.complete_job('old-worker-2', ?)", id))
                .isEqualTo(id);
    }

    @Test
    void completeJobMovesTheJobToTheHistory() {
        long id = add("ping");
        database.execute("select app_jobs.get_job('old-worker')");
        assertThat(database.number("select id from app_jobs.complete_job('old-worker', ?)", id))
                .isEqualTo(id);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
        assertThat(database.value("select state from app_jobs.job_history where id = ?", id))
                .isEqualTo("succeeded");
        assertNoJob("complete_job('old-worker', " + id + ")");
    }

    @Test
    void failJobKeepsTheErrorAndComesBackLaterUntilAttemptsAreUsedUp() {
        long id = database.number("select id from app_jobs.add_job(?, 'ping', max_attempts => 2)", TENANT);
        database.execute("select app_jobs.get_job('old-worker')");
        assertThat(database.rows(
                        "select attempts, last_error, locked_by, run_at > now() as later from"
                                + " app_jobs.fail_job('old-worker', ?, 'it broke')",
                        id))
                .singleElement()
                .satisfies(row -> assertThat(row)
                        .containsEntry("attempts", 1)
                        .containsEntry("last_error", "it broke")
                        .containsEntry("locked_by", null)
                        .containsEntry("later", true));
        assertNoJob("get_job('old-worker')");
        database.execute("select app_jobs.reschedule_jobs(array[?]::bigint[], now())", id);
        database.execute("select app_jobs.get_job('old-worker')");
        database.execute("select app_jobs.fail_job('old-worker', ?, 'again')", id);
        database.execute("select app_jobs.reschedule_jobs(array[?]::bigint[], now())", id);
        assertNoJob("get_job('old-worker')");
        assertThat(database.rows(
                        "select attempts, last_error, jsonb_array_length(errors) as errors from app_jobs.jobs"))
                .containsExactly(Map.of("attempts", 2, "last_error", "again", "errors", 2));
    }

    @Test
    void releaseJobsGivesBackUnchargedWhatTheWorkerHolds() {
        add("ping");
        add("ping");
        add("ping");
        database.execute("select app_jobs.get_job('old-worker')");
        database.execute("select app_jobs.get_job('old-worker')");
        database.execute("select app_jobs.get_job('other-worker')");
        database.execute("select app_jobs.release_jobs('old-worker')");
        assertThat(database.rows("select attempts, locked_by from app_jobs.jobs where locked_by is null"))
                .hasSize(2)
                .allSatisfy(row -> assertThat(row).containsEntry("attempts", 0));
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_by = 'other-worker'"))
                .isOne();
    }

    // --- people ------------------------------------------------------------------------------------------------------

    @Test
    void operatorsFunctionsLeaveLeasedJobsAloneAndAnswerTheRest() {
        long leased = add("ping");
        database.execute("select app_jobs.get_job('old-worker')");
        long free = add("ping");
        long expired = add("ping");
        String ids = "array[" + leased + "," + free + "," + expired + "]::bigint[]";
        database.execute("select app_jobs.get_job('gone-worker')");
        database.execute("select app_jobs.get_job('gone-worker')");
        database.execute("update app_jobs.jobs set lease_expires_at = now() where locked_by = 'gone-worker'");

        assertThat(database.rows(
                        "select id, priority, attempts, max_attempts, locked_by is null as free, run_at = now()"
                                + " + interval '1 hour' as due from app_jobs.reschedule_jobs(" + ids
                                + ", now() + interval '1 hour', 7, 3, 9)"))
                .containsExactlyInAnyOrder(rescheduled(free), rescheduled(expired));
        assertThat(database.rows(
                        "select id, attempts, last_error from app_jobs.permanently_fail_jobs(" + ids + ", 'no')"))
                .containsExactlyInAnyOrder(
                        Map.of("id", free, "attempts", 9, "last_error", "no"),
                        Map.of("id", expired, "attempts", 9, "last_error", "no"));
        assertThat(database.value("select last_error from app_jobs.permanently_fail_jobs(array[?]::bigint[])", free))
                .isEqualTo("Manually marked as failed");
        assertThat(database.rows("select id from app_jobs.complete_jobs(" + ids + ")"))
                .containsExactlyInAnyOrder(Map.of("id", free), Map.of("id", expired));
        assertThat(database.number("select id from app_jobs.jobs")).isEqualTo(leased);
        assertThat(database.number("select count(*) from app_jobs.job_history where state = 'succeeded'"))
                .isEqualTo(2);
    }

    private static Map<String, Object> rescheduled(long id) {
        return Map.of("id", id, "priority", 7, "attempts", 3, "max_attempts", 9, "free", true, "due", true);
    }

    // --- schedules ---------------------------------------------------------------------------------------------------

    @Test
    void schedulesAreHandedOutOnceAndGivenBack() {
        long a = schedule("tick", null);
        long b = schedule("tock", null);
        assertThat(database.number("select id from app_jobs.get_scheduled_job('sched-1', '{tock}')"))
                .isEqualTo(b);
        assertThat(database.rows("select id, locked_by from app_jobs.get_scheduled_job('sched-1')"))
                .containsExactly(Map.of("id", a, "locked_by", "sched-1"));
        assertNoJob("get_scheduled_job('sched-2')");

        database.execute("select app_jobs.release_scheduled_jobs('sched-1', array[?]::bigint[])", b);
        assertThat(database.number("select id from app_jobs.get_scheduled_job('sched-2')"))
                .isEqualTo(b);
        database.execute("select app_jobs.release_scheduled_jobs('sched-1')");
        assertThat(database.number("select id from app_jobs.get_scheduled_job('sched-2')"))
                .isEqualTo(a);
    }

    @Test
    void aScheduleWithAKeyIsReplacedWithinItsTenant() {
        long first = schedule("tick", "k");
        assertThat(schedule("tock", "k")).isEqualTo(first);
        assertThat(database.number(
                        "select id from app_jobs.add_scheduled_job(gen_random_uuid(), 't', '{}', '{}', 'k')"))
                .isNotEqualTo(first);
    }

    @Test
    void runScheduledJobMakesAJobOnlyWhenThePreviousOneHasEnded() {
        long schedule = schedule("tick", null);
        long job = database.number("select id from app_jobs.run_scheduled_job(?)", schedule);
        assertThat(database.rows(
                        "select last_scheduled_id, last_scheduled is not null as at from app_jobs.scheduled_jobs"))
                .containsExactly(Map.of("last_scheduled_id", job, "at", true));
        assertThatThrownBy(() -> database.execute("select app_jobs.run_scheduled_job(?)", schedule))
                .isInstanceOfSatisfying(JobDatabase.SqlFailure.class, e -> {
                    assertThat(e.state()).isEqualTo("PJ001");
                    assertThat(e).hasMessageContaining("ERROR: ALREADY_SCHEDULED\n");
                });

        database.execute("select app_jobs.get_job('old-worker')");
        assertThatThrownBy(() -> database.execute("select app_jobs.run_scheduled_job(?)", schedule))
                .hasMessageContaining("ALREADY_SCHEDULED");
        // Running for longer than job_expiry is as good as ended.
        database.execute("update app_jobs.jobs set locked_at = now() - interval '2 minutes'");
        assertThat(database.number("select id from app_jobs.run_scheduled_job(?, '1 minute')", schedule))
                .isGreaterThan(job);
        database.execute("update app_jobs.jobs set attempts = max_attempts where locked_at is null");
        assertThat(database.number("select id from app_jobs.run_scheduled_job(?)", schedule))
                .as("after a dead one")
                .isGreaterThan(job + 1);
        assertNoJob("run_scheduled_job(4711)");
    }

    @Test
    void twoThatRunAScheduleAtOnceMakeOneJob() {
        long schedule = schedule("tick", null);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows("select id from app_jobs.run_scheduled_job(?)", schedule);
            var sent = b.send("select id from app_jobs.run_scheduled_job(?)", schedule);
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThatThrownBy(() -> Session.answer(sent)).hasMessageContaining("ALREADY_SCHEDULED");
        }
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
    }

    // --- triggers ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void triggerFunctionsAddJobsForTheSessionsTenant(boolean byFunction) {
        UUID tenant = UUID.randomUUID();
        if (byFunction) {
            database.execute("create schema jwt_private");
            database.execute("create function jwt_private.current_database_id() returns uuid language sql as"
                    + " 'select ''" + tenant + "''::uuid'");
            session.rows(
                    "select set_config('jwt.claims.database_id', ?, false)",
                    UUID.randomUUID().toString());
        } else {
            session.rows("select set_config('jwt.claims.database_id', ?, false)", tenant.toString());
        }
        session.rows("create table public.things (id int, name text)");
        session.rows("create trigger a after insert or delete on public.things for each row"
                + " execute function app_jobs.tg_add_job_with_row('row')");
        session.rows("create trigger b after update or delete on public.things for each row"
                + " execute function app_jobs.tg_add_job_with_row_id('row-id')");
        session.rows("create trigger c after insert or delete on public.things for each row"
                + " execute function app_jobs.trigger_job_with_fields('fields', 'name', 'id')");
        session.rows("insert into public.things values (7, 'x')");
        session.rows("update public.things set id = 8");
        session.rows("delete from public.things");

        String row7 = "{\"id\":7,\"name\":\"x\"}";
        String row8 = "{\"id\":8,\"name\":\"x\"}";
        assertThat(database.rows(
                        "select task_identifier || ' ' || payload::jsonb as added from app_jobs.jobs"
                                + " where database_id = ? order by id",
                        tenant))
                .extracting(row ->
                        String.valueOf(row.get("added")).replace(": ", ":").replace(", ", ","))
                .containsExactly(
                        "row " + row7,
                        "fields {\"id\":\"7\",\"name\":\"x\"}",
                        "row-id {\"id\":8}",
                        "row " + row8,
                        "row-id {\"id\":8}",
                        "fields {\"id\":\"8\",\"name\":\"x\"}");
    }

    @Test
    void triggersTakeHostileValuesAndColumnNamesAsData() {
        session.rows("select set_config('jwt.claims.database_id', ?, false)", TENANT.toString());
        session.rows(
                "create table public.things (id int, \"na\"\"me); drop table public.things;--\" text, empty text)");
        session.rows("create trigger c after insert on public.things for each row execute function"
                + " app_jobs.trigger_job_with_fields('fields', 'na\"me); drop table public.things;--', 'empty')");
        String hostile = "x'); drop table app_jobs.jobs; -- \" \\ \n %s {0} $1";
        session.rows("insert into public.things values (1, ?, null)", hostile);

        assertThat(database.value("select payload->>'na\"me); drop table public.things;--' from app_jobs.jobs"))
                .isEqualTo(hostile);
        assertThat(database.value("select payload->'empty' from app_jobs.jobs")).hasToString("null");
        assertThat(database.number("select count(*) from public.things")).isOne();
    }

    @Test
    void aTriggerWithoutATenantFailsTheStatementWithAReason() {
        session.rows("create table public.things (id int)");
        session.rows("create trigger a after insert on public.things for each row"
                + " execute function app_jobs.tg_add_job_with_row('row')");
        assertThatThrownBy(() -> session.rows("insert into public.things values (1)"))
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining("select set_config('jwt.claims.database_id', <database id>, true)");
        assertThat(database.number("select count(*) from public.things")).isZero();
    }

    @Test
    void jsonBuildObjectApplyPairsNamesAndValues() {
        assertThat(database.value(
                        "select app_jobs.json_build_object_apply(array['a', 'it''s', 'b', null])::jsonb::text"))
                .isEqualTo("{\"a\": \"it's\", \"b\": null}");
        assertThat(database.value("select app_jobs.json_build_object_apply('{}')::text"))
                .isEqualTo("{}");
    }

    @Test
    void timestampsOfOtherTablesAreKeptAsIn0Point15() {
        session.rows("create table public.things (id int, created_at timestamptz, updated_at timestamptz)");
        session.rows("create trigger t before insert or update on public.things for each row"
                + " execute function app_jobs.tg_update_timestamps()");
        session.rows("insert into public.things values (1)");
        session.rows("update public.things set created_at = null");
        assertThat(database.value("select created_at < updated_at from public.things"))
                .isEqualTo(true);
    }

    // --- errors ------------------------------------------------------------------------------------------------------

    @Test
    void errorsHaveStableNamesAndStates() {
        assertFails("PJ002", "INVALID_WORKER_ID", "select app_jobs.get_job(null)");
        assertFails("PJ002", "INVALID_WORKER_ID", "select app_jobs.get_scheduled_job(null)");
        assertFails("PJ002", "INVALID_WORKER_ID", "select app_jobs.claim_jobs('abc', null, 1, '30 s')");
        assertFails("PJ002", "INVALID_WORKER_ID", "select app_jobs.claim_jobs(null, null, 1, '30 s')");
        assertFails("PJ003", "INVALID_ARGUMENT", "select app_jobs.add_job(null, 'ping')");
        assertFails("PJ003", "INVALID_ARGUMENT", "select app_jobs.add_job(gen_random_uuid(), '')");
        assertFails("PJ003", "INVALID_ARGUMENT", "select app_jobs.add_scheduled_job(null, 'ping')");
        assertFails("PJ003", "INVALID_ARGUMENT", "select app_jobs.add_scheduled_job(gen_random_uuid(), null)");
        assertFails(
                "PJ003", "max_attempts is 0", "select app_jobs.add_job(gen_random_uuid(), 'ping', max_attempts => 0)");
        assertFails(
                "PJ003",
                "max_attempts is -1",
                "select app_jobs.add_scheduled_job(gen_random_uuid(), 'ping', max_attempts => -1)");
    }

    private void assertFails(String state, String name, String sql) {
        assertThatThrownBy(() -> database.execute(sql))
                .as(sql)
                .isInstanceOfSatisfying(JobDatabase.SqlFailure.class, e -> {
                    assertThat(e.state()).isEqualTo(state);
                    assertThat(e).hasMessageContaining(name);
                });
    }

    // --- notifications -----------------------------------------------------------------------------------------------

    @Test
    void oneStatementIsOneNotificationAndFarFutureJobsAreNone() throws SQLException {
        String insert =
                "insert into app_jobs.jobs (database_id, task_identifier, run_at) select gen_random_uuid(), 'ping',"
                        + " now() + ?::interval from generate_series(1, 50)";
        assertThat(heardWhile(() -> database.execute(insert, "0 s"))).containsExactly("jobs:insert");
        assertThat(heardWhile(() -> database.execute(insert, "30 s"))).containsExactly("jobs:insert");
        assertThat(heardWhile(() -> database.execute(insert, "1 hour"))).isEmpty();
        assertThat(heardWhile(() -> database.execute(
                        "select app_jobs.add_job(?, 'ping', run_at => now() + interval '1 day')", TENANT)))
                .isEmpty();
        assertThat(heardWhile(() -> database.execute("select app_jobs.add_job(?, 'ping', job_key => 'k')", TENANT)))
                .containsExactly("jobs:insert");
        assertThat(heardWhile(() -> database.execute("select app_jobs.add_job(?, 'ping', job_key => 'k')", TENANT)))
                .as("a replaced job")
                .containsExactly("jobs:insert");
    }

    @Test
    void aFreedQueueIsHeardOfHoweverItsJobEnded() throws SQLException {
        for (String end : List.of(
                "complete_job('old-worker', id)",
                "fail_job('old-worker', id, 'x')",
                "release_jobs('old-worker')",
                "cancel_job(id)",
                "cancel_jobs(array[id])",
                "finish_jobs(array[id], array[attempts], array[lease_token], '{dead}', '{400}', '{x}', '{0}', '{null}',"
                        + " '{null}')",
                "finish_jobs(array[id], array[attempts], array[lease_token], '{snooze}', '{400}', '{x}', '{9000}',"
                        + " '{null}', '{null}')",
                "finish_jobs(array[id], array[attempts], array[lease_token], '{complete}', '{200}', '{x}', '{0}',"
                        + " '{null}', '{null}')")) {
            database.execute("truncate app_jobs.jobs");
            database.execute(
                    "select app_jobs.add_job(?, 'ping', queue_name => 'q', run_at => now() + n * interval '1 ms'"
                            + " - interval '1 s') from generate_series(1, 2) n",
                    TENANT);
            database.execute("select app_jobs.get_job('old-worker')");
            assertThat(heardWhile(() -> database.execute(
                            "select app_jobs." + end + " from app_jobs.jobs where locked_at is not null")))
                    .as(end)
                    .containsExactly("jobs:insert");
            assertThat(database.number("select count(*) from app_jobs.claim_jobs('worker-1', null, 5, '1 min')"))
                    .as(end)
                    .isOne();
        }
    }

    @Test
    void schedulesAndOtherTablesNotifyTheChannelTheyName() throws SQLException {
        assertThat(heardWhile(() -> schedule("tick", null))).containsExactly("scheduled_jobs:insert");
        session.rows("create table public.things (id int)");
        session.rows("create trigger n after insert on public.things for each row"
                + " execute function app_jobs.do_notify('things:insert')");
        assertThat(heardWhile(() -> database.execute("insert into public.things values (1), (2)")))
                .containsExactly("things:insert");
    }

    // What a listener hears until a notification that is sent last arrives.
    private List<String> heardWhile(Runnable statements) throws SQLException {
        try (Connection listener = database.connect()) {
            for (String channel : List.of("jobs:insert", "scheduled_jobs:insert", "things:insert", "end")) {
                JobDatabase.rows(listener, "listen \"" + channel + "\"");
            }
            statements.run();
            database.execute("select pg_notify('end', '')");
            List<String> heard = new ArrayList<>();
            while (true) {
                PGNotification @Nullable [] arrived =
                        listener.unwrap(PGConnection.class).getNotifications(30_000);
                if (arrived == null || arrived.length == 0) {
                    throw new AssertionError("the last notification did not come");
                }
                for (PGNotification one : arrived) {
                    if (one.getName().equals("end")) {
                        return heard;
                    }
                    assertThat(one.getParameter()).isEmpty();
                    heard.add(one.getName());
                }
            }
        }
    }

    private long add(String task) {
        return database.addJob(task, "{}");
    }

    private long schedule(String task, @Nullable String key) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, ?, '{}', '{\"rule\": \"* * * * *\"}', ?)",
                TENANT,
                task,
                key);
    }

    private void assertNoJob(String call) {
        assertThat(database.rows("select id from app_jobs." + call))
                .as(call)
                .singleElement()
                .satisfies(row -> assertThat(row).containsEntry("id", null));
    }
}
