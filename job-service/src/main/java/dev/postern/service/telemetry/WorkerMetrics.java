package dev.postern.service.telemetry;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import dev.postern.worker.WorkerListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** The worker's counters and timers. All calls come on the worker's event loop; another listener is told afterwards. */
final class WorkerMetrics implements WorkerListener {

    private final PrometheusMeterRegistry registry;
    private final WorkerListener then;
    private final InstantSource clock;

    private final AtomicInteger inFlight;
    private final Timer claims;
    private final Timer notificationsToClaims;
    private final Timer delays;
    private final Timer stored;
    private final Counter claimed;
    private final Counter claimFailures;
    private final MultiGauge targetBreakers;
    private final MultiGauge targetLimits;
    private final MultiGauge targetsInFlight;

    // What each job counts is looked up by its labels here: the registry's own look-up makes an id and sorts tags
    // first.
    private final Map<String, Counter> dispatches = new HashMap<>();
    private final Map<AnswerLabels, Timer> answers = new HashMap<>();
    private final Map<OutcomeLabels, Counter> outcomes = new HashMap<>();

    /** Nano time of the first notification that no claim has answered yet. */
    private long notifiedAt;

    private boolean notified;

    private record AnswerLabels(String task, int status) {}

    private record OutcomeLabels(String task, Class<? extends Outcome> outcome, Verdict verdict) {}

    WorkerMetrics(PrometheusMeterRegistry registry, WorkerListener then, InstantSource clock) {
        this.registry = registry;
        this.then = then;
        this.clock = clock;
        this.inFlight = Objects.requireNonNull(registry.gauge("postern.jobs.in.flight", new AtomicInteger()));
        this.claims = histogram("postern.claim", "One claim, from sending to answer");
        this.notificationsToClaims = histogram(
                "postern.notification.to.claim", "From a notification until the claim that follows has come back");
        this.delays = histogram("postern.dispatch.delay", "From when a job was due until it was sent");
        this.stored = Metrics.finish(registry, "worker");
        this.claimed = registry.counter("postern.jobs.claimed");
        this.claimFailures = registry.counter("postern.claim.failures");
        this.targetBreakers = gauges("postern.target.breaker", "0 closed, 1 half-open, 2 open");
        this.targetLimits = gauges("postern.target.limit", "Calls to the target that may be in flight");
        this.targetsInFlight = gauges("postern.target.in.flight", "Calls to the target in flight");
    }

    private Timer histogram(String name, String description) {
        return Timer.builder(name)
                .description(description)
                .publishPercentileHistogram()
                .register(registry);
    }

    private MultiGauge gauges(String name, String description) {
        return MultiGauge.builder(name).description(description).register(registry);
    }

    void notified() {
        if (!notified) {
            notified = true;
            notifiedAt = System.nanoTime();
        }
    }

    @Override
    public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
        long now = System.nanoTime();
        claims.record(took);
        claimed.increment(jobs.size());
        // A claim that was under way when the notification came may have missed its job; the next one does not.
        if (notified && now - took.toNanos() - notifiedAt >= 0) {
            notified = false;
            notificationsToClaims.record(Duration.ofNanos(now - notifiedAt));
        }
        then.claimed(workerId, jobs, took);
    }

    @Override
    public void claimFailed() {
        claimFailures.increment();
        then.claimFailed();
    }

    @Override
    public @Nullable String traceparent(ClaimedJob job) {
        return then.traceparent(job);
    }

    @Override
    public void dispatched(ClaimedJob job, Optional<URI> url) {
        inFlight.incrementAndGet();
        Duration delay = Duration.between(job.runAt().toInstant(), clock.instant());
        // The database's clock may be ahead.
        delays.record(delay.isNegative() ? Duration.ZERO : delay);
        dispatches
                .computeIfAbsent(job.task(), task -> registry.counter("postern.dispatches", "task", task))
                .increment();
        then.dispatched(job, url);
    }

    @Override
    public void answered(ClaimedJob job, int status, Duration took) {
        inFlight.decrementAndGet();
        answers.computeIfAbsent(new AnswerLabels(job.task(), status), this::timer)
                .record(took);
        then.answered(job, status, took);
    }

    @Override
    public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
        outcomes.computeIfAbsent(new OutcomeLabels(job.task(), outcome.getClass(), verdict), this::counter)
                .increment();
        then.ended(job, outcome, verdict);
    }

    @Override
    public void stored(Duration took) {
        stored.record(took);
        then.stored(took);
    }

    @Override
    public void leaseLost(ClaimedJob job) {
        count("postern.leases.lost", job.task());
        then.leaseLost(job);
    }

    @Override
    public void cancelled(ClaimedJob job) {
        count("postern.dispatches.cancelled", job.task());
        then.cancelled(job);
    }

    @Override
    public void released(ClaimedJob job) {
        count("postern.jobs.released", job.task());
        then.released(job);
    }

    @Override
    public void targetOpened(String task) {
        count("postern.target.openings", task);
        then.targetOpened(task);
    }

    @Override
    public void targetPaused(String task) {
        count("postern.target.pauses", task);
        then.targetPaused(task);
    }

    @Override
    public void reported(WorkerReport report) {
        targetBreakers.register(rows(report, target -> target.breaker().ordinal()), true);
        targetLimits.register(rows(report, WorkerReport.Target::limit), true);
        targetsInFlight.register(rows(report, WorkerReport.Target::inFlight), true);
        then.reported(report);
    }

    private void count(String name, String task) {
        registry.counter(name, "task", task).increment();
    }

    private Timer timer(AnswerLabels labels) {
        return Timer.builder("postern.answer")
                .description("From sending a job to its function until the answer is complete; status 0: none")
                .tags("task", labels.task(), "status", Integer.toString(labels.status()))
                .publishPercentileHistogram()
                .register(registry);
    }

    private Counter counter(OutcomeLabels labels) {
        return registry.counter(
                "postern.outcomes",
                "task",
                labels.task(),
                "outcome",
                Metrics.lower(labels.outcome().getSimpleName()),
                "verdict",
                Metrics.lower(labels.verdict().name()));
    }

    private static List<MultiGauge.Row<?>> rows(WorkerReport report, ToIntFunction<WorkerReport.Target> value) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (WorkerReport.Target target : report.targets()) {
            rows.add(MultiGauge.Row.of(Tags.of("task", target.tasks().getFirst()), value.applyAsInt(target)));
        }
        return rows;
    }
}
