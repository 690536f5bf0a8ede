package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** What a worker's promise to look by itself does to notifications. */
class AwakeTest {

    private static final int DEADLINE_MS = 30_000;
    private static final String PROMISED =
            "select count(*) from app_jobs.awake_until where last_value > extract(epoch from clock_timestamp()) * 1e6";

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private Session listener;

    @BeforeEach
    void listen() {
        listener = Session.autoCommit(database);
        listener.rows("listen \"jobs:insert\"");
    }

    @AfterEach
    void close() {
        listener.close();
    }

    private void claim(int most) {
        database.rows(
                "select id from app_jobs.claim_jobs('worker-1', null, " + most + ", '1 min', awake => interval '1 h')");
    }

    /** What was notified since the last call; notifications arrive in the order of commits. */
    private List<String> heard() {
        database.execute("select pg_notify('jobs:insert', 'that is all')");
        List<String> heard = new ArrayList<>();
        try {
            while (!heard.contains("that is all")) {
                PGNotification[] arrived =
                        listener.connection().unwrap(PGConnection.class).getNotifications(DEADLINE_MS);
                assertThat(arrived).isNotEmpty();
                for (PGNotification notification : arrived) {
                    heard.add(notification.getParameter());
                }
            }
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
        heard.remove("that is all");
        return heard;
    }

    @Test
    void insertsNotifyNobodyWhileAWorkerLooksByItself() {
        database.addJob("ping", "{}");
        assertThat(heard()).hasSize(1);
        claim(10);
        database.addJob("ping", "{}");
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) values (?, 'ping')", JobDatabase.TENANT);
        assertThat(heard()).isEmpty();
    }

    @Test
    void aPromiseEnds() {
        database.rows("select id from app_jobs.claim_jobs('worker-1', null, 10, '1 min', awake => interval '0 s')");
        database.addJob("ping", "{}");
        assertThat(heard()).hasSize(1);
    }

    @Test
    void aFullClaimPromisesToo() {
        database.addJob("ping", "{}");
        database.addJob("ping", "{}");
        assertThat(heard()).hasSize(2);
        claim(1);
        assertThat(database.number(PROMISED)).isOne();
        database.addJob("ping", "{}");
        assertThat(heard()).isEmpty();
    }

    @Test
    void aClaimThatPromisesNothingLeavesAPromiseAlone() {
        claim(10);
        database.rows("select id from app_jobs.claim_jobs('worker-2', null, 10, '1 min')");
        assertThat(database.number(PROMISED)).isOne();
    }

    @Test
    void wakingWorkersTakesThePromiseBack() {
        claim(10);
        database.execute("select app_jobs.wake_workers()");
        assertThat(heard()).hasSize(1);
        database.addJob("ping", "{}");
        assertThat(heard()).hasSize(1);
    }
}
