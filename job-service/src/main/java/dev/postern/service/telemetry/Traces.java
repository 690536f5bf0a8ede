package dev.postern.service.telemetry;

import dev.postern.api.ApiListener;
import dev.postern.callback.CallbackListener;
import dev.postern.sql.Attempt;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import dev.postern.worker.WorkerListener;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.common.export.RetryPolicy;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Spans of requests, claims, dispatches and reports, sent to a collector by OTLP (HTTP, protobuf):
 *
 * <pre>
 *   whoever added the job ──parent──▶ dispatch TASK ──parent──▶ the function's span
 *            ▲                            │    ▲ └──parent──▶ report complete
 *            └────────link──── claim ◀────link─┘
 * </pre>
 *
 * <p>A job without a trace gets one from its dispatch on. Event loops offer, a thread of OpenTelemetry's SDK sends; what the
 * collector does not take in time is dropped, and no job ever waits for it. The only class that knows the SDK: where no
 * collector is set, it is not loaded.
 */
public final class Traces implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Traces.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** A collector that hangs must not use up the pod's grace period. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(4);

    /** A collector that is being restarted loses nothing; one that is away is noticed within seconds. */
    private static final RetryPolicy RETRY = RetryPolicy.builder()
            .setMaxAttempts(3)
            .setInitialBackoff(Duration.ofMillis(300))
            .setMaxBackoff(Duration.ofSeconds(1))
            .build();

    /** Short, so that who looks for the trace of a job that has just ended finds it. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** More than a worker holds; who is beyond it lacks the link to its claim. */
    private static final int CLAIMS_REMEMBERED = 10_000;

    private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("service.name");

    private final SdkTracerProvider provider;
    private final Tracer tracer;
    private final InstantSource clock;

    /**
     * Connects to nothing before there is a span.
     *
     * @param url of the collector's receiver for traces
     * @param service the name that the spans are shown under
     * @param headers sent with each request, such as a key
     */
    public Traces(URI url, String service, Map<String, String> headers, InstantSource clock) {
        OtlpHttpSpanExporterBuilder exporter = OtlpHttpSpanExporter.builder()
                .setEndpoint(url.toString())
                .setConnectTimeout(TIMEOUT)
                .setTimeout(TIMEOUT)
                .setRetryPolicy(RETRY);
        headers.forEach(exporter::addHeader);
        this.provider = SdkTracerProvider.builder()
                .setResource(
                        Resource.getDefault().toBuilder().put(SERVICE, service).build())
                .setSampler(Sampler.parentBased(Sampler.alwaysOn()))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter.build())
                        .setScheduleDelay(PAUSE)
                        .setExporterTimeout(TIMEOUT)
                        .build())
                .build();
        this.tracer = provider.get("postern.job-service");
        this.clock = clock;
    }

    /** Traces a worker's claims and dispatches, and tells the other listener everything. */
    public WorkerListener worker(WorkerListener then) {
        return new WorkerSpans(then);
    }

    /** Traces the reports that a callback server answers. */
    public CallbackListener callback() {
        return new CallbackListener() {
            @Override
            public void answered(Report report, int status, Duration took, @Nullable String traceparent) {
                Span span = started("report " + report.name().toLowerCase(Locale.ROOT), took)
                        .setParent(context(traceparent))
                        .setSpanKind(SpanKind.SERVER)
                        .setAttribute("http.response.status_code", status)
                        .startSpan();
                // What is refused is the function's mistake or lateness; only what was not stored is ours.
                if (status >= 500) {
                    span.setStatus(StatusCode.ERROR, "HTTP " + status);
                }
                span.end();
            }
        };
    }

    /** Traces the requests that an API server answers. */
    public ApiListener api() {
        return new ApiSpans(tracer);
    }

    private SpanBuilder started(String name, Duration ago) {
        return tracer.spanBuilder(name).setStartTimestamp(clock.instant().minus(ago));
    }

    static Context context(@Nullable String traceparent) {
        return W3CTraceContextPropagator.getInstance()
                .extract(Context.root(), traceparent == null ? "" : traceparent, Traceparent.ITSELF);
    }

    /** Under which others go on. */
    static String traceparent(Span span) {
        SpanContext own = span.getSpanContext();
        return "00-" + own.getTraceId() + "-" + own.getSpanId() + "-"
                + own.getTraceFlags().asHex();
    }

    /** Sends what is left, for a few seconds at most; blocking. */
    @Override
    public void close() {
        if (!provider.shutdown().join(LAST_WORDS.toSeconds(), TimeUnit.SECONDS).isDone()) {
            log.warn("the collector did not take the last spans in time");
        }
    }

    /**
     * All calls come on the worker's event loop. What is claimed is dispatched or given up, and is forgotten then; of what was
     * given up while the database was away nobody hears, so the number is bounded.
     */
    private final class WorkerSpans implements WorkerListener {

        private final WorkerListener then;
        private final LinkedHashMap<Attempt, SpanContext> claims = new LinkedHashMap<>();
        private final Map<Attempt, Span> dispatches = new HashMap<>();

        private WorkerSpans(WorkerListener then) {
            this.then = then;
        }

        @Override
        public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
            if (!jobs.isEmpty()) {
                SpanBuilder builder = started("claim", took)
                        .setNoParent()
                        .setSpanKind(SpanKind.CLIENT)
                        .setAttribute("postern.worker", workerId)
                        .setAttribute("postern.jobs", jobs.size());
                for (ClaimedJob job : jobs) {
                    SpanContext added =
                            Span.fromContext(context(job.traceparent())).getSpanContext();
                    if (added.isValid()) {
                        builder.addLink(added);
                    }
                }
                Span span = builder.startSpan();
                span.end();
                jobs.forEach(job -> claims.put(job.attempt(), span.getSpanContext()));
                while (claims.size() > CLAIMS_REMEMBERED) {
                    claims.pollFirstEntry();
                }
            }
            then.claimed(workerId, jobs, took);
        }

        @Override
        public @Nullable String traceparent(ClaimedJob job) {
            SpanBuilder builder = tracer.spanBuilder("dispatch " + job.task())
                    .setParent(context(job.traceparent()))
                    .setSpanKind(SpanKind.CLIENT)
                    .setAttribute("postern.job", Long.toString(job.attempt().jobId()))
                    .setAttribute("postern.task", job.task())
                    .setAttribute(
                            "postern.attempt", Integer.toString(job.attempt().number()))
                    .setAttribute("postern.tenant", job.databaseId().toString());
            if (job.requestId() != null) {
                builder.setAttribute("postern.request", job.requestId());
            }
            SpanContext claim = claims.remove(job.attempt());
            if (claim != null) {
                builder.addLink(claim);
            }
            Span span = builder.startSpan();
            dispatches.put(job.attempt(), span);
            return Traces.traceparent(span);
        }

        @Override
        public void answered(ClaimedJob job, int status, Duration took) {
            claims.remove(job.attempt());
            Span span = dispatches.remove(job.attempt());
            if (span != null) {
                span.setAttribute("http.response.status_code", status);
                if (status == 0 || status >= 300) {
                    span.setStatus(StatusCode.ERROR, status == 0 ? "no answer" : "HTTP " + status);
                }
                span.end();
            }
            then.answered(job, status, took);
        }

        @Override
        public void released(ClaimedJob job) {
            claims.remove(job.attempt());
            then.released(job);
        }

        @Override
        public void leaseLost(ClaimedJob job) {
            claims.remove(job.attempt());
            then.leaseLost(job);
        }

        @Override
        public void cancelled(ClaimedJob job) {
            claims.remove(job.attempt());
            then.cancelled(job);
        }

        @Override
        public void claimFailed() {
            then.claimFailed();
        }

        @Override
        public void dispatched(ClaimedJob job, Optional<URI> url) {
            then.dispatched(job, url);
        }

        @Override
        public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
            then.ended(job, outcome, verdict);
        }

        @Override
        public void stored(Duration took) {
            then.stored(took);
        }

        @Override
        public void targetOpened(String task) {
            then.targetOpened(task);
        }

        @Override
        public void targetPaused(String task) {
            then.targetPaused(task);
        }

        @Override
        public void reported(WorkerReport report) {
            then.reported(report);
        }
    }

    /** Shows the propagator the one header that it may read. */
    private enum Traceparent implements TextMapGetter<String> {
        ITSELF;

        @Override
        public Iterable<String> keys(String traceparent) {
            return List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable String traceparent, String key) {
            return key.equals("traceparent") ? traceparent : null;
        }
    }
}
