package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobStore;
import dev.postern.sql.Outcome;
import dev.postern.sql.OutcomeBatcher;
import io.vertx.core.Future;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of each claimed job through the worker: it waits for a slot, is dispatched, its answer becomes an outcome, and
 * the outcome is offered. Belongs to the worker's context.
 */
final class Attempts implements ClaimLoop.Slots {

    private static final Duration UNSENDABLE_DELAY = Duration.ofMinutes(1);

    /** Tenants choose the names of tasks. */
    private static final int ROUTES_REMEMBERED = 1_000;

    private static final Logger log = LoggerFactory.getLogger(Attempts.class);

    private final WorkerConfig config;
    private final WorkerListener listener;
    private final JobStore store;
    private final InFlight inFlight;
    private final Parts parts;
    private final Gone gone;

    private final ReadAhead readAhead = new ReadAhead();
    private final Map<String, Optional<URI>> routes = new HashMap<>();
    private boolean calling;
    private boolean callsNoMore;

    /** What a job passes on its way. */
    record Parts(
            TaskRouter router,
            Targets targets,
            FunctionDispatcher dispatcher,
            AnswerTable answers,
            OutcomeBatcher outcomes,
            LeaseKeeper leases,
            CancelWatch cancels) {}

    /** Hears that a job made room. */
    interface Gone {

        /** The worker has one job less in its hands; others may have become claimable by that. */
        void gone(boolean mayWake);
    }

    Attempts(WorkerConfig config, WorkerListener listener, JobStore store, InFlight inFlight, Parts parts, Gone gone) {
        this.config = config;
        this.listener = listener;
        this.store = store;
        this.inFlight = inFlight;
        this.parts = parts;
        this.gone = gone;
    }

    @Override
    public int room() {
        int ahead = readAhead.jobs(System.nanoTime());
        int slots = config.concurrency() + ahead - inFlight.calling() - inFlight.waiting();
        // Outcomes that a slow database has not taken yet count as well: leases are not gathered without end.
        int held = config.concurrency() + 2 * ahead - inFlight.size();
        return Math.min(slots, held);
    }

    @Override
    public boolean low() {
        return inFlight.waiting() <= readAhead.jobs(System.nanoTime()) / 2 && room() > 0;
    }

    @Override
    public Future<?> take(List<ClaimedJob> jobs, long sentAtNanos) {
        long trustedUntil = parts.leases().trustedUntil(sentAtNanos);
        for (ClaimedJob job : jobs) {
            parts.cancels().claimed(inFlight.add(job, trustedUntil), sentAtNanos);
        }
        return call();
    }

    /** Calls as many waiting jobs as there are free slots. Done when those whose target takes none are given back. */
    private Future<?> call() {
        if (calling || callsNoMore) {
            // A call that ended at once: the loop below goes on with its slot. Or a drain gives back what waits.
            return Future.succeededFuture();
        }
        calling = true;
        List<ClaimedJob> refused = new ArrayList<>();
        while (inFlight.calling() < config.concurrency()) {
            InFlight.Entry next = inFlight.call();
            if (next == null) {
                break;
            }
            if (!dispatch(next)) {
                inFlight.remove(next);
                refused.add(next.job);
            }
        }
        calling = false;
        return giveBack(refused);
    }

    /** From now on claimed jobs wait, for whoever gives them back. What is being called goes on. */
    void callNoMore() {
        callsNoMore = true;
    }

    /** Gives jobs back uncharged; ids of those that were still held, none when the database is away. */
    Future<List<Long>> giveBack(List<ClaimedJob> jobs) {
        if (jobs.isEmpty()) {
            return Future.succeededFuture(List.of());
        }
        return store.release(jobs.stream().map(ClaimedJob::attempt).toList())
                .onSuccess(released -> jobs.stream()
                        .filter(job -> released.contains(job.attempt().jobId()))
                        .forEach(listener::released))
                .recover(cause -> {
                    log.warn("cannot give back {} jobs, their leases will expire: {}", jobs.size(), cause.getMessage());
                    return Future.succeededFuture(List.of());
                });
    }

    // False when the job's target takes none: its breaker opened, or its pause began, since the claim was sent.
    private boolean dispatch(InFlight.Entry entry) {
        ClaimedJob job = entry.job;
        Optional<URI> url = route(job.task());
        Optional<Targets.Call> begun = parts.targets().begin(job.task(), url);
        if (begun.isEmpty()) {
            return false;
        }
        Targets.Call call = begun.get();
        long sentAt = System.nanoTime();
        FunctionDispatcher.Exchange exchange;
        try {
            exchange = parts.dispatcher().dispatch(job, url);
        } catch (RuntimeException e) {
            // One job that cannot even be sent must not cost those that were claimed with it.
            log.error("cannot dispatch job {} (task {})", job.attempt().jobId(), job.task(), e);
            boolean freed = call.end(Optional.empty());
            end(entry, new Outcome.Infrastructure(null, "cannot be dispatched: " + e, UNSENDABLE_DELAY), sentAt, freed);
            return true;
        }
        listener.dispatched(job, url);
        entry.exchange = exchange;
        ClaimedJob sent = job.withoutPayload();
        entry.job = sent;
        exchange.result().onSuccess(result -> {
            long now = System.nanoTime();
            int status = result instanceof DispatchResult.Answer answer ? answer.status() : 0;
            listener.answered(sent, status, Duration.ofNanos(now - sentAt));
            Optional<Outcome> outcome = entry.lost ? Optional.empty() : read(result, sent);
            boolean freed = call.end(TargetSign.of(result, outcome));
            inFlight.answered(entry);
            readAhead.answered(now);
            outcome.ifPresentOrElse(end -> end(entry, end, sentAt, freed), () -> gone(entry, true));
            call().onFailure(cause -> log.error("cannot go on with the jobs that wait for a slot", cause));
            gone.gone(false);
        });
        return true;
    }

    private Optional<URI> route(String task) {
        if (routes.size() >= ROUTES_REMEMBERED) {
            routes.clear();
        }
        return routes.computeIfAbsent(task, parts.router()::route);
    }

    private Optional<Outcome> read(DispatchResult result, ClaimedJob job) {
        try {
            return parts.answers().outcome(result, job.attempt().jobId());
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
        parts.outcomes()
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

    // Something may have become claimable beside the room: the next of a queue, the retry of this very job, or what its
    // target did not take before.
    private void gone(InFlight.Entry entry, boolean mayWake) {
        inFlight.remove(entry);
        gone.gone(mayWake);
    }

    /** Breaks off a job whose lease is gone; nothing is offered for it. */
    void abort(InFlight.Entry entry) {
        if (entry.cancelled) {
            AttemptLog.cancelled(config.workerId(), entry.job);
            listener.cancelled(entry.job);
        } else {
            listener.leaseLost(entry.job);
        }
        FunctionDispatcher.Exchange exchange = entry.exchange;
        if (exchange == null) {
            gone(entry, true);
        } else {
            exchange.abort();
        }
    }
}
