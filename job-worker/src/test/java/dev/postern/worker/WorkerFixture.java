package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** JUnit extension: Vert.x, a scripted function and workers against a test's database, all taken down afterwards. */
final class WorkerFixture implements BeforeEachCallback, AfterEachCallback, WorkerListener {

    static final URI CALLBACK = URI.create("http://127.0.0.1:1/callback");
    private static final AtomicInteger INCARNATION = new AtomicInteger();

    final List<String> events = new CopyOnWriteArrayList<>();
    /** Makes this listener fail at each step of a job. */
    volatile boolean throwing;

    private final JobDatabase database;
    private final List<Pool> pools = new ArrayList<>();
    Vertx vertx = Vertx.vertx();
    FakeFunction function = FakeFunction.start(vertx);
    private Optional<String> route = Optional.empty();
    /** Tasks with URLs of their own. */
    final Map<String, String> functions = new HashMap<>();
    /** What the next worker calls now. */
    InstantSource clock = InstantSource.system();

    final AtomicInteger claims = new AtomicInteger();
    /** What workers said of themselves last. */
    volatile @Nullable WorkerReport reported;

    WorkerFixture(JobDatabase database) {
        this.database = database;
    }

    /** A worker that runs. */
    record Running(WorkerVerticle worker, String deployment, String id) {}

    @Override
    public void beforeEach(ExtensionContext context) {
        events.clear();
        clock = InstantSource.system();
        functions.clear();
        claims.set(0);
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.workers");
        vertx = Vertx.vertx();
        function = FakeFunction.start(vertx);
        route(function.url());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        await(vertx.close());
        pools.clear();
    }

    /** Sends everything to another URL than the scripted function's. */
    void route(String url) {
        route = Optional.of(url);
    }

    void noRoute() {
        route = Optional.empty();
    }

    Running start() {
        return start(config -> config);
    }

    Running start(UnaryOperator<WorkerConfig> change) {
        return start(database.config(), change);
    }

    Running start(DatabaseConfig reachedBy, UnaryOperator<WorkerConfig> change) {
        return start(reachedBy, Optional.of(reachedBy), change);
    }

    /** With another way for LISTEN, or none. */
    Running start(DatabaseConfig reachedBy, Optional<DatabaseConfig> listensBy, UnaryOperator<WorkerConfig> change) {
        String id = "test-worker." + INCARNATION.incrementAndGet();
        Pool pool = JobStore.pool(vertx, reachedBy, id);
        pools.add(pool);
        WorkerConfig config = change.apply(WorkerConfig.defaults(id, CALLBACK));
        WorkerVerticle worker = new WorkerVerticle(
                new JobStore(pool, reachedBy.schema()),
                wakeUp -> listensBy.map(by -> new JobNotifications(
                        vertx,
                        by,
                        pool,
                        JobNotifications.JOBS_CHANNEL,
                        id,
                        wakeUp,
                        listening -> events.add(listening ? "listening" : "not listening"))),
                new TaskRouter(functions, route),
                config,
                this,
                clock,
                new Random(7));
        return new Running(worker, await(vertx.deployVerticle(worker)), id);
    }

    JobStore store() {
        return store(database.config());
    }

    JobStore store(DatabaseConfig reachedBy) {
        return new JobStore(pool(reachedBy), database.config().schema());
    }

    Pool pool(DatabaseConfig reachedBy) {
        Pool pool = JobStore.pool(vertx, reachedBy, "test");
        pools.add(pool);
        return pool;
    }

    /** Waits until the query answers the number. */
    void eventually(long expected, String sql, Object... arguments) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> database.number(sql, arguments) == expected);
    }

    void eventually(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(condition);
    }

    @Override
    public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
        claims.incrementAndGet();
    }

    @Override
    public void dispatched(ClaimedJob job, Optional<URI> url) {
        if (throwing) {
            throw new IllegalStateException("a listener with a bug");
        }
    }

    @Override
    public void answered(ClaimedJob job, int status, Duration took) {
        if (throwing) {
            throw new IllegalStateException("a listener with a bug");
        }
    }

    @Override
    public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
        events.add("ended " + job.attempt().jobId() + " " + outcome.getClass().getSimpleName() + " " + verdict);
    }

    @Override
    public void claimFailed() {
        events.add("claim failed");
    }

    @Override
    public void leaseLost(ClaimedJob job) {
        events.add("lost " + job.attempt().jobId());
    }

    @Override
    public void cancelled(ClaimedJob job) {
        events.add("cancelled " + job.attempt().jobId());
    }

    @Override
    public void released(ClaimedJob job) {
        events.add("released " + job.attempt().jobId());
    }

    @Override
    public void targetOpened(String task) {
        events.add("opened " + task);
    }

    @Override
    public void targetPaused(String task) {
        events.add("paused " + task);
    }

    @Override
    public void reported(WorkerReport report) {
        reported = report;
    }
}
