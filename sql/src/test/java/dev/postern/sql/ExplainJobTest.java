package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Why is this job not running? */
class ExplainJobTest {

    private static final UUID TENANT = JobDatabase.TENANT;

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void aWorkerIsThere() {
        report("worker-1", "null", 3, "[]");
    }

    @Test
    void noWorkerTakesItOrAllAreBusy() {
        long job = add("");
        report("worker-1", "null", 64, "[]");
        assertThat(reasons(job)).containsExactly("workers busy");
        report("worker-1", "'{other}'", 3, "[]");
        assertThat(reasons(job)).containsExactly("no worker");
        report("worker-1", "'{ping,other}'", 3, "[]");
        assertThat(reasons(job)).containsExactly("its turn");
        database.execute("update app_jobs.workers set seen_at = now() - interval '1 min'");
        assertThat(reasons(job)).containsExactly("no worker");
    }

    @Test
    void itsTargetIsSpared() {
        long job = add("");
        String target = "[{\"tasks\":[\"pong\",\"ping\"],\"breaker\":\"%s\",\"openMs\":%d,\"pausedMs\":%d,\"limit\":%d,"
                + "\"inFlight\":2,\"calls\":20,\"failures\":18,\"why\":\"connection refused\"}]";
        report("worker-1", "null", 3, target.formatted("open", 9000, 0, 64));
        assertThat(reasons(job)).containsExactly("breaker open");
        assertThat(detail(job)).contains("worker-1").contains("18 of 20 calls failed: connection refused");
        assertThat(database.value("select until > now() + interval '1 s' from app_jobs.explain_job(?)", job))
                .isEqualTo(true);
        report("worker-1", "null", 3, target.formatted("closed", 0, 60000, 64));
        assertThat(reasons(job)).containsExactly("target paused");
        report("worker-1", "null", 3, target.formatted("closed", 0, 0, 2));
        assertThat(reasons(job)).containsExactly("target at its limit");
        report("worker-1", "null", 3, target.formatted("closed", 0, 0, 64));
        assertThat(reasons(job)).containsExactly("its turn");
    }

    private void report(String worker, String tasks, int running, String targets) {
        database.execute(
                "select app_jobs.report_worker('" + worker + "', " + tasks + ", 64, " + running + ", ?::jsonb)",
                targets);
    }

    @Test
    void aReadyJobIsTheNextOneOrHasItsTurn() {
        long first = add("");
        long second = add("");
        assertThat(reasons(first)).containsExactly("its turn");
        assertThat(detail(first)).contains("next claim");
        assertThat(detail(second)).startsWith("1 jobs");
        assertThat(reasons(999)).isEmpty();
    }

    @Test
    void aJobOfTheFutureSaysWhen() {
        long later = add(", run_at => now() + interval '1 hour'");
        assertThat(reasons(later)).containsExactly("scheduled");
        assertThat(database.value(
                        "select until = (select run_at from app_jobs.jobs) from app_jobs.explain_job(?)", later))
                .isEqualTo(true);
    }

    @Test
    void everyOtherStateIsNamed() {
        long job = add("");
        claim();
        assertThat(reasons(job)).containsExactly("running");
        assertThat(detail(job)).contains("worker-1").contains("attempt 1");
        database.execute("update app_jobs.jobs set waiting_since = now()");
        assertThat(reasons(job)).containsExactly("waiting");
        database.execute("select app_jobs.fail_job('worker-1', ?, 'boom')", job);
        assertThat(reasons(job)).containsExactly("retrying");
        assertThat(detail(job)).contains("boom");
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint], 'given up')", job);
        assertThat(reasons(job)).containsExactly("dead");
        assertThat(detail(job)).contains("given up");
        database.execute("select app_jobs.cancel_job(?)", job);
        assertThat(reasons(job)).containsExactly("cancelled");
    }

    @Test
    void aQueueIsBusyOrOthersComeBefore() {
        long first = add(", queue_name => 'q'");
        long second = add(", queue_name => 'q'");
        assertThat(reasons(second)).containsExactly("queue order");
        claim();
        assertThat(reasons(second)).containsExactly("queue busy");
        assertThat(detail(second)).contains("job " + first).contains("worker-1");
    }

    @Test
    void pausesCapsAndRatesAreNamedTogether() {
        long running = add("");
        claim();
        long job = add(", queue_name => 'q'");
        database.execute("insert into app_jobs.task_settings (task_identifier, max_running, rate_per_second, tokens,"
                + " tokens_at) values ('ping', 1, 0.01, 0, now())");
        database.execute(
                "insert into app_jobs.tenant_settings (database_id, max_running, rate_per_second, tokens,"
                        + " tokens_at) values (?, 1, 0.01, 0, now())",
                TENANT);
        database.execute("select app_jobs.pause_jobs('anna', task => 'ping')");
        database.execute("select app_jobs.pause_jobs('anna', db_id => ?)", TENANT);
        database.execute("select app_jobs.pause_jobs('anna', db_id => ?, queue => 'q')", TENANT);

        assertThat(reasons(running)).containsExactly("running");
        assertThat(reasons(job))
                .containsExactly(
                        "task paused",
                        "task at its cap",
                        "task rate limited",
                        "tenant paused",
                        "tenant at its cap",
                        "tenant rate limited",
                        "queue paused");
    }

    private long add(String options) {
        return database.number(
                "select id from app_jobs.add_job(db_id => ?, identifier => 'ping'" + options + ")", TENANT);
    }

    private void claim() {
        database.execute("select * from app_jobs.claim_jobs('worker-1', null, 10, '30 s')");
    }

    private List<String> reasons(long job) {
        return database.rows("select reason from app_jobs.explain_job(?)", job).stream()
                .map(row -> String.valueOf(row.get("reason")))
                .toList();
    }

    private String detail(long job) {
        return String.valueOf(database.value("select detail from app_jobs.explain_job(?)", job));
    }
}
