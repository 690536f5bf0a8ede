package dev.postern.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.LiveJobs;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Clients come while a pass is on its way: they hear nothing that they know to be over, and miss nothing. */
class JobWatchTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final Vertx vertx = Vertx.vertx();
    private final Pool pool = JobStore.pool(vertx, database.config(), "job-watch");
    private final Context context = vertx.getOrCreateContext();
    private final JobWatch watch =
            new JobWatch(vertx, new LiveJobs(pool, database.config().schema()), Duration.ofHours(1));

    private final List<String> first = new CopyOnWriteArrayList<>();
    private final List<String> second = new CopyOnWriteArrayList<>();
    private long jobId;

    /** A pass sees what it sees, and answers when nobody holds the lock. */
    @BeforeAll
    static void passesCanBeHeld() {
        database.execute("do $$ begin execute replace(pg_get_functiondef('app_jobs.watch_jobs'::regproc),"
                + " 'watch_jobs', 'watch_jobs_at_once'); end $$");
        database.execute("create or replace function app_jobs.watch_jobs(job_ids bigint[], versions text[])"
                + " returns setof app_jobs.api_jobs language plpgsql as $$ begin"
                + " return query select * from app_jobs.watch_jobs_at_once(job_ids, versions);"
                + " perform pg_advisory_xact_lock(7); end $$");
    }

    @BeforeEach
    void aClientThatKnowsTheJob() {
        jobId = database.number("select id from app_jobs.add_job(?, 'a')", JobDatabase.TENANT);
        on(() -> {
            watch.watch(jobId, "", found -> first.add(found.version()));
            return Future.succeededFuture();
        });
        Awaitility.await().until(() -> first.size() == 1);
    }

    @AfterEach
    void close() {
        ApiServer.await(pool.close());
        ApiServer.await(vertx.close());
    }

    @Test
    void whoKnowsMoreThanThePassIsNotToldWhatIsOver() throws SQLException {
        String queued = version();
        on(this::forgetWhatWasSeen);
        Future<Void> pass;
        try (Held held = new Held()) {
            pass = begin();
            held.awaitPass();
            database.execute("select app_jobs.claim_jobs('worker-1', null, 1, '600 s')");
            join(version());
        }
        ApiServer.await(pass);
        assertThat(second).isEmpty();
        on(watch::tick);

        assertThat(second).isEmpty();
        assertThat(first).containsExactly(queued, version());
    }

    @Test
    void whatThePassSawIsToldToWhoCameMeanwhileByTheNextOne() throws SQLException {
        String queued = version();
        database.execute("select app_jobs.claim_jobs('worker-1', null, 1, '600 s')");
        Future<Void> pass;
        try (Held held = new Held()) {
            pass = begin();
            held.awaitPass();
            join(queued);
        }
        ApiServer.await(pass);
        on(watch::tick);

        assertThat(second).containsExactly(version());
        assertThat(first).containsExactly(queued, version());
    }

    // As after a client that came with another version than the last pass saw.
    private Future<Void> forgetWhatWasSeen() {
        watch.watch(jobId, "another", found -> {}).end();
        return Future.succeededFuture();
    }

    private void join(String known) {
        on(() -> {
            watch.watch(jobId, known, found -> second.add(found.version()));
            return Future.succeededFuture();
        });
    }

    private Future<Void> begin() {
        Promise<Void> done = Promise.promise();
        context.runOnContext(go -> watch.tick().onComplete(done));
        return done.future();
    }

    private void on(Supplier<Future<Void>> work) {
        Promise<Void> done = Promise.promise();
        context.runOnContext(go -> work.get().onComplete(done));
        ApiServer.await(done.future());
    }

    private String version() {
        return String.valueOf(database.value("select version from app_jobs.api_jobs where id = ?", jobId));
    }

    /** Holds passes until it is closed. */
    private static final class Held implements AutoCloseable {

        private final Connection connection = database.connect();

        Held() throws SQLException {
            try (Statement lock = connection.createStatement()) {
                lock.execute("select pg_advisory_lock(7)");
            }
        }

        void awaitPass() {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> database.number("select count(*) from pg_locks where locktype = 'advisory'"
                                    + " and not granted and objid = 7")
                            == 1);
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
