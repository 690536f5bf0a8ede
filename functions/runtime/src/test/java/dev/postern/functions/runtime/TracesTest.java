package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
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

    private final BlockingQueue<JsonNode> spans = new LinkedBlockingQueue<>();
    private HttpServer collector;

    @BeforeEach
    void startCollector() throws IOException {
        collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            JsonNode document = Payloads.JSON.readTree(exchange.getRequestBody().readAllBytes());
            String key = exchange.getRequestHeaders().getFirst("X-Key");
            document.at("/resourceSpans/0/scopeSpans/0/spans")
                    .forEach(span -> spans.add(Payloads.JSON
                            .createObjectNode()
                            .put("key", key)
                            .put(
                                    "service",
                                    document.at("/resourceSpans/0/resource/attributes/0/value/stringValue")
                                            .asText())
                            .set("span", span)));
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
            JsonNode sent = next();

            assertThat(sent.path("service").asText()).isEqualTo("traced");
            assertThat(sent.path("key").asText()).isEqualTo("k 1");
            JsonNode span = sent.path("span");
            assertThat(span.path("traceId").asText()).isEqualTo(TRACE);
            assertThat(span.path("parentSpanId").asText()).isEqualTo("b7ad6b7169203331");
            assertThat(span.path("spanId").asText()).matches("[0-9a-f]{16}");
            assertThat(span.path("name").asText()).isEqualTo("greet");
            assertThat(span.path("endTimeUnixNano").asLong())
                    .isGreaterThanOrEqualTo(span.path("startTimeUnixNano").asLong());
            assertThat(span.path("attributes").toString())
                    .contains("{\"key\":\"postern.job\",\"value\":{\"stringValue\":\"1\"}}");
            assertThat(span.has("status")).isFalse();

            function.call("{\"later\": true}");
            assertThat(next().at("/span/traceId").asText())
                    .matches("[0-9a-f]{32}")
                    .isNotEqualTo(TRACE);
        }
    }

    @Test
    void marksWhatNobodyForesawAndLeavesOutWhatIsNotSampled() throws Exception {
        try (var function = FunctionUnderTest.start(config(), JsonNode.class, FUNCTION)) {
            function.call("{}", "traceparent", "00-" + TRACE + "-b7ad6b7169203331-00");
            function.call("{\"fail\": true}");

            JsonNode status = next().at("/span/status");
            assertThat(status.path("code").asInt()).isEqualTo(2);
            assertThat(status.path("message").asText()).isEqualTo("IllegalStateException: as asked");
            assertThat(spans).isEmpty();
        }
    }

    @Test
    void sendsNothingWhereNoEndpointIsSet() {
        assertThat(FunctionConfig.from("f", new Settings(Map.of())).traces()).isNull();
    }

    private JsonNode next() throws InterruptedException {
        return Objects.requireNonNull(spans.poll(20, TimeUnit.SECONDS), "no span came");
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
