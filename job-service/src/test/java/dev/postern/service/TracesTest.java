package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import dev.postern.sql.JobDatabase;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The trace of a job, as a collector gets it from a real process: from whoever added it to the function and its report. */
class TracesTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String ADDED_BY = "b7ad6b7169203331";

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final List<String> services = new CopyOnWriteArrayList<>();
    private HttpServer collector;
    private ScriptedFunction function;

    @BeforeEach
    void startCollector() throws IOException {
        function = new ScriptedFunction();
        collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(
                    exchange.getRequestBody().readAllBytes());
            request.getResourceSpansList().forEach(resource -> {
                services.add(value(resource.getResource().getAttributesList(), "service.name"));
                resource.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList()));
            });
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
    }

    @AfterEach
    void stopCollector() {
        collector.stop(0);
        function.close();
    }

    @Test
    void leadsFromWhoeverAddedTheJobToItsFunctionAndItsReport() throws Exception {
        function.does(call -> {
            call.answer(202);
            call.callBack("/complete", false, "{}", "traceparent", call.header("traceparent"));
        });
        try (ServiceProcess service = serve()) {
            service.awaitReady();
            add("greet", "00-" + TRACE + "-" + ADDED_BY + "-01");

            Span dispatch = span("dispatch greet");
            assertThat(hex(dispatch.getTraceId())).isEqualTo(TRACE);
            assertThat(hex(dispatch.getParentSpanId())).isEqualTo(ADDED_BY);
            assertThat(dispatch.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CLIENT);
            assertThat(value(dispatch.getAttributesList(), "postern.task")).isEqualTo("greet");
            assertThat(value(dispatch.getAttributesList(), "postern.tenant")).isEqualTo(JobDatabase.TENANT.toString());
            assertThat(dispatch.getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);

            // The function is called under the dispatch's span, so that its own hangs below.
            assertThat(function.calls.getFirst().header("traceparent"))
                    .isEqualTo("00-" + TRACE + "-" + hex(dispatch.getSpanId()) + "-01");

            Span claim = span("claim");
            assertThat(claim.getLinksList())
                    .as("who added its jobs")
                    .anyMatch(link -> hex(link.getSpanId()).equals(ADDED_BY));
            assertThat(dispatch.getLinksList())
                    .as("the claim that brought the job")
                    .singleElement()
                    .satisfies(link -> assertThat(link.getSpanId()).isEqualTo(claim.getSpanId()));

            Span report = span("report complete");
            assertThat(hex(report.getTraceId())).isEqualTo(TRACE);
            assertThat(report.getParentSpanId()).isEqualTo(dispatch.getSpanId());
            assertThat(report.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
            assertThat(services).containsOnly("postern-test");
        }
    }

    @Test
    void leadsFromARequestToTheApiToTheFunctionAndLinksARetryToTheTraceBefore() throws Exception {
        function.does(call -> call.answer(function.calls.size() == 1 ? 400 : 204));
        try (ServiceProcess service = serve()) {
            service.awaitReady();
            String api = api(service);
            JsonObject created = post(
                    api + "/v1/jobs",
                    "{\"jobType\": \"greet\"}",
                    "traceparent",
                    "00-" + TRACE + "-" + ADDED_BY + "-01",
                    "X-Request-Id",
                    "req-9");
            assertThat(created.getJsonObject("meta").getString("traceId")).isEqualTo(TRACE);

            Span request = span("POST /v1/jobs");
            assertThat(hex(request.getTraceId())).isEqualTo(TRACE);
            assertThat(hex(request.getParentSpanId())).isEqualTo(ADDED_BY);
            assertThat(request.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
            assertThat(value(request.getAttributesList(), "http.route")).isEqualTo("/v1/jobs");
            assertThat(value(request.getAttributesList(), "postern.request")).isEqualTo("req-9");
            assertThat(value(request.getAttributesList(), "postern.tenant")).isNotEmpty();
            Span dispatch = span("dispatch greet");
            assertThat(dispatch.getTraceId()).isEqualTo(request.getTraceId());
            assertThat(dispatch.getParentSpanId()).isEqualTo(request.getSpanId());
            assertThat(function.calls.getFirst().header("traceparent"))
                    .isEqualTo("00-" + TRACE + "-" + hex(dispatch.getSpanId()) + "-01");

            String job = api + "/v1/jobs/" + created.getString("jobId");
            get(job + "/status?wait=30");
            post(job + "/retry", "");
            Span retry = span("POST /v1/jobs/{jobId}/retry");
            assertThat(retry.getTraceId()).isNotEqualTo(request.getTraceId());
            assertThat(retry.getLinksList())
                    .singleElement()
                    .satisfies(link -> assertThat(link.getSpanId()).isEqualTo(request.getSpanId()));
            Awaitility.await()
                    .untilAsserted(() -> assertThat(spans)
                            .anyMatch(span -> span.getName().equals("dispatch greet")
                                    && span.getParentSpanId().equals(retry.getSpanId())));

            // Nobody can fill the collector with names.
            assertThat(send(api + "/v1/" + TRACE, "GET", "").statusCode()).isEqualTo(404);
            assertThat(span("request").getAttributesList())
                    .noneMatch(attribute -> attribute.getKey().equals("http.route"));
        }
    }

    @Test
    void beginsATraceForAJobThatHasNoneAndTellsFailures() throws Exception {
        function.does(call -> call.answer(500));
        try (ServiceProcess service = serve()) {
            service.awaitReady();
            add("greet", null);

            Span dispatch = span("dispatch greet");
            assertThat(dispatch.getParentSpanId()).isEqualTo(ByteString.EMPTY);
            assertThat(function.calls.getFirst().header("traceparent"))
                    .isEqualTo("00-" + hex(dispatch.getTraceId()) + "-" + hex(dispatch.getSpanId()) + "-01");
            assertThat(dispatch.getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
            assertThat(dispatch.getStatus().getMessage()).isEqualTo("HTTP 500");
        }
    }

    @Test
    void sendsNothingOfATraceThatIsNotSampledAndPassesItOn() throws Exception {
        try (ServiceProcess service = serve()) {
            service.awaitReady();
            add("greet", "00-" + TRACE + "-" + ADDED_BY + "-00");
            Awaitility.await().until(() -> !function.calls.isEmpty());
            assertThat(function.calls.getFirst().header("traceparent"))
                    .startsWith("00-" + TRACE)
                    .endsWith("-00");
            // What was begun before the end is sent at the end.
            service.terminate(Duration.ofSeconds(60));
        }
        assertThat(spans).noneMatch(span -> hex(span.getTraceId()).equals(TRACE));
    }

    @Test
    void loadsNothingOfOpenTelemetryWithoutACollector() throws Exception {
        try (ServiceProcess service = ServiceProcess.serve(
                database.config(),
                Map.of(
                        "JAVA_TOOL_OPTIONS", "-Xlog:class+load:stdout",
                        "FUNCTION_URL", function.url(),
                        "POSTERN_ROLES", "worker"))) {
            service.awaitReady();
            add("greet", "00-" + TRACE + "-" + ADDED_BY + "-01");
            Awaitility.await().until(() -> !function.calls.isEmpty());

            assertThat(function.calls.getFirst().header("traceparent"))
                    .isEqualTo("00-" + TRACE + "-" + ADDED_BY + "-01");
            assertThat(service.output)
                    .anyMatch(line -> line.contains("dev.postern.service.telemetry.WorkerMetrics "))
                    .noneMatch(line -> line.contains("io.opentelemetry"));
        }
    }

    private ServiceProcess serve() throws IOException {
        int callback = freePort();
        return ServiceProcess.serve(
                database.config(),
                Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "http://127.0.0.1:" + collector.getAddress().getPort() + "/",
                        "OTEL_SERVICE_NAME",
                        "postern-test",
                        "FUNCTION_URL",
                        function.url(),
                        "POSTERN_ROLES",
                        "worker,callback,api",
                        "INTERNAL_JOBS_CALLBACK_PORT",
                        Integer.toString(callback),
                        "INTERNAL_JOBS_CALLBACK_URL",
                        "http://127.0.0.1:" + callback + "/callback"));
    }

    private void add(String task, @org.jspecify.annotations.Nullable String traceparent) {
        database.execute(
                "select app_jobs.add_job(?, ?, max_attempts => 1, traceparent => ?)",
                JobDatabase.TENANT,
                task,
                traceparent);
    }

    private static String api(ServiceProcess service) {
        String listens = "API listens on ";
        String line = service.output.stream()
                .filter(one -> one.contains(listens))
                .findFirst()
                .orElseThrow();
        return "http://"
                + line.substring(line.indexOf(listens) + listens.length()).strip();
    }

    private static JsonObject post(String url, String body, String... headers) throws Exception {
        HttpResponse<String> answer = send(url, "POST", body, headers);
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return new JsonObject(answer.body());
    }

    private static void get(String url) throws Exception {
        assertThat(send(url, "GET", "").statusCode()).isEqualTo(200);
    }

    private static HttpResponse<String> send(String url, String method, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private Span span(String name) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> spans.stream().anyMatch(span -> span.getName().equals(name)));
        return spans.stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String value(List<KeyValue> attributes, String key) {
        return attributes.stream()
                .filter(attribute -> attribute.getKey().equals(key))
                .map(attribute -> attribute.getValue().getStringValue())
                .findFirst()
                .orElse("");
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }
}
