package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which claims are answered before they are on disk, and what brings them there. */
class AsyncCommitTest {

    private static final String CLAIM = "select id from app_jobs.claim_jobs('worker-1', null, 2, '1 min'";

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private final Vertx vertx = Vertx.vertx();

    @BeforeEach
    void letNothingElseFlush() {
        // The Postgres of the tests waits for no commit.
        database.alter("set synchronous_commit = on");
        database.execute("alter system set wal_writer_delay = '10s'");
        database.execute("select pg_reload_conf()");
    }

    @AfterEach
    void stop() {
        vertx.close().await();
        database.execute("alter system reset wal_writer_delay");
        database.execute("select pg_reload_conf()");
    }

    private JobStore store() {
        return new JobStore(JobStore.pool(vertx, database.config(), "commit test"), "app_jobs");
    }

    private void add(int jobs, String arguments) {
        database.execute(
                "select app_jobs.add_job(?, 'ping', payload => '{}'" + arguments + ") from generate_series(1, " + jobs
                        + ")",
                JobDatabase.TENANT);
    }

    /** Whether the transaction waits for its commit, after that claim. */
    private boolean waits(String claim, int claimed) {
        try (Session session = Session.transaction(database)) {
            assertThat(session.rows(claim)).hasSize(claimed);
            return session.rows("show synchronous_commit").equals(List.of(Map.of("synchronous_commit", "on")));
        }
    }

    private Object inserted() {
        return Optional.ofNullable(database.value("select pg_current_wal_insert_lsn()::text"))
                .orElseThrow();
    }

    /** Whether the first that was written after that place is on disk. */
    private boolean flushed(Object place) {
        return Boolean.TRUE.equals(
                database.value("select pg_current_wal_flush_lsn() > (?::text)::pg_lsn", place.toString()));
    }

    private List<ClaimedJob> claim(JobStore store) {
        return store.claim("worker-1", Optional.empty(), 2, Duration.ofSeconds(30), Map.of(), null, null)
                .await();
    }

    @Test
    void aClaimOfPlainJobsThatIsNotFullDoesNotWait() {
        add(1, "");
        assertThat(waits(CLAIM + ", async_commit => true)", 1)).isFalse();
    }

    @Test
    void aClaimWaitsUnlessAskedNotTo() {
        add(1, "");
        assertThat(waits(CLAIM + ")", 1)).isTrue();
    }

    @Test
    void aFullClaimWaits() {
        add(3, "");
        assertThat(waits(CLAIM + ", async_commit => true)", 2)).isTrue();
    }

    @Test
    void aClaimOfAQueuesJobWaits() {
        add(1, ", queue_name => 'one'");
        assertThat(waits(CLAIM + ", async_commit => true)", 1)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "insert into app_jobs.task_settings (task_identifier, max_running) values ('ping', 5)",
                "insert into app_jobs.tenant_settings (database_id, max_running)"
                        + " values ('00000000-0000-0000-0000-000000000001', 5)",
                "insert into app_jobs.priority_classes (name, up_to, weight) values ('all', 9, 1)"
            })
    void aClaimThatObeysALimitWaits(String limit) {
        database.execute(limit);
        add(1, "");
        assertThat(waits(CLAIM + ", async_commit => true)", 1)).isTrue();
    }

    @Test
    void theLookBehindAClaimBringsItToTheDisk() {
        JobStore store = store();
        add(1, "");
        Object before = inserted();

        assertThat(claim(store)).hasSize(1);
        store.nextDueBehindClaim().await();

        assertThat(flushed(before)).isTrue();
    }

    /** Else a job that may be tried once would be called twice after a crash of Postgres. */
    @Test
    void aLastAttemptIsOnDiskWhenItIsHandedOver() {
        JobStore store = store();
        add(1, ", max_attempts => 1");
        Object before = inserted();

        assertThat(claim(store)).hasSize(1);

        assertThat(flushed(before)).isTrue();
    }
}
