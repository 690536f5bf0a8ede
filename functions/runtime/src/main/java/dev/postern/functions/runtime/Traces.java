package dev.postern.functions.runtime;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
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
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A span for each call, sent to a collector by OTLP (HTTP, protobuf). The call's threads offer, a thread of OpenTelemetry's SDK
 * sends; what the collector does not take in time is dropped, and no call ever waits for it. The only class that knows the SDK:
 * where no collector is set, it is not loaded.
 */
final class Traces implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Traces.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** Less than a stopping process gives its parts, so that a collector that hangs does not spoil a clean end. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(4);

    /** A collector that is being restarted loses nothing; one that is away is noticed within seconds. */
    private static final RetryPolicy RETRY = RetryPolicy.builder()
            .setMaxAttempts(3)
            .setInitialBackoff(Duration.ofMillis(300))
            .setMaxBackoff(Duration.ofSeconds(1))
            .build();

    /** Short, so that who looks for the trace of a job that has just ended finds it. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("service.name");

    private final SdkTracerProvider provider;
    private final Tracer tracer;

    Traces(TraceExport export) {
        OtlpHttpSpanExporterBuilder exporter = OtlpHttpSpanExporter.builder()
                .setEndpoint(export.url().toString())
                .setConnectTimeout(TIMEOUT)
                .setTimeout(TIMEOUT)
                .setRetryPolicy(RETRY);
        export.headers().forEach(exporter::addHeader);
        provider = SdkTracerProvider.builder()
                .setResource(Resource.getDefault().toBuilder()
                        .put(SERVICE, export.service())
                        .build())
                .setSampler(Sampler.parentBased(Sampler.alwaysOn()))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter.build())
                        .setScheduleDelay(PAUSE)
                        .setExporterTimeout(TIMEOUT)
                        .build())
                .build();
        tracer = provider.get("postern.functions.runtime");
    }

    /**
     * The span of a call that has ended; none where the job's trace is not sampled.
     *
     * @param failure what nobody foresaw, {@code null} where nothing such happened
     */
    void ended(Job job, Instant start, Instant end, @Nullable String failure) {
        SpanBuilder builder = tracer.spanBuilder(job.task())
                .setParent(W3CTraceContextPropagator.getInstance().extract(Context.root(), job, Traceparent.OF_JOB))
                .setSpanKind(SpanKind.SERVER)
                .setStartTimestamp(start);
        attribute(builder, "postern.job", job.id());
        attribute(builder, "postern.task", job.task());
        attribute(builder, "postern.attempt", Integer.toString(job.attempt()));
        attribute(builder, "postern.tenant", job.databaseId());
        attribute(builder, "postern.request", job.requestId());
        Span span = builder.startSpan();
        if (failure != null) {
            span.setStatus(StatusCode.ERROR, failure);
        }
        span.end(end);
    }

    private static void attribute(SpanBuilder span, String key, @Nullable String value) {
        if (value != null) {
            span.setAttribute(key, value);
        }
    }

    /** Sends what is left, for a few seconds at most; blocking. */
    @Override
    public void close() {
        if (!provider.shutdown().join(LAST_WORDS.toSeconds(), TimeUnit.SECONDS).isDone()) {
            LOG.warn("the collector did not take the last spans in time");
        }
    }

    /** Shows the propagator the one header of a job that it may read. */
    private enum Traceparent implements TextMapGetter<Job> {
        OF_JOB;

        @Override
        public Iterable<String> keys(Job job) {
            return List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable Job job, String key) {
            return job != null && key.equals("traceparent") ? job.traceparent() : null;
        }
    }
}
