package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Owner, worker, tenant: one tenant can neither see, overwrite, cancel nor starve another's jobs. */
class TenantSecurityTest {

    private static final UUID OWN = UUID.fromString("0000000a-0000-4000-8000-000000000000");
    private static final UUID OTHER = UUID.fromString("0000000b-0000-4000-8000-000000000000");

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private long own;
    private long other;

    @BeforeEach
    void eachTenantHasAJob() {
        // Roles belong to the whole server, and other tests may make them at the same time.
        for (String role : List.of(
                "postern_test_user in role postern_tenant",
                "postern_test_worker in role postern_worker",
                "postern_test_guest")) {
            database.execute("do $$ begin create role " + role
                    + "; exception when duplicate_object or unique_violation then null; end $$");
        }
        own = add(OWN, "own");
        other = add(OTHER, "other");
    }

    @Test
    void aTenantSeesItsOwnRowsOnly() {
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint, ?])", own, other);
        long ownEnded = add(OWN, "own-ended");
        long otherEnded = add(OTHER, "other-ended");
        database.execute("select app_jobs.complete_jobs(array[?::bigint, ?])", ownEnded, otherEnded);
        database.execute("select app_jobs.add_scheduled_job(?, 't', schedule_info => '{\"rule\":\"0 0 * * *\"}')", OWN);
        database.execute(
                "select app_jobs.add_scheduled_job(?, 't', schedule_info => '{\"rule\":\"0 0 * * *\"}')", OTHER);
        try (Session tenant = tenant(OWN)) {
            for (String table : List.of("jobs", "job_history", "scheduled_jobs", "dead_letters")) {
                assertThat(tenant.rows("select distinct database_id from app_jobs." + table))
                        .as(table)
                        .containsExactly(Map.of("database_id", OWN));
            }
            assertThat(tenant.rows("select reason from app_jobs.explain_job(?)", other))
                    .isEmpty();
            assertThat(tenant.rows("select reason from app_jobs.explain_job(?)", otherEnded))
                    .isEmpty();
            assertThat(tenant.rows("select reason from app_jobs.explain_job(?)", own))
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select app_jobs.add_job(?, 'x')",
                "select app_jobs.add_job(?, 'x', job_key => 'other')",
                "select app_jobs.add_jobs(?, '[{\"task\": \"x\", \"key\": \"other\"}]')",
                "select app_jobs.add_scheduled_job(?, 'x', schedule_info => '{\"rule\":\"0 0 * * *\"}')",
                "select app_jobs.pause_jobs('me', db_id => ?, queue => 'q')",
                "select app_jobs.resume_jobs(db_id => ?, queue => 'q')",
                "select app_jobs.set_task_schema(?, 'x', 'true', 'me')",
                "select app_jobs.delete_task_schema(?, 'x')",
                "select app_jobs.summarize_jobs(?, true)"
            })
    void aTenantAddsOrReplacesNothingForAnotherOne(String add) {
        try (Session tenant = tenant(OWN)) {
            assertThatThrownBy(() -> tenant.rows(add, OTHER)).hasMessageContaining("TENANT_FORBIDDEN");
            tenant.rows(add, OWN);
        }
        assertThat(database.value("select task_identifier from app_jobs.jobs where id = ?", other))
                .isEqualTo("other");
        assertThat(database.number("select count(*) from app_jobs.jobs where database_id = ?", OTHER))
                .isEqualTo(1);
    }

    @Test
    void aTenantCancelsItsOwnJobsOnly() {
        try (Session tenant = tenant(OWN)) {
            tenant.rows("select app_jobs.cancel_job(?)", other);
            tenant.rows("select * from app_jobs.cancel_jobs(array[?::bigint, ?])", other, own);
        }
        assertThat(database.rows("select id from app_jobs.jobs")).containsExactly(Map.of("id", other));
        assertThat(database.rows("select id, state from app_jobs.job_history"))
                .containsExactly(Map.of("id", own, "state", "cancelled"));
    }

    @Test
    void aTenantReplaysItsOwnDeadLettersOnly() {
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint, ?])", own, other);
        try (Session tenant = tenant(OWN)) {
            tenant.rows("select * from app_jobs.replay_jobs(array[?::bigint, ?], 'me')", other, own);
            tenant.rows("select * from app_jobs.replay_dead_letters(replayed_by => 'me')");
        }
        assertThat(state(own)).isEqualTo("ready");
        assertThat(state(other)).isEqualTo("dead");
    }

    @Test
    void aTenantPurgesItsOwnDeadLettersAndEndedJobsOnly() {
        long ownEnded = add(OWN, "own-ended");
        long otherEnded = add(OTHER, "other-ended");
        long ownAlive = add(OWN, "own-alive");
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint, ?])", own, other);
        database.execute("select app_jobs.complete_jobs(array[?::bigint, ?])", ownEnded, otherEnded);
        try (Session tenant = tenant(OWN)) {
            assertThat(tenant.rows(
                            "select job_id from app_jobs.purge_jobs(array[?::bigint, ?, ?, ?, ?]) job_id order by 1",
                            own,
                            other,
                            ownEnded,
                            otherEnded,
                            ownAlive))
                    .extracting(row -> row.get("job_id"))
                    .containsExactly(own, ownEnded);
        }
        assertThat(state(other)).isEqualTo("dead");
        assertThat(state(ownAlive)).isEqualTo("ready");
        assertThat(database.number("select count(*) from app_jobs.job_history where id = ?", otherEnded))
                .isOne();
    }

    /** Its own, those for every tenant, and nobody else's. */
    @Test
    void aTenantSeesTheSchemasThatHoldForIt() {
        UUID every = JobLimits.EVERY_TENANT;
        for (UUID tenant : List.of(OWN, OTHER, every)) {
            database.execute("select app_jobs.set_task_schema(?, 'x', 'true', 'me')", tenant);
        }
        try (Session tenant = tenant(OWN)) {
            assertThat(tenant.rows("select database_id from app_jobs.task_schemas order by 1"))
                    .extracting(row -> row.get("database_id"))
                    .containsExactly(every, OWN);
            assertThatThrownBy(() -> tenant.rows("select app_jobs.set_task_schema(?, 'x', 'true', 'me')", every))
                    .hasMessageContaining("TENANT_FORBIDDEN");
        }
        assertThat(database.number("select count(*) from app_jobs.task_schemas"))
                .isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "update app_jobs.jobs set priority = -1",
                "delete from app_jobs.jobs",
                "insert into app_jobs.jobs (database_id, task_identifier) values (gen_random_uuid(), 'x')",
                "select * from app_jobs.claim_jobs('evil-worker', null, 10, '1 h')",
                "select * from app_jobs.get_job('evil-worker')",
                "select app_jobs.complete_jobs(array[1, 2])",
                "select app_jobs.reap_leases()",
                "select app_jobs.pause_jobs('me', task => 'other')",
                "select * from app_jobs.purge_dead_letters()",
                "select app_jobs.resume_jobs(task => 'other')",
                "insert into app_jobs.task_schemas (database_id, task_identifier, schema, updated_by)"
                        + " values (gen_random_uuid(), 'x', 'true', 'me')",
                "select * from app_jobs.workers",
                "update app_jobs.tenant_settings set weight = 1000",
                "select * from app_jobs.tenant_settings",
                "select * from app_jobs.job_history_succeeded",
                "drop table app_jobs.jobs",
                "create table app_jobs.mine ()"
            })
    void aTenantDoesNothingElse(String statement) {
        try (Session tenant = tenant(OWN)) {
            assertThatThrownBy(() -> tenant.rows(statement))
                    .hasMessageMatching("(?s).*(permission denied|must be owner|TENANT_FORBIDDEN).*");
        }
    }

    @Test
    void aTenantRoleWithoutATenantIsRefused() {
        try (Session nobody = as("postern_test_user")) {
            assertThatThrownBy(() -> nobody.rows("select id from app_jobs.jobs"))
                    .hasMessageContaining("TENANT_UNKNOWN");
            assertThatThrownBy(() -> nobody.rows("select app_jobs.add_job(?, 'x')", OWN))
                    .hasMessageContaining("TENANT_UNKNOWN");
        }
    }

    @Test
    void aWorkerDoesItsWorkWithoutOwningAnything() {
        try (Session worker = as("postern_test_worker")) {
            assertThat(worker.rows("select id from app_jobs.claim_jobs('worker-1', null, 10, '30 s')"))
                    .hasSize(2);
            worker.rows(
                    "select app_jobs.finish_jobs(array[id], array[attempts], array[lease_token], '{complete}',"
                            + " '{200}', '{null}', '{null}', '{null}', array['[{\"task\":\"next\"}]']) from app_jobs.jobs where id = ?",
                    own);
            worker.rows("select app_jobs.fail_job('worker-1', ?, 'x')", other);
            worker.rows("select app_jobs.reap_leases()");
            worker.rows("select app_jobs.next_due()");
            assertThat(worker.rows("select task_identifier from app_jobs.jobs where locked_at is null"))
                    .hasSize(2);
            assertThatThrownBy(() -> worker.rows("drop table app_jobs.jobs")).hasMessageContaining("must be owner");
        }
    }

    @Test
    void aWorkersClaimReadsTheSameIndexesAsItsOwners() {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) select ?, 't' from generate_series(1, 20000)",
                OWN);
        database.execute("analyze app_jobs.jobs");
        try (Session worker = as("postern_test_worker")) {
            worker.rows("set enable_seqscan = off");
            assertThat(
                            String.valueOf(
                                    worker.rows(
                                            "explain select j.id from app_jobs.jobs j where j.database_id = '" + OWN
                                                    + "' and hashtextextended(j.queue_name, 0) = 5 and j.due and j.queue_name is not null"
                                                    + " and j.locked_at is null and j.attempts < j.max_attempts order by j.priority limit 1")))
                    .contains("jobs_queue_ready_idx")
                    .doesNotContain("SubPlan", "InitPlan");
        }
    }

    @Test
    void aRoleThatNobodyLetInReachesNothing() {
        try (Session guest = as("postern_test_guest")) {
            assertThatThrownBy(() -> guest.rows("select app_jobs.add_job(?, 'x')", OWN))
                    .hasMessageContaining("permission denied for schema");
        }
    }

    @Test
    void aRoleThatTheSiteLetInKeepsTheFunctionsOf015AndGetsNoOthers() {
        database.execute("grant usage on schema app_jobs to postern_test_guest");
        database.execute("select app_jobs.grant_roles()");
        try (Session guest = as("postern_test_guest")) {
            guest.rows("select app_jobs.add_job(?, 'x')", OTHER);
            assertThatThrownBy(() -> guest.rows("select app_jobs.pause_jobs('me', task => 'x')"))
                    .hasMessageContaining("permission denied for function");
        }
    }

    @Test
    void everyFunctionThatRunsAsItsOwnerPinsItsSearchPath() {
        assertThat(
                        database.rows(
                                "select p.proname from pg_proc p where p.pronamespace = 'app_jobs'::regnamespace"
                                        + " and p.prosecdef and not coalesce(p.proconfig @> '{\"search_path=pg_catalog, pg_temp\"}', false)"))
                .isEmpty();
        assertThat(database.rows("select p.proname from pg_proc p where p.pronamespace = 'app_jobs'::regnamespace"
                        + " and has_function_privilege('public', p.oid, 'execute')"))
                .extracting(row -> row.get("proname"))
                .containsExactlyInAnyOrder("caller_tenant", "current_database_id", "uuid_of");
    }

    @Test
    void aHostileSearchPathChangesNothing() {
        database.execute("create schema evil");
        database.execute("create function evil.now() returns timestamptz language plpgsql as"
                + " $$ begin raise exception 'hijacked'; end $$");
        database.execute("create function evil.pg_notify(text, text) returns void language plpgsql as"
                + " $$ begin raise exception 'hijacked'; end $$");
        database.execute("grant usage on schema evil to postern_test_user");
        try (Session tenant = tenant(OWN)) {
            tenant.rows("set search_path = evil, pg_catalog");
            tenant.rows("select app_jobs.add_job(?, 'x', job_key => 'k')", OWN);
            tenant.rows("select app_jobs.add_job(?, 'x', job_key => 'k')", OWN);
            tenant.rows("select app_jobs.cancel_job(?)", own);
        }
    }

    private long add(UUID tenant, String task) {
        return database.number("select id from app_jobs.add_job(?, ?, job_key => ?)", tenant, task, task);
    }

    private @Nullable Object state(long job) {
        return database.value("select app_jobs.job_state(j) from app_jobs.jobs j where j.id = ?", job);
    }

    private Session as(String role) {
        Session session = Session.autoCommit(database);
        session.rows("set role " + role);
        return session;
    }

    private Session tenant(UUID id) {
        Session session = as("postern_test_user");
        session.rows("select set_config('jwt.claims.database_id', ?, false)", id.toString());
        return session;
    }
}
