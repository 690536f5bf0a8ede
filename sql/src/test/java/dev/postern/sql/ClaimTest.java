package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a claim takes, in which order, and what it costs. */
class ClaimTest {

    private static final String FINISH =
            "select app_jobs.finish_jobs(array[j.id], array[j.attempts]," + " array[j.lease_token], array[";
    private static final String OF_RUNNING = "], array[429], array['no'], array[0.0], array[null], array[null])"
            + " from app_jobs.jobs j where j.locked_at is not null";

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private static final UUID OTHER_TENANT = UUID.fromString("00000000-0000-0000-0000-000000000002");

    @Test
    void takesTheMostUrgentFirstThenTheLongestDueThenTheOldest() {
        add("third", "priority => 0, run_at => now() - interval '1 min'");
        add("fourth", "priority => 0");
        add("fifth", "priority => 5, run_at => now() - interval '1 hour'");
        add("second", "priority => 0, run_at => now() - interval '2 min'");
        add("first", "priority => -1");
        database.execute("update app_jobs.jobs set run_at = now() where task_identifier in ('fourth', 'first')");

        assertThat(claim(2)).containsExactly("first", "second");
        assertThat(claim(10)).containsExactly("third", "fourth", "fifth");
    }

    @Test
    void takesNoMoreThanAskedForAndTheRestNextTime() {
        database.execute("select app_jobs.add_job(?, 'ping') from generate_series(1, 7)", JobDatabase.TENANT);
        assertThat(claim(0)).isEmpty();
        assertThat(claim(3)).hasSize(3);
        assertThat(claim(10)).hasSize(4);
        assertThat(claim(10)).isEmpty();
    }

    @Test
    void takesOnlyTheTasksThatAreNamed() {
        add("ping", "priority => -5");
        add("pong", "priority => 1");
        add("pang", "priority => 2");
        assertThat(tasks("select * from app_jobs.claim_jobs('worker-1', '{pang,pong}', 10, '30 s')"))
                .containsExactly("pong", "pang");
        assertThat(tasks("select * from app_jobs.claim_jobs('worker-1', '{}', 10, '30 s')"))
                .isEmpty();
        assertThat(claim(10)).containsExactly("ping");
    }

    @Test
    void takesOfAHeldTaskNoMoreThanItsAllowanceWhoeverStandsInFront() {
        database.execute("select app_jobs.add_job(?, 'held') from generate_series(1, 20)", JobDatabase.TENANT);
        database.execute("select app_jobs.add_job(?, 'slow') from generate_series(1, 20)", JobDatabase.TENANT);
        add("fine", "priority => 7");
        String claim = "select * from app_jobs.claim_jobs('worker-1', null, 5, '30 s', '{held,slow}', '{0,2}')";
        assertThat(tasks(claim)).containsExactly("slow", "slow", "fine");
        assertThat(database.number(
                        "select count(*) from app_jobs.jobs where task_identifier = 'held' and attempts = 0"))
                .isEqualTo(20);
    }

    @Test
    void leavesFutureLeasedAndDeadJobs() {
        add("future", "run_at => now() + interval '1 hour'");
        add("dead", "max_attempts => 3");
        database.execute("update app_jobs.jobs set attempts = 3 where task_identifier = 'dead'");
        add("leased", "");
        assertThat(claim(10)).containsExactly("leased");
        assertThat(claim(10)).isEmpty();
    }

    @Test
    void handsOverWhatTheJobCarriesAndLeasesIt() {
        database.execute(
                "select app_jobs.add_job(?, 't', '{ \"a\" : 1}', 'k', 'q', now(), 4, 2, ?, ?, 'r', 'tp')",
                JobDatabase.TENANT,
                OTHER_TENANT,
                JobDatabase.TENANT);
        assertThat(
                        database.rows(
                                "select database_id, queue_name, task_identifier, payload, attempt, max_attempts,"
                                        + " actor_id, entity_id, request_id, traceparent from app_jobs.claim_jobs('worker-1', null, 1, '7 s')"))
                .containsExactly(Map.of(
                        "database_id",
                        JobDatabase.TENANT,
                        "queue_name",
                        "q",
                        "task_identifier",
                        "t",
                        "payload",
                        "{ \"a\" : 1}",
                        "attempt",
                        1,
                        "max_attempts",
                        4,
                        "actor_id",
                        OTHER_TENANT,
                        "entity_id",
                        JobDatabase.TENANT,
                        "request_id",
                        "r",
                        "traceparent",
                        "tp"));
        assertThat(database.value("select locked_by = 'worker-1' and lease_token is not null and lease_expires_at"
                        + " - locked_at between '7 s' and '8 s' from app_jobs.jobs"))
                .isEqualTo(true);
    }

    @Test
    void aKeyIsOnePlaceATenantAndAddingItAgainReplacesTheJob() {
        long first = add("one", "job_key => 'k', max_attempts => 3");
        long other = database.number("select id from app_jobs.add_job(?, 'other', job_key => 'k')", OTHER_TENANT);
        assertThat(other).isNotEqualTo(first);
        database.execute("update app_jobs.jobs set attempts = 3, last_error = 'x', errors = '[1]', infra_failures = 2");

        assertThat(add("two", "job_key => 'k', payload => '[2]'")).isEqualTo(first);

        assertThat(database.rows(
                        "select task_identifier, payload::text as payload, attempts, max_attempts,"
                                + " errors::text as errors, infra_failures, last_error is null as clean from app_jobs.jobs"
                                + " where id = ?",
                        first))
                .containsExactly(Map.of(
                        "task_identifier",
                        "two",
                        "payload",
                        "[2]",
                        "attempts",
                        0,
                        "max_attempts",
                        25,
                        "errors",
                        "[]",
                        "infra_failures",
                        0,
                        "clean",
                        true));
        assertThat(database.value("select task_identifier from app_jobs.jobs where id = ?", other))
                .isEqualTo("other");
    }

    @Test
    void aKeyAddedWhileItsJobRunsMakesAJobBesideIt() {
        long running = add("one", "job_key => 'k'");
        database.execute("select app_jobs.add_job(?, 'other', job_key => 'k')", OTHER_TENANT);
        assertThat(claim(10)).hasSize(2);

        long added = add("two", "job_key => 'k'");

        assertThat(added).isNotEqualTo(running);
        assertThat(database.rows(
                        "select key, attempts, max_attempts, locked_by from app_jobs.jobs where id = ?", running))
                .singleElement()
                .satisfies(row -> assertThat(row)
                        .containsEntry("key", null)
                        .containsEntry("attempts", 1)
                        .containsEntry("max_attempts", 25)
                        .containsEntry("locked_by", "worker-1"));
        assertThat(database.value("select key from app_jobs.jobs where database_id = ?", OTHER_TENANT))
                .isEqualTo("k");
        assertThat(add("three", "job_key => 'k'")).as("the new one is replaced").isEqualTo(added);
        assertThat(claim(10)).containsExactly("three");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                FINISH + "'retry'" + OF_RUNNING,
                FINISH + "'missing'" + OF_RUNNING,
                FINISH + "'infrastructure'" + OF_RUNNING,
                FINISH + "'backpressure'" + OF_RUNNING,
                FINISH + "'snooze'" + OF_RUNNING,
                "select app_jobs.fail_job('worker-1', j.id, 'no') from app_jobs.jobs j where j.locked_at is not null",
                "select app_jobs.release_leases(array[j.id], array[j.attempts], array[j.lease_token])"
                        + " from app_jobs.jobs j where j.locked_at is not null",
                "select app_jobs.release_jobs('worker-1')",
                "update app_jobs.jobs set lease_expires_at = now() where locked_at is not null;"
                        + " select app_jobs.reap_leases()"
            })
    void aJobWhoseKeyWasTakenOverIsNotTriedAgainHoweverItsAttemptEnds(String end) {
        long running = add("one", "job_key => 'k'");
        assertThat(claim(10)).containsExactly("one");
        add("two", "job_key => 'k', run_at => now() + interval '1 day'");

        database.execute(end);

        assertThat(database.value("select app_jobs.job_state(j) from app_jobs.jobs j where j.id = ?", running))
                .isEqualTo("dead");
        database.execute("update app_jobs.jobs set run_at = now()");
        assertThat(claim(10)).containsExactly("two");
    }

    @Test
    void twoThatAddAKeyAtOnceMakeOneJob() {
        String sql = "select id from app_jobs.add_job(?, 'ping', job_key => 'k')";
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            var first = a.rows(sql, JobDatabase.TENANT);
            var sent = b.send(sql, JobDatabase.TENANT);
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThat(Session.answer(sent)).isEqualTo(first);
        }
    }

    @Test
    void aQueueRunsOneAtATimeForEachTenant() {
        add("a1", "queue_name => 'q'");
        add("a2", "queue_name => 'q'");
        add("a0", "queue_name => 'q', priority => -1");
        database.execute("select app_jobs.add_job(?, 'b1', queue_name => 'q')", OTHER_TENANT);

        assertThat(claim(10)).containsExactlyInAnyOrder("a0", "b1");
        assertThat(claim(10)).isEmpty();
        database.execute(
                "select app_jobs.complete_job('worker-1', id) from app_jobs.jobs where task_identifier = 'a0'");
        assertThat(claim(10)).containsExactly("a1");
        database.execute(
                "select app_jobs.fail_job('worker-1', id, 'x') from app_jobs.jobs where task_identifier = 'a1'");
        assertThat(claim(10)).as("the next while the failed one waits").containsExactly("a2");
    }

    @Test
    void jobsBehindTheHeadOfAQueueTakeNoPlaceInAClaim() {
        for (int i = 0; i < 20; i++) {
            add("queued", "queue_name => 'q', priority => -1");
        }
        for (int i = 0; i < 20; i++) {
            add("free", "");
        }
        assertThat(claim(10))
                .hasSize(10)
                .startsWith("queued")
                .filteredOn("queued"::equals)
                .hasSize(1);
        assertThat(claim(20)).hasSize(11).containsOnly("free");
    }

    @Test
    void saysWhenTheNextJobIsDue() {
        assertThat(database.value("select app_jobs.next_due()")).isNull();
        add("ping", "run_at => now() + interval '100 s', priority => -1");
        assertThat(database.value("select app_jobs.next_due() between 51 and 100"))
                .isEqualTo(true);
        add("pong", "run_at => now() + interval '50 s', priority => 3");
        add("due", "");
        assertThat(database.value("select app_jobs.next_due() between 20 and 50"))
                .isEqualTo(true);
    }

    @Test
    void costsNoMoreForFutureDeadAndLeasedJobs() {
        insert(200, "now() - interval '1 min'", "0", "null");
        long alone = buffersOfAClaim();
        // Of a thousand tenants, tasks and priorities.
        database.execute("insert into app_jobs.jobs (database_id, task_identifier, priority, run_at)"
                + " select md5((n % 1000)::text)::uuid, 'task-' || n % 1000, n % 1000, now() + n * interval '1 s'"
                + " from generate_series(1000, 1001000) as n");
        insert(100_000, "now() - interval '1 day'", "25", "null");
        insert(10_000, "now() - interval '1 day'", "1", "now()");
        database.execute("analyze app_jobs.jobs");

        long among = buffersOfAClaim();

        // The deeper indexes of a large table cost a page more for each look-up and entry; any scan costs thousands.
        assertThat(among).isLessThan(2 * alone).isLessThan(500);
        assertThat(among).isPositive();
        assertThat(planOfAClaim()).contains("jobs_ready_idx").doesNotContain("Seq Scan", "Bitmap");
    }

    @Test
    void aTurnCostsNoMoreWhenItWasPlannedWhileTheTableWasEmpty() {
        String turn = "select * from (select array_agg(id) as ids, array_agg(attempt) as attempts,"
                + " array_agg(lease_token) as leases, array_agg('complete'::text) as outcomes,"
                + " array_agg(null::int) as numbers, array_agg(null::text) as texts, array_agg(null::float8) as delays"
                + " from app_jobs.claim_jobs('worker-1', null, 10, '30 s')) as claimed"
                + " cross join lateral app_jobs.finish_jobs(ids, attempts, leases, outcomes, numbers, texts, delays, texts, texts)";
        try (Session session = Session.autoCommit(database)) {
            // Pages without rows: the planner expects none from now on.
            insert(1000, "now()", "0", "null");
            database.execute("delete from app_jobs.jobs");
            database.execute("vacuum (analyze, truncate false) app_jobs.jobs");
            insert(10, "now() - interval '1 min'", "0", "null");
            long alone = buffers(session, turn);
            // A burst that nobody has told the planner of.
            database.execute("alter table app_jobs.jobs set (autovacuum_enabled = off)");
            insert(100_000, "now() - interval '1 min'", "0", "null");

            assertThat(buffers(session, turn)).isLessThan(2 * alone + 500);
        } finally {
            database.execute("alter table app_jobs.jobs reset (autovacuum_enabled)");
        }
    }

    @Test
    void costsNoMoreForJobsThatMayNotStart() {
        insert(200, "now() - interval '1 min'", "0", "null");
        long alone = buffersOfAClaim();
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, queue_name, priority)"
                        + " select ?, 'ping', 'behind one another', -1 from generate_series(1, 20000)",
                JobDatabase.TENANT);
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, priority)"
                        + " select ?, case n % 3 when 0 then 'paused' when 1 then 'capped' else 'held back' end, -1"
                        + " from generate_series(1, 20000) as n",
                JobDatabase.TENANT);
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, priority)"
                        + " select ?, 'ping', -1 from generate_series(1, 20000)",
                OTHER_TENANT);
        database.execute("select app_jobs.pause_jobs('anna', task => 'paused')");
        database.execute("select app_jobs.pause_jobs('anna', db_id => ?)", OTHER_TENANT);
        database.execute("insert into app_jobs.task_settings (task_identifier, max_running) values ('capped', 1)");
        database.execute("analyze app_jobs.jobs");
        assertThat(tasks("select * from app_jobs.claim_jobs('worker-1', null, 2, '30 s', '{held back}', '{0}')"))
                .contains("ping", "capped");

        // More statements look at more things, but none at what may not start.
        assertThat(buffersOfAClaim(", '{held back}', '{0}'")).isLessThan(alone + 400);
    }

    @Test
    void aJobIsClaimableWhenItsTimeHasComeWhoeverSetTheTime() {
        add("later", "run_at => now() + interval '1 hour'");
        assertThat(claim(10)).isEmpty();
        database.execute("update app_jobs.jobs set run_at = now() - interval '1 s'");
        assertThat(claim(10)).containsExactly("later");

        database.execute("delete from app_jobs.jobs");
        add("sooner", "");
        database.execute("update app_jobs.jobs set run_at = now() + interval '1 hour'");
        assertThat(claim(10)).isEmpty();

        // As time makes it: run_at passes, and nobody writes the row.
        database.execute("alter table app_jobs.jobs disable trigger user");
        database.execute("update app_jobs.jobs set run_at = now() - interval '1 s'");
        database.execute("alter table app_jobs.jobs enable trigger user");
        assertThat((Double) database.value("select app_jobs.next_due()")).isNegative();
        assertThat(claim(10)).containsExactly("sooner");
    }

    @Test
    void aQueueKeepsItsOrderWhileAnEarlierJobIsBeingPromoted() {
        add("first", "queue_name => 'q', run_at => now() + interval '1 hour'");
        add("second", "queue_name => 'q'");
        database.execute("alter table app_jobs.jobs disable trigger user");
        database.execute("update app_jobs.jobs set run_at = now() - interval '1 s' where task_identifier = 'first'");
        database.execute("alter table app_jobs.jobs enable trigger user");
        try (Session promoting = Session.transaction(database)) {
            promoting.rows("select app_jobs.promote_due_jobs(10)");
            assertThat(claim(10)).isEmpty();
            promoting.commit();
        }
        assertThat(claim(10)).containsExactly("first");
    }

    @Test
    void keepsOffSequentialScansWhenItsPlansWereMadeOnAnEmptyTable() {
        database.execute("alter table app_jobs.jobs set (autovacuum_enabled = false)");
        // An emptied and vacuumed table has no page, and a scan of it looks free.
        database.execute("vacuum analyze app_jobs.jobs");
        try (Session idle = Session.autoCommit(database)) {
            List<String> statements = List.of(
                    "select * from app_jobs.claim_jobs('worker-1', null, 10, '30 s')",
                    "select app_jobs.next_due()",
                    "select * from app_jobs.get_job('worker-1')",
                    "select * from app_jobs.fail_job('worker-1', 5, 'x')",
                    "select * from app_jobs.complete_job('worker-1', 6)",
                    "select * from app_jobs.cancel_job(7)",
                    "select * from app_jobs.cancel_jobs('{7}')",
                    "select * from app_jobs.lost_leases('{9}', '{1}', array[gen_random_uuid()])",
                    "select app_jobs.release_jobs('worker-2')",
                    "select * from app_jobs.report_progress(8, 1, gen_random_uuid(), '30 s')",
                    "select * from app_jobs.renew_leases('{9}', '{1}', array[gen_random_uuid()], '30 s')",
                    "select * from app_jobs.release_leases('{9}', '{1}', array[gen_random_uuid()])",
                    "select * from app_jobs.finish_jobs('{9}', '{1}', array[gen_random_uuid()], '{complete}', '{200}',"
                            + " '{null}', '{null}', '{null}', '{null}')",
                    "select * from app_jobs.reap_leases()",
                    "select * from app_jobs.complete_jobs('{10}')",
                    "select * from app_jobs.permanently_fail_jobs('{11}')",
                    "select * from app_jobs.reschedule_jobs('{12}')");
            // Six times: from then on a generic plan may be kept.
            for (int i = 0; i < 6; i++) {
                statements.forEach(idle::rows);
            }
            insert(20_000, "now() - interval '1 min'", "0", "null");

            for (String statement : statements) {
                long before = sequentialScans(idle);
                idle.rows(statement);
                assertThat(sequentialScans(idle) - before).as(statement).isZero();
            }
        }
    }

    private static long sequentialScans(Session session) {
        session.rows("select pg_stat_force_next_flush()");
        session.rows("select pg_stat_clear_snapshot()");
        String sql = "select coalesce(sum(seq_scan), 0)::bigint as n from pg_stat_user_tables where relname = 'jobs'";
        return JobDatabase.number(session.rows(sql), sql);
    }

    private void insert(int rows, String runAt, String attempts, String lockedAt) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, run_at, attempts, locked_at, locked_by,"
                        + " lease_token, lease_expires_at) select ?, 'ping', " + runAt + ", " + attempts + ", "
                        + lockedAt
                        + ", case when " + lockedAt
                        + " is not null then 'worker-9' end, gen_random_uuid(), now() + interval '1 h'"
                        + " from generate_series(1, ?)",
                JobDatabase.TENANT,
                rows);
    }

    /** Pages that a claim of ten touches, those of its inner statements included. */
    private long buffersOfAClaim() {
        return buffersOfAClaim("");
    }

    private long buffersOfAClaim(String more) {
        try (Session session = Session.autoCommit(database)) {
            // The first claim of a session also reads the catalogue.
            String claim = "select id from app_jobs.claim_jobs('worker-1', null, 10, '30 s'" + more + ")";
            session.rows(claim);
            return buffers(session, claim);
        }
    }

    /** Pages that a statement touches, with those of ten rows as its answer. */
    private static long buffers(Session session, String statement) {
        var plan = session.rows("explain (analyze, buffers, format json) " + statement);
        var top = new JsonArray(String.valueOf(plan.getFirst().get("QUERY PLAN")))
                .getJsonObject(0)
                .getJsonObject("Plan");
        assertThat(top.getNumber("Actual Rows").intValue()).isEqualTo(10);
        return top.getLong("Shared Hit Blocks") + top.getLong("Shared Read Blocks");
    }

    /** What the statement that a claim spends its time on does, as its function's settings make it. */
    private String planOfAClaim() {
        try (Session session = Session.transaction(database)) {
            for (String setting : List.of("seqscan", "bitmapscan", "sort")) {
                session.rows("set local enable_" + setting + " = off");
            }
            session.rows("prepare take as select j.id from app_jobs.jobs j where j.database_id = $1"
                    + " and j.task_identifier = $2 and j.due and j.queue_name is null and j.locked_at is null"
                    + " and j.attempts < j.max_attempts order by j.priority, j.run_at, j.id limit 10"
                    + " for update skip locked");
            session.rows("set local plan_cache_mode = force_generic_plan");
            return String.valueOf(session.rows("explain execute take('" + JobDatabase.TENANT + "', 'ping')"));
        }
    }

    private long add(String task, String options) {
        return database.number(
                "select id from app_jobs.add_job(db_id => ?, identifier => ?"
                        + (options.isEmpty() ? "" : ", " + options) + ")",
                JobDatabase.TENANT,
                task);
    }

    private List<@Nullable Object> claim(int most) {
        return tasks("select * from app_jobs.claim_jobs('worker-1', null, " + most + ", '30 s')");
    }

    private List<@Nullable Object> tasks(String claim) {
        var rows = database.rows(claim);
        assertThat(rows.stream().map(row -> row.get("lease_token")).collect(java.util.stream.Collectors.toSet()))
                .hasSize(rows.size());
        return rows.stream()
                .<@Nullable Object>map(row -> row.get("task_identifier"))
                .toList();
    }
}
