package dev.postern.service.telemetry;

import dev.postern.api.ApiListener;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A span for each request to the API, from its headers to the answer's end: the parent of what its jobs and calls do, and
 * where it starts a job over, linked to the trace that the job had. All calls come on the API's event loop.
 */
final class ApiSpans implements ApiListener {

    private final Tracer tracer;
    private final Map<String, Span> open = new HashMap<>();

    ApiSpans(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    public String begun(@Nullable String traceparent) {
        // Its name comes with its route; until then nobody sees it.
        Span span = tracer.spanBuilder("request")
                .setParent(Traces.context(traceparent))
                .setSpanKind(SpanKind.SERVER)
                .startSpan();
        String own = Traces.traceparent(span);
        open.put(own, span);
        return own;
    }

    @Override
    public void answered(Served request, Duration took) {
        Span span = open.remove(request.traceparent());
        if (span == null) {
            return;
        }
        // Paths and methods of strangers are as many as they like.
        if (!request.route().isEmpty()) {
            span.updateName(request.method() + " " + request.route());
            span.setAttribute("http.request.method", request.method());
            span.setAttribute("http.route", request.route());
        }
        span.setAttribute("http.response.status_code", request.status());
        span.setAttribute("postern.request", request.requestId());
        if (request.tenant() != null) {
            span.setAttribute("postern.tenant", request.tenant().toString());
        }
        SpanContext former = Span.fromContext(Traces.context(request.follows())).getSpanContext();
        if (former.isValid()) {
            span.addLink(former);
        }
        if (request.status() >= 500) {
            span.setStatus(StatusCode.ERROR, "HTTP " + request.status());
        }
        span.end();
    }
}
