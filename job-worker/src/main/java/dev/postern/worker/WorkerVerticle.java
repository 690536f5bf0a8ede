package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.Outcome;
import dev.postern.sql.OutcomeBatcher;
import dev.postern.sql.Verdict;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

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

    /** Outcomes that are on their way when a drain ends get so long to arrive. */
    private static final Duration FLUSH_GRACE = Duration.ofSeconds(2);

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
    private @Nullable Promise<Void> idle;
    private @Nullable Future<List<Long>> drained;

    private record Parts(
            FunctionDispatcher dispatcher,
            AnswerTable answers,
            OutcomeBatcher outcomes,
            LeaseKeeper leases,
            CancelWatch cancels,
            ClaimLoop claims,
            Optional<JobNotifications> notifications) {}

    /**
     * Takes everything it needs; does nothing until deployed.
     *
     * @param notifications makes the listener that calls the given wake-up; empty to poll instead
     * @param clock only for headers that people and functions read; the database decides about leases
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
        ClaimLoop claims = new ClaimLoop(
                vertx,
                store,
                config,
                listener,
                random,
                new PollPace(config.poll().toMillis(), this::listening, random, System.nanoTime()),
                () -> config.concurrency() - inFlight.size(),
                (job, sentAt) -> dispatch(job, sentAt));
        Optional<JobNotifications> listened = notifications.apply(claims::wake);
        CancelWatch cancels = new CancelWatch(vertx, store, inFlight, this::listening, leases::taken);
        listened.ifPresent(channels -> channels.hear(JobNotifications.CANCEL_CHANNEL, cancels::heard, cancels::missed));
        Parts started = new Parts(
                new FunctionDispatcher(vertx, router, config, clock),
                new AnswerTable(clock, random, config.callbackLease(), config.callbackLeaseMax()),
                new OutcomeBatcher(vertx, context, store, OUTCOME_MAX_AGE, Integer.MAX_VALUE),
                leases,
                cancels,
                claims,
                listened);
        parts = started;
        leases.start();
        cancels.start();
        started.notifications().ifPresent(JobNotifications::start);
        claims.wake();
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

    private void dispatch(ClaimedJob job, long claimSentAt) {
        Parts p = started();
        InFlight.Entry entry = inFlight.add(job, p.leases().trustedUntil(claimSentAt));
        p.cancels().claimed(entry, claimSentAt);
        long sentAt = System.nanoTime();
        FunctionDispatcher.Exchange exchange;
        try {
            exchange = p.dispatcher().dispatch(job);
        } catch (RuntimeException e) {
            // One job that cannot even be sent must not cost those that were claimed with it.
            log.error("cannot dispatch job {} (task {})", job.attempt().jobId(), job.task(), e);
            end(entry, new Outcome.Infrastructure(null, "cannot be dispatched: " + e, UNSENDABLE_DELAY), sentAt);
            return;
        }
        listener.dispatched(job, exchange.url());
        entry.exchange = exchange;
        exchange.result().onSuccess(result -> {
            int status = result instanceof DispatchResult.Answer answer ? answer.status() : 0;
            listener.answered(job, status, Duration.ofNanos(System.nanoTime() - sentAt));
            Optional<Outcome> outcome = entry.lost ? Optional.empty() : read(result, job);
            outcome.ifPresentOrElse(end -> end(entry, end, sentAt), () -> gone(entry, true));
        });
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

    private void end(InFlight.Entry entry, Outcome outcome, long sentAt) {
        ClaimedJob job = entry.job;
        entry.answered = true;
        started()
                .outcomes()
                .offer(job.attempt(), outcome)
                .onSuccess(verdict -> {
                    logOutcome(job, outcome, verdict, sentAt);
                    listener.ended(job, outcome, verdict);
                })
                .onFailure(cause -> log.error(
                        "cannot store the outcome of job {} (task {}, attempt {}): {}; it will be tried again when its"
                                + " lease has expired",
                        job.attempt().jobId(),
                        job.task(),
                        job.attempt().number(),
                        cause.getMessage()))
                .onComplete(ended -> gone(entry, job.queueName() != null || !(outcome instanceof Outcome.Complete)));
    }

    // Something may have become claimable beside the freed slot: the next of a queue, or the retry of this very job.
    private void gone(InFlight.Entry entry, boolean mayWake) {
        inFlight.remove(entry);
        started().claims().slotFreed(mayWake);
        if (idle != null && inFlight.size() == 0) {
            idle.tryComplete();
        }
    }

    private void abort(InFlight.Entry entry) {
        if (entry.cancelled) {
            log(log.atInfo(), entry.job, "cancelled");
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
        if (drained != null) {
            return drained;
        }
        log.info("worker {} drains {} jobs", config.workerId(), inFlight.size());
        Future<List<Long>> draining = p.claims()
                .stop()
                .compose(stopped -> waitUntilIdle(grace))
                .compose(waited -> giveBack())
                .onComplete(ended -> {
                    p.leases().stop();
                    p.cancels().stop();
                });
        drained = draining;
        return draining;
    }

    private Future<Void> waitUntilIdle(Duration grace) {
        if (inFlight.size() == 0 || grace.isZero()) {
            return Future.succeededFuture();
        }
        Promise<Void> waiting = Promise.promise();
        idle = waiting;
        long timer = vertx.setTimer(grace.toMillis(), ignored -> waiting.tryComplete());
        return waiting.future().onComplete(done -> vertx.cancelTimer(timer));
    }

    private Future<List<Long>> giveBack() {
        // What has been answered is on its way to the database; giving it back too would repeat it.
        List<InFlight.Entry> left =
                inFlight.held().stream().filter(entry -> !entry.answered).toList();
        for (InFlight.Entry entry : left) {
            entry.lost = true;
            if (entry.exchange != null) {
                entry.exchange.abort();
            }
        }
        if (left.isEmpty()) {
            return waitUntilIdle(FLUSH_GRACE).map(List.of());
        }
        return store.release(left.stream().map(entry -> entry.job.attempt()).toList())
                .onSuccess(released -> {
                    left.stream()
                            .filter(entry ->
                                    released.contains(entry.job.attempt().jobId()))
                            .forEach(entry -> listener.released(entry.job));
                    log.info("worker {} gave back {} jobs", config.workerId(), released.size());
                })
                .recover(cause -> {
                    log.warn("cannot give back {} jobs, their leases will expire: {}", left.size(), cause.getMessage());
                    return Future.succeededFuture(List.of());
                })
                .compose(released -> waitUntilIdle(FLUSH_GRACE).map(released));
    }

    @Override
    public Future<?> stop() {
        Parts p = parts;
        if (p == null) {
            return Future.succeededFuture();
        }
        return drainHere(Duration.ZERO)
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

    private void logOutcome(ClaimedJob job, Outcome outcome, Verdict verdict, long sentAt) {
        String name = outcome.getClass().getSimpleName().toLowerCase(Locale.ROOT);
        LoggingEventBuilder line = switch (outcome) {
            case Outcome.Complete o -> log.atInfo();
            case Outcome.Wait o -> log.atInfo();
            case Outcome.Snooze o -> log.atInfo();
            case Outcome.Backpressure o -> log.atInfo();
            case Outcome.Retry o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Missing o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Infrastructure o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Dead o -> log.atWarn().addKeyValue("error", o.error());
        };
        line = line.addKeyValue("verdict", verdict.name().toLowerCase(Locale.ROOT))
                .addKeyValue("ms", (System.nanoTime() - sentAt) / 1_000_000);
        log(line, job, verdict == Verdict.ACCEPTED ? name : name + " refused");
    }

    private void log(LoggingEventBuilder line, ClaimedJob job, String message) {
        line = line.addKeyValue("job", job.attempt().jobId())
                .addKeyValue("task", job.task())
                .addKeyValue("attempt", job.attempt().number())
                .addKeyValue("worker", config.workerId())
                .addKeyValue("tenant", job.databaseId());
        line = with(line, "queue", job.queueName());
        line = with(line, "actor", job.actorId());
        line = with(line, "request", job.requestId());
        line = with(line, "trace", job.traceparent());
        line.log(message);
    }

    // A key without a value would be the word "null" to whoever searches the logs.
    private static LoggingEventBuilder with(LoggingEventBuilder line, String key, @Nullable Object value) {
        return value == null ? line : line.addKeyValue(key, value);
    }
}
