package dev.postern.service.telemetry;

import dev.postern.callback.CallbackListener;
import dev.postern.scheduler.SchedulerListener;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.Outcome;
import dev.postern.sql.ReapedLease;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import dev.postern.worker.WorkerListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/**
 * Counters and timers of the path a job takes, and gauges of what lies in the tables. docs/observability.md lists them.
 * Labels are bounded: task identifiers, outcomes, statuses; never a job or a tenant. Any thread.
 */
public final class Metrics {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicInteger inFlight = registry.gauge("postern.jobs.in.flight", new AtomicInteger());
    private final MultiGauge jobs = MultiGauge.builder("postern.jobs")
            .description("Jobs by task and state; ended ones of the last day")
            .register(registry);
    private final MultiGauge targetBreakers = MultiGauge.builder("postern.target.breaker")
            .description("0 closed, 1 half-open, 2 open")
            .register(registry);
    private final MultiGauge targetLimits = MultiGauge.builder("postern.target.limit")
            .description("Calls to the target that may be in flight")
            .register(registry);
    private final MultiGauge targetsInFlight = MultiGauge.builder("postern.target.in.flight")
            .description("Calls to the target in flight")
            .register(registry);
    private final AtomicReference<Double> oldestReady = new AtomicReference<>(0.0);
    private final AtomicReference<Double> oldestTick = new AtomicReference<>(0.0);
    private final Timer claims = Timer.builder("postern.claim")
            .description("One claim, from sending to answer")
            .publishPercentileHistogram()
            .register(registry);
    private final Counter claimed = registry.counter("postern.jobs.claimed");
    private final Counter claimFailures = registry.counter("postern.claim.failures");

    // What each job counts is looked up by its labels here: the registry's own look-up makes an id and sorts tags
    // first.
    private final Map<String, Counter> dispatches = new ConcurrentHashMap<>();
    private final Map<AnswerLabels, Timer> answers = new ConcurrentHashMap<>();
    private final Map<OutcomeLabels, Counter> outcomes = new ConcurrentHashMap<>();

    private record AnswerLabels(String task, int status) {}

    private record OutcomeLabels(String task, Class<? extends Outcome> outcome, Verdict verdict) {}

    /** An empty registry. */
    public Metrics() {
        registry.gauge("postern.oldest.ready.seconds", oldestReady, AtomicReference::get);
        registry.gauge("postern.oldest.tick.seconds", oldestTick, AtomicReference::get);
    }

    /** The text of {@code /metrics}. */
    public String scrape() {
        return registry.scrape();
    }

    /** What was last seen in the tables. */
    public void sampled(List<JobDirectory.Count> counts, double oldestReadySeconds, double oldestTickSeconds) {
        jobs.register(
                counts.stream()
                        .map(count ->
                                MultiGauge.Row.of(Tags.of("task", count.task(), "state", count.state()), count.jobs()))
                        .toList(),
                true);
        oldestReady.set(oldestReadySeconds);
        oldestTick.set(oldestTickSeconds);
    }

    /** Whether notifications of a channel arrive; the answer is to be told of each change. 0 until then. */
    public Consumer<Boolean> listening(String channel) {
        AtomicInteger listening = new AtomicInteger();
        registry.gauge("postern.listening", Tags.of("channel", channel), listening);
        return now -> listening.set(now ? 1 : 0);
    }

    /** Counts for a worker, then tells the other listener. */
    public WorkerListener worker(WorkerListener then) {
        return new WorkerListener() {
            @Override
            public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
                claims.record(took);
                claimed.increment(jobs.size());
                then.claimed(workerId, jobs, took);
            }

            @Override
            public void claimFailed() {
                claimFailures.increment();
                then.claimFailed();
            }

            @Override
            public void dispatched(ClaimedJob job, Optional<URI> url) {
                inFlight.incrementAndGet();
                dispatches
                        .computeIfAbsent(job.task(), task -> registry.counter("postern.dispatches", "task", task))
                        .increment();
                then.dispatched(job, url);
            }

            @Override
            public void answered(ClaimedJob job, int status, Duration took) {
                inFlight.decrementAndGet();
                answers.computeIfAbsent(new AnswerLabels(job.task(), status), Metrics.this::timer)
                        .record(took);
                then.answered(job, status, took);
            }

            @Override
            public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
                outcomes.computeIfAbsent(
                                new OutcomeLabels(job.task(), outcome.getClass(), verdict), Metrics.this::counter)
                        .increment();
                then.ended(job, outcome, verdict);
            }

            @Override
            public void leaseLost(ClaimedJob job) {
                registry.counter("postern.leases.lost", "task", job.task()).increment();
                then.leaseLost(job);
            }

            @Override
            public void cancelled(ClaimedJob job) {
                registry.counter("postern.dispatches.cancelled", "task", job.task())
                        .increment();
                then.cancelled(job);
            }

            @Override
            public void released(ClaimedJob job) {
                registry.counter("postern.jobs.released", "task", job.task()).increment();
                then.released(job);
            }

            @Override
            public void targetOpened(String task) {
                registry.counter("postern.target.openings", "task", task).increment();
                then.targetOpened(task);
            }

            @Override
            public void targetPaused(String task) {
                registry.counter("postern.target.pauses", "task", task).increment();
                then.targetPaused(task);
            }

            @Override
            public void reported(WorkerReport report) {
                targetBreakers.register(rows(report, target -> target.breaker().ordinal()), true);
                targetLimits.register(rows(report, WorkerReport.Target::limit), true);
                targetsInFlight.register(rows(report, WorkerReport.Target::inFlight), true);
                then.reported(report);
            }
        };
    }

    /** Counts for a callback server. */
    public CallbackListener callback() {
        return new CallbackListener() {
            @Override
            public void judged(Report report, long jobId, int attempt, Verdict verdict) {
                registry.counter(
                                "postern.callback.verdicts",
                                "report",
                                lower(report.name()),
                                "verdict",
                                lower(verdict.name()))
                        .increment();
            }

            @Override
            public void answered(Report report, int status, Duration took) {
                registry.timer("postern.callback", "report", lower(report.name()), "status", Integer.toString(status))
                        .record(took);
            }
        };
    }

    /** Counts for a scheduler. */
    public SchedulerListener scheduler() {
        return new SchedulerListener() {
            @Override
            public void ticked(long scheduleId, String task, Instant tick, long jobId, Duration lag) {
                Timer.builder("postern.tick.lag")
                        .description("From a tick until a scheduler saw that it was due")
                        .publishPercentileHistogram()
                        .register(registry)
                        .record(lag);
                registry.counter("postern.ticks", "task", task, "result", "made")
                        .increment();
            }

            @Override
            public void passedOver(long scheduleId, String task, int ticks) {
                registry.counter("postern.ticks", "task", task, "result", "missed")
                        .increment(ticks);
            }

            @Override
            public void overlapped(long scheduleId, String task, Instant tick) {
                registry.counter("postern.ticks", "task", task, "result", "overlap")
                        .increment();
            }

            @Override
            public void parked(long scheduleId, String task, String reason) {
                registry.counter("postern.schedules.parked", "task", task).increment();
            }

            @Override
            public void reaped(ReapedLease lease) {
                registry.counter(
                                "postern.leases.reaped",
                                "task",
                                lease.task(),
                                "holder",
                                lease.waited() ? "function" : "worker",
                                "dead",
                                Boolean.toString(lease.dead()))
                        .increment();
            }

            @Override
            public void pruned(String state, int days) {
                registry.counter("postern.history.partitions.dropped", "state", state)
                        .increment(days);
            }

            @Override
            public void pruningPutOff(String state) {
                registry.counter("postern.history.pruning.put.off", "state", state)
                        .increment();
            }

            @Override
            public void purged(int deadLetters) {
                registry.counter("postern.dead.letters.purged").increment(deadLetters);
            }
        };
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
                lower(labels.outcome().getSimpleName()),
                "verdict",
                lower(labels.verdict().name()));
    }

    private static List<MultiGauge.Row<?>> rows(WorkerReport report, ToIntFunction<WorkerReport.Target> value) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (WorkerReport.Target target : report.targets()) {
            rows.add(MultiGauge.Row.of(Tags.of("task", target.tasks().getFirst()), value.applyAsInt(target)));
        }
        return rows;
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
