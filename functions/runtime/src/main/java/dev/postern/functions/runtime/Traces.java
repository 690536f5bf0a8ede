package dev.postern.functions.runtime;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A span for each call, sent to a collector by OTLP (HTTP, JSON). Written by hand, because a call has one span: OpenTelemetry's
 * SDK would be most of a function's libraries. The call's threads offer, one virtual thread sends; what the collector does
 * not take in time is dropped and counted in the log, and no call ever waits for it.
 */
final class Traces implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Traces.class);
    private static final int BACKLOG = 2048;
    private static final int BATCH = 256;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** How often an idle sender looks whether it is to end. */
    private static final Duration PAUSE = Duration.ofMillis(200);

    private static final int KIND_SERVER = 2;
    private static final int STATUS_ERROR = 2;
    private static final String NOT_SAMPLED = "00";

    private final TraceExport export;
    private final BlockingQueue<ObjectNode> spans = new ArrayBlockingQueue<>(BACKLOG);
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final Thread sender;

    // Written by who stops the server, read by the sender.
    private volatile boolean closing;

    Traces(TraceExport export) {
        this.export = export;
        this.sender = Thread.ofVirtual().name("traces").start(this::send);
    }

    /**
     * The span of a call that has ended.
     *
     * @param failure what nobody foresaw, {@code null} where nothing such happened
     */
    void ended(Job job, Instant start, Instant end, @Nullable String failure) {
        String[] parent = job.traceId() == null || job.traceparent() == null
                ? null
                : job.traceparent().split("-", -1);
        if (parent != null && parent[3].equals(NOT_SAMPLED)) {
            return;
        }
        ObjectNode span = Payloads.JSON
                .createObjectNode()
                .put("traceId", parent == null ? traceId() : parent[1])
                .put("spanId", spanId())
                .put("name", job.task())
                .put("kind", KIND_SERVER)
                .put("startTimeUnixNano", nanos(start))
                .put("endTimeUnixNano", nanos(end));
        if (parent != null) {
            span.put("parentSpanId", parent[2]);
        }
        ArrayNode attributes = span.putArray("attributes");
        attribute(attributes, "postern.job", job.id());
        attribute(attributes, "postern.task", job.task());
        attribute(attributes, "postern.attempt", Integer.toString(job.attempt()));
        attribute(attributes, "postern.tenant", job.databaseId());
        attribute(attributes, "postern.request", job.requestId());
        if (failure != null) {
            span.putObject("status").put("code", STATUS_ERROR).put("message", failure);
        }
        if (!spans.offer(span)) {
            LOG.debug("a span dropped: the collector does not keep up");
        }
    }

    private void send() {
        try {
            while (!closing || !spans.isEmpty()) {
                ObjectNode first = spans.poll(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
                if (first != null) {
                    List<ObjectNode> batch = new ArrayList<>();
                    batch.add(first);
                    spans.drainTo(batch, BATCH - 1);
                    post(batch);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void post(List<ObjectNode> batch) throws InterruptedException {
        ObjectNode document = Payloads.JSON.createObjectNode();
        ObjectNode resource = document.putArray("resourceSpans").addObject();
        attribute(resource.putObject("resource").putArray("attributes"), "service.name", export.service());
        ObjectNode scope = resource.putArray("scopeSpans").addObject();
        scope.putObject("scope").put("name", "postern.functions.runtime");
        scope.putArray("spans").addAll(batch);
        HttpRequest.Builder request = HttpRequest.newBuilder(export.url())
                .timeout(TIMEOUT)
                .header("Content-Type", Reply.JSON)
                .POST(HttpRequest.BodyPublishers.ofString(document.toString()));
        export.headers().forEach(request::header);
        String why;
        try {
            int status = http.send(request.build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
            if (status < 300) {
                return;
            }
            why = "status " + status;
        } catch (IOException e) {
            why = e.getClass().getSimpleName();
        }
        LOG.atWarn().addKeyValue("why", why).addKeyValue("spans", batch.size()).log("spans not taken by the collector");
    }

    private static void attribute(ArrayNode attributes, String key, @Nullable String value) {
        if (value != null) {
            attributes.addObject().put("key", key).putObject("value").put("stringValue", value);
        }
    }

    private static String nanos(Instant time) {
        return Long.toString(Math.multiplyExact(time.getEpochSecond(), 1_000_000_000L) + time.getNano());
    }

    private static String traceId() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    private static String spanId() {
        return traceId().substring(0, 16);
    }

    /** Sends what is left, for as long as one try may take; blocking. */
    @Override
    public void close() {
        closing = true;
        try {
            sender.join(TIMEOUT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        http.shutdownNow();
    }
}
