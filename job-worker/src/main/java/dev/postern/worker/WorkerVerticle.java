package dev.postern.worker;

import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.OutcomeBatcher;
import dev.postern.sql.WorkerReport;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker: claim, dispatch, outcome. Deployed once per process; its id must never be used by another.
 *
 * <pre>
 *   deployed ──▶ working ──drain──▶ draining ──▶ drained ──undeploy──▶ stopped
 * </pre>
 */
public final class WorkerVerticle extends VerticleBase {

    /** Outcomes survive a database that is away for so long; then the lease's expiry takes over. */
    private static final Duration OUTCOME_MAX_AGE = Duration.ofMinutes(10);

    private static final Logger log = LoggerFactory.getLogger(WorkerVerticle.class);

    private final JobStore store;
    private final Function<Runnable, Optional<JobNotifications>> notifications;
    private final TaskRouter router;
    private final WorkerConfig config;
    private final WorkerListener listener;
    private final InstantSource clock;
    private final RandomGenerator random;

    private final InFlight inFlight = new InFlight();
    private @Nullable Attempts attempts;
    private @Nullable Parts parts;

    private record Parts(
            FunctionDispatcher dispatcher,
            Targets targets,
            CancelWatch cancels,
            ClaimLoop claims,
            WorkerReports reports,
            Drain drain,
            FunctionCaller functions,
            Optional<JobNotifications> notifications) {}

    /**
     * Takes everything it needs; does nothing until deployed.
     *
     * @param notifications makes the listener that calls the given wake-up; empty to poll instead
     * @param clock for headers that people and functions read, and for how long a target is spared; the database decides
     *     about leases
     */
    public WorkerVerticle(
            JobStore store,
            Function<Runnable, Optional<JobNotifications>> notifications,
            TaskRouter router,
            WorkerConfig config,
            WorkerListener listener,
            InstantSource clock,
            RandomGenerator random) {
        this.store = store;
        this.notifications = notifications;
        this.router = router;
        this.config = config;
        this.listener = new GuardedListener(listener);
        this.clock = clock;
        this.random = random;
    }

    @Override
    public Future<?> start() {
        LeaseKeeper leases = new LeaseKeeper(vertx, store, inFlight, config.lease(), this::abort);
        CancelWatch cancels = new CancelWatch(vertx, store, inFlight, this::listening, leases::taken);
        WorkerReports reports = new WorkerReports(vertx, store, listener, this::report);
        Targets targets = new Targets(config, listener, clock, random, reports::now);
        FunctionDispatcher dispatcher = new FunctionDispatcher(vertx, config, clock, listener::traceparent);
        AnswerTable answers = new AnswerTable(clock, random, config.callbackLease(), config.callbackLeaseMax());
        attempts = new Attempts(
                config,
                listener,
                store,
                inFlight,
                new Attempts.Parts(
                        router,
                        targets,
                        dispatcher,
                        answers,
                        new OutcomeBatcher(vertx, context, store, OUTCOME_MAX_AGE, Integer.MAX_VALUE, listener::stored),
                        leases,
                        cancels),
                this::gone);
        ClaimLoop claims = new ClaimLoop(
                vertx,
                store,
                config,
                listener,
                random,
                new PollPace(config.poll().toMillis(), this::listening, random, System.nanoTime()),
                targets,
                attempts);
        Optional<JobNotifications> listened = notifications.apply(claims::wake);
        listened.ifPresent(channels -> channels.hear(JobNotifications.CANCEL_CHANNEL, cancels::heard, cancels::missed));
        Parts started = new Parts(
                dispatcher,
                targets,
                cancels,
                claims,
                reports,
                new Drain(vertx, inFlight, claims, attempts, leases, config.workerId()),
                new FunctionCaller(
                        context,
                        router,
                        targets,
                        new FunctionDispatcher(vertx, config, clock, listener::traceparent),
                        answers,
                        () -> claims.roomier(true)),
                listened);
        parts = started;
        leases.start();
        cancels.start();
        started.notifications().ifPresent(JobNotifications::start);
        claims.wake();
        reports.now();
        log.info(
                "worker {} takes {} with {} slots, lease {} s",
                config.workerId(),
                config.tasks().map(tasks -> "tasks " + tasks).orElse("all tasks"),
                config.concurrency(),
                config.lease().toSeconds());
        return Future.succeededFuture();
    }

    private boolean listening() {
        return parts != null
                && parts.notifications().map(JobNotifications::listening).orElse(false);
    }

    private void gone(boolean mayWake) {
        started().claims().roomier(mayWake);
        started().drain().jobGone();
    }

    private void abort(InFlight.Entry entry) {
        Objects.requireNonNull(attempts).abort(entry);
    }

    private WorkerReport report() {
        return new WorkerReport(
                config.workerId(),
                config.tasks(),
                config.concurrency(),
                inFlight.calling(),
                started().targets().report());
    }

    /** Calls functions without a job, by what this worker knows of its targets. From the deployment on, by any thread. */
    public FunctionCaller functions() {
        return started().functions();
    }

    /**
     * Stops claiming, waits for what runs, then breaks off and gives back the rest, uncharged. May be called from any
     * thread and more than once.
     *
     * @param grace how long to wait; zero gives everything back at once
     * @return ids of the jobs that were given back
     */
    public Future<List<Long>> drain(Duration grace) {
        Promise<List<Long>> drained = Promise.promise();
        context.runOnContext(ignored -> drainHere(grace).onComplete(drained));
        return drained.future();
    }

    private Future<List<Long>> drainHere(Duration grace) {
        Parts p = parts;
        if (p == null) {
            return Future.succeededFuture(List.of());
        }
        return p.drain().start(grace).onComplete(ended -> p.cancels().stop());
    }

    @Override
    public Future<?> stop() {
        Parts p = parts;
        if (p == null) {
            return Future.succeededFuture();
        }
        return drainHere(Duration.ZERO)
                .eventually(() -> p.reports().stop())
                .eventually(() -> p.notifications().map(JobNotifications::close).orElseGet(Future::succeededFuture))
                .eventually(() -> p.functions().close())
                .eventually(() -> p.dispatcher().close());
    }

    private Parts started() {
        Parts p = parts;
        if (p == null) {
            throw new IllegalStateException("the worker has not been started");
        }
        return p;
    }
}
