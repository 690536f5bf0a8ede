package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class TracesTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final JobFunction<JsonNode> FUNCTION = (payload, context) -> {
        if (payload.has("fail")) {
            throw new IllegalStateException("as asked");
        }
        return payload.has("later") ? Answer.later(() -> "done") : Answer.done();
    };

    /** What the collector was sent: a span with the resource and the key that it came with. */
    private record Sent(String service, String key, Span span) {}

    private final BlockingQueue<Sent> spans = new LinkedBlockingQueue<>();
    private HttpServer collector;

    @BeforeEach
    void startCollector() throws IOException {
        collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            String key = exchange.getRequestHeaders().getFirst("X-Key");
            ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(
                    exchange.getRequestBody().readAllBytes());
            for (ResourceSpans resource : request.getResourceSpansList()) {
                String service = value(resource.getResource().getAttributesList(), "service.name");
                resource.getScopeSpansList()
                        .forEach(
                                scope -> scope.getSpansList().forEach(span -> spans.add(new Sent(service, key, span))));
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
    }

    @AfterEach
    void stopCollector() {
        collector.stop(0);
    }

    @Test
    void sendsASpanOfEachCallUnderTheTraceOfItsJob() throws Exception {
        try (var function = FunctionUnderTest.start(config(), JsonNode.class, FUNCTION)) {
            function.call("{}", "traceparent", "00-" + TRACE + "-b7ad6b7169203331-01", "X-Job-Task", "greet");
            Sent sent = next();

            assertThat(sent.service()).isEqualTo("traced");
            assertThat(sent.key()).isEqualTo("k 1");
            Span span = sent.span();
            assertThat(hex(span.getTraceId())).isEqualTo(TRACE);
            assertThat(hex(span.getParentSpanId())).isEqualTo("b7ad6b7169203331");
            assertThat(hex(span.getSpanId())).matches("[0-9a-f]{16}").isNotEqualTo("b7ad6b7169203331");
            assertThat(span.getName()).isEqualTo("greet");
            assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
            assertThat(span.getStartTimeUnixNano()).isPositive().isLessThanOrEqualTo(span.getEndTimeUnixNano());
            assertThat(value(span.getAttributesList(), "postern.job")).isEqualTo("1");
            assertThat(value(span.getAttributesList(), "postern.task")).isEqualTo("greet");
            assertThat(span.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_UNSET);

            function.call("{\"later\": true}");
            assertThat(hex(next().span().getTraceId())).matches("[0-9a-f]{32}").isNotEqualTo(TRACE);
        }
    }

    @Test
    void marksWhatNobodyForesawAndLeavesOutWhatIsNotSampled() throws Exception {
        try (var function = FunctionUnderTest.start(config(), JsonNode.class, FUNCTION)) {
            function.call("{}", "traceparent", "00-" + TRACE + "-b7ad6b7169203331-00");
            function.call("{\"fail\": true}");

            Status status = next().span().getStatus();
            assertThat(status.getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_ERROR);
            assertThat(status.getMessage()).isEqualTo("IllegalStateException: as asked");
            assertThat(spans).isEmpty();
        }
    }

    @Test
    void answersWhileTheCollectorHangsAndSendsTheLastSpansBeforeItEnds() throws Exception {
        CountDownLatch free = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        collector.removeContext("/v1/traces");
        BlockingQueue<Integer> taken = new LinkedBlockingQueue<>();
        collector.createContext("/v1/traces", exchange -> {
            ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(
                    exchange.getRequestBody().readAllBytes());
            reached.countDown();
            try {
                free.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            taken.add(request.getResourceSpans(0).getScopeSpans(0).getSpansCount());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        try (var function = FunctionUnderTest.start(config(), JsonNode.class, FUNCTION)) {
            function.call("{}");
            assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();

            assertThat(function.call("{}").status()).isEqualTo(200);
            free.countDown();
        }
        assertThat(taken).containsExactly(1, 1);
    }

    @Test
    void sendsNothingWhereNoEndpointIsSet() {
        assertThat(FunctionConfig.from("f", new Settings(Map.of())).traces()).isNull();
    }

    private Sent next() throws InterruptedException {
        return Objects.requireNonNull(spans.poll(20, TimeUnit.SECONDS), "no span came");
    }

    private static String value(List<KeyValue> attributes, String key) {
        return attributes.stream()
                .filter(attribute -> attribute.getKey().equals(key))
                .map(attribute -> attribute.getValue().getStringValue())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + key + " in " + attributes));
    }

    private static String hex(ByteString id) {
        return HexFormat.of().formatHex(id.toByteArray());
    }

    private FunctionConfig config() {
        return FunctionConfig.from(
                "traced",
                new Settings(Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "http://127.0.0.1:" + collector.getAddress().getPort() + "/",
                        "OTEL_EXPORTER_OTLP_HEADERS",
                        "X-Key=k%201")));
    }
}
