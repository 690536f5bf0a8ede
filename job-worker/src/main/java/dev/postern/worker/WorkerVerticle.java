package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.Outcome;
import dev.postern.sql.OutcomeBatcher;
import dev.postern.sql.WorkerReport;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
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

    private static final Duration UNSENDABLE_DELAY = Duration.ofMinutes(1);

    private static final Logger log = LoggerFactory.getLogger(WorkerVerticle.class);

    private final JobStore store;
    private final Function<Runnable, Optional<JobNotifications>> notifications;
    private final TaskRouter router;
    private final WorkerConfig config;
    private final WorkerListener listener;
    private final InstantSource clock;
    private final RandomGenerator random;

    private final InFlight inFlight = new InFlight();
    private @Nullable Parts parts;

    private record Parts(
            FunctionDispatcher dispatcher,
            AnswerTable answers,
            Targets targets,
            OutcomeBatcher outcomes,
            LeaseKeeper leases,
            CancelWatch cancels,
            ClaimLoop claims,
            WorkerReports reports,
            Drain drain,
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
        WorkerReports reports = new WorkerReports(vertx, store, listener, this::report);
        Targets targets = new Targets(config, listener, clock, random, reports::now);
        ClaimLoop claims = new ClaimLoop(
                vertx,
                store,
                config,
                listener,
                random,
                new PollPace(config.poll().toMillis(), this::listening, random, System.nanoTime()),
                targets,
                new ClaimLoop.Slots() {
                    @Override
                    public int free() {
                        return config.concurrency() - inFlight.size();
                    }

                    @Override
                    public boolean take(ClaimedJob job, long sentAtNanos) {
                        return dispatch(job, sentAtNanos);
                    }
                });
        Optional<JobNotifications> listened = notifications.apply(claims::wake);
        CancelWatch cancels = new CancelWatch(vertx, store, inFlight, this::listening, leases::taken);
        listened.ifPresent(channels -> channels.hear(JobNotifications.CANCEL_CHANNEL, cancels::heard, cancels::missed));
        Parts started = new Parts(
                new FunctionDispatcher(vertx, config, clock),
                new AnswerTable(clock, random, config.callbackLease(), config.callbackLeaseMax()),
                targets,
                new OutcomeBatcher(vertx, context, store, OUTCOME_MAX_AGE, Integer.MAX_VALUE),
                leases,
                cancels,
                claims,
                reports,
                new Drain(vertx, store, inFlight, claims, leases, config.workerId(), listener),
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

    // False when the job's target takes none: its breaker opened, or its pause began, while the claim was on its way.
    private boolean dispatch(ClaimedJob job, long claimSentAt) {
        Parts p = started();
        Optional<URI> url = router.route(job.task());
        Optional<Targets.Call> begun = p.targets().begin(job.task(), url);
        if (begun.isEmpty()) {
            return false;
        }
        Targets.Call call = begun.get();
        InFlight.Entry entry = inFlight.add(job, p.leases().trustedUntil(claimSentAt));
        p.cancels().claimed(entry, claimSentAt);
        long sentAt = System.nanoTime();
        FunctionDispatcher.Exchange exchange;
        try {
            exchange = p.dispatcher().dispatch(job, url);
        } catch (RuntimeException e) {
            // One job that cannot even be sent must not cost those that were claimed with it.
            log.error("cannot dispatch job {} (task {})", job.attempt().jobId(), job.task(), e);
            boolean freed = call.end(Optional.empty());
            end(entry, new Outcome.Infrastructure(null, "cannot be dispatched: " + e, UNSENDABLE_DELAY), sentAt, freed);
            return true;
        }
        listener.dispatched(job, url);
        entry.exchange = exchange;
        exchange.result().onSuccess(result -> {
            int status = result instanceof DispatchResult.Answer answer ? answer.status() : 0;
            listener.answered(job, status, Duration.ofNanos(System.nanoTime() - sentAt));
            Optional<Outcome> outcome = entry.lost ? Optional.empty() : read(result, job);
            boolean freed = call.end(TargetSign.of(result, outcome));
            outcome.ifPresentOrElse(end -> end(entry, end, sentAt, freed), () -> gone(entry, true));
        });
        return true;
    }

    private WorkerReport report() {
        return new WorkerReport(
                config.workerId(),
                config.tasks(),
                config.concurrency(),
                inFlight.size(),
                started().targets().report());
    }

    private Optional<Outcome> read(DispatchResult result, ClaimedJob job) {
        try {
            return started().answers().outcome(result, job.attempt().jobId());
        } catch (RuntimeException e) {
            // An answer that nobody thought of must still end the attempt: else its lease would be renewed for ever.
            log.error(
                    "cannot read the answer to job {} (task {})", job.attempt().jobId(), job.task(), e);
            return Optional.of(new Outcome.Retry(null, "the answer cannot be read: " + e, Duration.ZERO));
        }
    }

    private void end(InFlight.Entry entry, Outcome outcome, long sentAt, boolean targetFreed) {
        ClaimedJob job = entry.job;
        entry.answered = true;
        started()
                .outcomes()
                .offer(job.attempt(), outcome)
                .onSuccess(verdict -> {
                    AttemptLog.ended(config.workerId(), job, outcome, verdict, sentAt);
                    listener.ended(job, outcome, verdict);
                })
                .onFailure(cause -> log.error(
                        "cannot store the outcome of job {} (task {}, attempt {}): {}; it will be tried again when its"
                                + " lease has expired",
                        job.attempt().jobId(),
                        job.task(),
                        job.attempt().number(),
                        cause.getMessage()))
                .onComplete(ended ->
                        gone(entry, targetFreed || job.queueName() != null || !(outcome instanceof Outcome.Complete)));
    }

    // Something may have become claimable beside the freed slot: the next of a queue, the retry of this very job, or
    // what
    // its target did not take before.
    private void gone(InFlight.Entry entry, boolean mayWake) {
        inFlight.remove(entry);
        started().claims().slotFreed(mayWake);
        started().drain().jobGone();
    }

    private void abort(InFlight.Entry entry) {
        if (entry.cancelled) {
            AttemptLog.cancelled(config.workerId(), entry.job);
            listener.cancelled(entry.job);
        } else {
            listener.leaseLost(entry.job);
        }
        FunctionDispatcher.Exchange exchange = entry.exchange;
        if (exchange != null) {
            exchange.abort();
        }
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
