package dev.postern.service;

import dev.postern.api.ApiListener;
import dev.postern.api.ApiVerticle;
import dev.postern.callback.CallbackListener;
import dev.postern.callback.CallbackVerticle;
import dev.postern.scheduler.SchedulerVerticle;
import dev.postern.service.config.ServiceConfig;
import dev.postern.service.config.ServiceConfig.Role;
import dev.postern.service.telemetry.LoopWatch;
import dev.postern.service.telemetry.Metrics;
import dev.postern.service.telemetry.PoolWatch;
import dev.postern.service.telemetry.ProbeServer;
import dev.postern.service.telemetry.ProbeServer.Phase;
import dev.postern.service.telemetry.Traces;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.LiveJobs;
import dev.postern.sql.ScheduleStore;
import dev.postern.sql.SchemaException;
import dev.postern.sql.SchemaMigrator;
import dev.postern.sql.TenantStore;
import dev.postern.worker.FunctionCaller;
import dev.postern.worker.WorkerListener;
import dev.postern.worker.WorkerVerticle;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running process.
 *
 * <pre>
 *   starting ──schema there, roles deployed──▶ ready ──stop──▶ draining ──▶ stopped
 *       └── stop, or a failure: what was begun is taken down again
 * </pre>
 *
 * <p>{@link #start} and {@link #stop} block and are for the main thread and the shutdown hook; calling stop twice, or
 * without start, does nothing.
 */
public final class JobService {

    private static final Logger log = LoggerFactory.getLogger(JobService.class);
    private static final Duration DATABASE_RETRY = Duration.ofSeconds(1);

    private final ServiceConfig config;
    private final WorkerListener listener;
    private final InstantSource clock;
    private final RandomGenerator random;
    private final Metrics metrics;
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final CountDownLatch stopped = new CountDownLatch(1);

    /** Read by probes on their event loop, written by the main thread and the shutdown hook. */
    private volatile Phase phase = Phase.STARTING;

    private @Nullable Vertx vertx;
    private @Nullable Pool pool;
    private @Nullable Pool apiPool;
    private @Nullable ProbeServer probes;
    private @Nullable WorkerVerticle worker;
    private @Nullable CallbackVerticle callback;
    private @Nullable ApiVerticle api;
    private @Nullable FunctionCaller caller;

    /** Null where no collector is set: its class is not even loaded then. */
    private @Nullable Traces traces;

    /**
     * Opens nothing until started.
     *
     * @param listener hears the worker's steps beside the metrics
     */
    public JobService(ServiceConfig config, WorkerListener listener, InstantSource clock, RandomGenerator random) {
        this.config = config;
        this.metrics = new Metrics(
                version(),
                config.roles().stream()
                        .map(role -> role.name().toLowerCase(Locale.ROOT))
                        .toList());
        this.listener = listener;
        this.clock = clock;
        this.random = random;
    }

    /** The port of probes and metrics; 0 before the start. */
    public int httpPort() {
        return probes == null ? 0 : probes.port();
    }

    /** The port of the callback server; 0 before the start or without that role. */
    public int callbackPort() {
        return callback == null ? 0 : callback.port();
    }

    /** The port of the API; 0 before the start or without that role. */
    public int apiPort() {
        return api == null ? 0 : api.port();
    }

    /**
     * Starts everything and returns when it runs. While the database is away it waits for it.
     *
     * @throws RuntimeException when something cannot start; nothing is left behind then
     */
    public void start() {
        startWith(this::awaitSchema);
    }

    /**
     * Starts everything though nobody has looked at the schema, or whether there is a database: for a rehearsal.
     *
     * @throws RuntimeException when something cannot start; nothing is left behind then
     */
    public void startWithoutSchema() {
        startWith(() -> {
            try {
                new SchemaMigrator(config.listenDatabase()).check();
            } catch (SchemaException e) {
                log.info("as expected of a rehearsal: {}", e.getMessage());
            }
        });
    }

    private void startWith(Runnable readySchema) {
        try {
            startAll(readySchema);
            phase = Phase.READY;
        } catch (RuntimeException e) {
            stop();
            throw e;
        }
    }

    private void startAll(Runnable readySchema) {
        metrics.watchProcess();
        VertxOptions options = new VertxOptions().setPreferNativeTransport(true);
        Vertx created = Vertx.builder()
                .with(options)
                .withMetrics(ignored -> new PoolWatch(metrics))
                .build();
        vertx = created;
        created.deployVerticle(
                        () -> new LoopWatch(metrics),
                        new DeploymentOptions().setInstances(options.getEventLoopPoolSize()))
                .await();
        Pool opened = JobStore.pool(created, config.database(), applicationName());
        pool = opened;
        String schema = config.database().schema();
        ProbeServer server = new ProbeServer(
                config.bindHost(),
                config.httpPort(),
                metrics,
                () -> phase,
                new JobDirectory(opened, schema),
                config.telemetry().tenants());
        probes = server;
        created.deployVerticle(server).await();

        readySchema.run();

        Traces traced = config.telemetry()
                .traces()
                .map(to -> new Traces(to.url(), to.service(), to.headers(), clock))
                .orElse(null);
        traces = traced;
        JobStore store = new JobStore(opened, schema);
        // Callbacks first: a function may report before its dispatch has returned.
        if (config.roles().contains(Role.CALLBACK)) {
            CallbackVerticle verticle = new CallbackVerticle(
                    store,
                    config.callback(),
                    metrics.callback(traced == null ? CallbackListener.NONE : traced.callback()));
            callback = verticle;
            created.deployVerticle(verticle).await();
        }
        if (config.roles().contains(Role.WORKER)) {
            WorkerVerticle verticle = new WorkerVerticle(
                    store,
                    wakeUp -> notifications(JobNotifications.JOBS_CHANNEL, () -> {
                        metrics.notified();
                        wakeUp.run();
                    }),
                    config.router(),
                    config.worker(),
                    metrics.worker(traced == null ? listener : traced.worker(listener), clock),
                    clock,
                    random);
            worker = verticle;
            created.deployVerticle(verticle).await();
        }
        if (config.roles().contains(Role.SCHEDULER)) {
            created.deployVerticle(new SchedulerVerticle(
                            new ScheduleStore(opened, schema),
                            store,
                            wakeUp -> notifications(JobNotifications.SCHEDULES_CHANNEL, wakeUp),
                            config.scheduler(),
                            metrics.scheduler()))
                    .await();
        }
        if (config.roles().contains(Role.API)) {
            // Of its own: whoever makes requests slow must not keep the worker from renewing its leases.
            Pool requests = JobStore.pool(created, config.database(), applicationName() + " api");
            apiPool = requests;
            // A generator belongs to one thread.
            ApiVerticle verticle = new ApiVerticle(
                    new TenantStore(requests, schema),
                    new LiveJobs(requests, schema),
                    new Gateway(functions(created)),
                    config.api(),
                    metrics.api(traced == null ? ApiListener.NONE : traced.api()),
                    new SplittableRandom(random.nextLong()));
            api = verticle;
            startApi(created, verticle);
        }
        log.info("ready: {} on {}", config.roles(), config.database());
    }

    // What the worker's jobs show of a function holds for the gateway's calls, where the process has both.
    private FunctionCaller functions(Vertx created) {
        WorkerVerticle besides = worker;
        if (besides != null) {
            return besides.functions();
        }
        FunctionCaller alone = FunctionCaller.withoutWorker(
                created, config.router(), config.worker(), clock, new SplittableRandom(random.nextLong()));
        caller = alone;
        return alone;
    }

    // A process that does everything because nobody said otherwise also ran before there was an API: it goes on without
    // one
    // where the port is taken, or the database's role may not become a tenant's.
    private void startApi(Vertx created, ApiVerticle verticle) {
        try {
            created.deployVerticle(verticle).await();
        } catch (RuntimeException e) {
            if (config.roles().size() < Role.values().length) {
                throw e;
            }
            log.error("the HTTP API is not served: {}", e.getMessage());
        }
    }

    private Optional<JobNotifications> notifications(String channel, Runnable wakeUp) {
        return config.listen()
                ? Optional.of(new JobNotifications(
                        Objects.requireNonNull(vertx),
                        config.listenDatabase(),
                        Objects.requireNonNull(pool),
                        channel,
                        applicationName(),
                        wakeUp,
                        metrics.listening(channel)))
                : Optional.empty();
    }

    /** As the jar's manifest has it; classes of a checkout have none. */
    private static String version() {
        return Objects.requireNonNullElse(JobService.class.getPackage().getImplementationVersion(), "unpackaged");
    }

    private String applicationName() {
        return "postern " + config.worker().workerId();
    }

    private void awaitSchema() {
        SchemaMigrator migrator = new SchemaMigrator(config.listenDatabase());
        boolean told = false;
        while (!stopping.get()) {
            try {
                boolean newer = config.migrate() ? migrator.migrate().newer() : migrator.check();
                if (newer) {
                    log.warn("the schema is of a newer release, and left as it is; this one works with it");
                }
                return;
            } catch (SchemaException e) {
                if (!e.unreachable()) {
                    throw e;
                }
                if (!told) {
                    log.warn("{}; waiting for the database", e.getMessage());
                    told = true;
                }
                pause();
            }
        }
        throw new IllegalStateException("stopped while waiting for the database");
    }

    private void pause() {
        try {
            if (stopped.await(DATABASE_RETRY.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("stopped while waiting for the database");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the database", e);
        }
    }

    /**
     * The one place that knows the order: unready, stop claiming, wait, flush outcomes, release leases, close listeners,
     * close the pool. Returns when all is down.
     */
    public void stop() {
        if (!stopping.compareAndSet(false, true)) {
            return;
        }
        phase = Phase.DRAINING;
        stopped.countDown();
        WorkerVerticle draining = worker;
        if (draining != null) {
            finish("drain the worker", draining.drain(config.drain()));
        }
        Vertx open = vertx;
        if (open != null) {
            for (String deployment : open.deploymentIDs()) {
                finish("stop a role", open.undeploy(deployment));
            }
            FunctionCaller calling = caller;
            if (calling != null) {
                finish("close connections to functions", calling.close());
            }
            for (Pool connections : Arrays.asList(apiPool, pool)) {
                if (connections != null) {
                    finish("close the pool", connections.close());
                }
            }
            finish("stop the event loops", open.close());
        }
        Traces last = traces;
        if (last != null) {
            last.close();
        }
        log.info("stopped");
    }

    private static void finish(String what, Future<?> step) {
        try {
            step.await();
        } catch (RuntimeException e) {
            // The rest of the order still has to happen.
            log.warn("cannot {}: {}", what, e.getMessage());
        }
    }
}
