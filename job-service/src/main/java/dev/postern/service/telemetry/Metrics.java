package dev.postern.service.telemetry;

import dev.postern.api.ApiListener;
import dev.postern.callback.CallbackListener;
import dev.postern.scheduler.SchedulerListener;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.ReapedLease;
import dev.postern.sql.Verdict;
import dev.postern.worker.WorkerListener;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.spi.metrics.PoolMetrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Counters and timers of the path a job takes, and gauges of what lies in the tables. docs/observability.md lists them.
 * Labels are bounded: task identifiers, outcomes, statuses; never a job, and tenants only where somebody says how many. Any
 * thread.
 */
public final class Metrics {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final MultiGauge jobs = MultiGauge.builder("postern.jobs")
            .description("Jobs that have not ended, by task and state")
            .register(registry);
    private final MultiGauge cancelled = MultiGauge.builder("postern.jobs.cancelled.last.hour")
            .description("Jobs that were cancelled in the last hour, running or not, by task")
            .register(registry);
    private final AtomicReference<Double> oldestReady = new AtomicReference<>(0.0);
    private final AtomicReference<Double> oldestTick = new AtomicReference<>(0.0);
    private final MultiGauge tenantJobs = MultiGauge.builder("postern.tenant.jobs")
            .description("Jobs of the tenants with most to do; only with POSTERN_METRICS_TENANTS")
            .register(registry);
    private final AtomicInteger poolInUse = registry.gauge("postern.pool.in.use", new AtomicInteger());
    private final AtomicInteger poolWaiting = registry.gauge("postern.pool.waiting", new AtomicInteger());
    private final Timer poolWaits = registry.timer("postern.pool.wait");
    private final Timer loopLag = registry.timer("postern.event.loop.lag");
    private final Map<ApiLabels, Timer> apiRequests = new ConcurrentHashMap<>();

    /** Set once, before the worker starts. */
    private volatile @Nullable WorkerMetrics worker;

    private record ApiLabels(String operation, int status) {}

    /**
     * An empty registry.
     *
     * @param version of the process
     * @param roles what it does
     */
    public Metrics(String version, Collection<String> roles) {
        registry.gauge(
                "postern.build.info",
                Tags.of(
                        "version",
                        version,
                        "java",
                        Runtime.version().toString(),
                        "roles",
                        roles.stream().sorted().collect(Collectors.joining(","))),
                1);
        registry.gauge("postern.oldest.ready.seconds", oldestReady, AtomicReference::get);
        registry.gauge("postern.oldest.tick.seconds", oldestTick, AtomicReference::get);
    }

    /** Prints the process too, as Micrometer names it: memory, garbage collection, CPU. Call once. */
    @SuppressWarnings("resource") // Watched for as long as the process lives.
    public void watchProcess() {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmGcMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
    }

    /** The text of {@code /metrics}. */
    public String scrape() {
        return registry.scrape();
    }

    /**
     * What was last seen in the tables.
     *
     * @param counts of jobs that have not ended
     * @param cancelledCounts of jobs that were cancelled in the last hour
     */
    public void sampled(
            List<JobDirectory.Count> counts,
            List<JobDirectory.Count> cancelledCounts,
            double oldestReadySeconds,
            double oldestTickSeconds) {
        jobs.register(
                counts.stream()
                        .map(count ->
                                MultiGauge.Row.of(Tags.of("task", count.task(), "state", count.state()), count.jobs()))
                        .toList(),
                true);
        cancelled.register(
                cancelledCounts.stream()
                        .map(count -> MultiGauge.Row.of(Tags.of("task", count.task()), count.jobs()))
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

    /**
     * Counts for a worker, then tells the other listener.
     *
     * @param clock what a job's due time is compared with; how far it is from the database's shows in the delays
     */
    public WorkerListener worker(WorkerListener then, InstantSource clock) {
        WorkerMetrics counting = new WorkerMetrics(registry, then, clock);
        worker = counting;
        return counting;
    }

    /** A notification of jobs has arrived; call it where the worker's listener is called, before the worker wakes. */
    public void notified() {
        WorkerMetrics woken = worker;
        if (woken != null) {
            woken.notified();
        }
    }

    /** Counts for an API server, then tells the other listener. */
    public ApiListener api(ApiListener then) {
        return new ApiListener() {
            @Override
            public @Nullable String begun(@Nullable String traceparent) {
                return then.begun(traceparent);
            }

            @Override
            public void answered(Served request, Duration took) {
                apiRequests
                        .computeIfAbsent(new ApiLabels(request.operation(), request.status()), Metrics.this::timer)
                        .record(took);
                then.answered(request, took);
            }
        };
    }

    /** Watches the pool of connections for statements. */
    public PoolMetrics<Long, Object> pool() {
        return new PoolMetrics<>() {
            @Override
            public Long enqueue() {
                poolWaiting.incrementAndGet();
                return System.nanoTime();
            }

            @Override
            public void dequeue(Long since) {
                poolWaiting.decrementAndGet();
                poolWaits.record(System.nanoTime() - since, TimeUnit.NANOSECONDS);
            }

            @Override
            public Object begin() {
                poolInUse.incrementAndGet();
                return poolInUse;
            }

            @Override
            public void end(Object begun) {
                poolInUse.decrementAndGet();
            }
        };
    }

    /** An event loop came to a timer so much later than was asked for. */
    public void late(Duration by) {
        loopLag.record(by);
    }

    /** What was last seen of the tenants with most to do; replaces what was seen before. */
    public void tenants(List<JobDirectory.TenantCount> counts) {
        tenantJobs.register(
                counts.stream()
                        .map(count -> MultiGauge.Row.of(
                                Tags.of("tenant", count.tenant().toString(), "state", count.state()), count.jobs()))
                        .toList(),
                true);
    }

    /** Counts for a callback server, then tells the other listener. */
    public CallbackListener callback(CallbackListener then) {
        Timer stored = finish(registry, "callback");
        return new CallbackListener() {
            @Override
            public void stored(Duration took) {
                stored.record(took);
            }

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
            public void answered(Report report, int status, Duration took, @Nullable String traceparent) {
                registry.timer("postern.callback", "report", lower(report.name()), "status", Integer.toString(status))
                        .record(took);
                then.answered(report, status, took, traceparent);
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

    private Timer timer(ApiLabels labels) {
        return Timer.builder("postern.api")
                .description("Requests to the HTTP API, from their headers to the answer's end")
                .tags("operation", labels.operation(), "status", Integer.toString(labels.status()))
                .publishPercentileHistogram()
                .register(registry);
    }

    /** One batch of outcomes, from sending to answer. */
    static Timer finish(PrometheusMeterRegistry registry, String role) {
        return Timer.builder("postern.finish")
                .description("One batch of outcomes, from sending to answer")
                .tags("role", role)
                .publishPercentileHistogram()
                .register(registry);
    }

    static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
