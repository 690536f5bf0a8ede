package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FunctionProcessTest {

    @Test
    void finishesWhatRunsWhenItIsAskedToStop() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        HttpServer slow = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        slow.createContext("/", exchange -> {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            exchange.sendResponseHeaders(200, 2);
            exchange.getResponseBody().write("ok".getBytes(StandardCharsets.US_ASCII));
            exchange.close();
        });
        slow.start();
        try (FunctionJvm function = start(Map.of())) {
            String payload = "{\"ask\":\"http://127.0.0.1:%d/\"}"
                    .formatted(slow.getAddress().getPort());
            function.url("/");
            CompletableFuture<HttpResponse<String>> call = CompletableFuture.supplyAsync(
                    () -> function.post("/", payload, "X-Job-Id", "812", "X-Job-Attempt", "2"));
            assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();

            function.terminate();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> function.get("/healthz").statusCode() == 503);
            answer.countDown();

            assertThat(call.get(60, TimeUnit.SECONDS).body()).isEqualTo("\"ok\"");
            JsonNode answered = function.line("call answered");
            assertThat(answered.at("/mdc/job").asText()).isEqualTo("812");
            assertThat(answered.at("/mdc/task").asText()).isEqualTo("blocking");
            assertThat(answered.at("/mdc/attempt").asText()).isEqualTo("2");
            assertThat(FunctionJvm.value(answered, "status")).isEqualTo("200");
            assertThat(FunctionJvm.value(answered, "ms")).isNotEmpty();
            function.line("stopped");
            function.exitCode();
            assertThat(function.output())
                    .allSatisfy(line -> assertThat(Payloads.JSON.readTree(line)).isNotNull());
        } finally {
            answer.countDown();
            slow.stop(0);
        }
    }

    @Test
    void leavesWhenTheProcessThatStartedItIsKilled() throws Exception {
        Process parent = new ProcessBuilder("cat").start();
        try (FunctionJvm function = start(Map.of("POSTERN_PARENT_PID", Long.toString(parent.pid())))) {
            function.url("/");
            assertThat(function.isAlive()).isTrue();

            parent.destroyForcibly();

            assertThat(function.exitCode()).isZero();
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void leavesWhenTheProcessThatStartedItIsGoneBeforeItLooks() throws Exception {
        Process parent = new ProcessBuilder("true").start();
        parent.waitFor();

        try (FunctionJvm function = start(Map.of("POSTERN_PARENT_PID", Long.toString(parent.pid())))) {
            assertThat(function.exitCode()).isZero();
        }
    }

    @Test
    void tellsAllMistakesAtOnceAndExitsWithTwo() throws Exception {
        Map<String, String> mistakes = new HashMap<>();
        mistakes.put("PORT", "http");
        mistakes.put("POSTERN_DRAIN_SECONDS", "-1");
        mistakes.put("POSTERN_TEST_NUMBER", "11");
        mistakes.put("POSTERN_PARENT_PID", "x");
        mistakes.put("POSTERN_SIGNING_SECRET", "hunter2");
        mistakes.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
        mistakes.put("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        try (FunctionJvm function = start(mistakes)) {
            assertThat(function.exitCode()).isEqualTo(2);
            assertThat(function.output())
                    .filteredOn(line -> line.startsWith("  "))
                    .satisfiesExactlyInAnyOrder(
                            line -> assertThat(line).contains("PORT ").contains("'http'"),
                            line -> assertThat(line).contains("POSTERN_DRAIN_SECONDS"),
                            line -> assertThat(line).contains("POSTERN_TEST_NUMBER"),
                            line -> assertThat(line)
                                    .contains("POSTERN_SIGNING_SECRET")
                                    .doesNotContain("hunter2"),
                            line -> assertThat(line).contains("POSTERN_PARENT_PID"),
                            line -> assertThat(line)
                                    .contains("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf")
                                    .contains("'grpc'"));
        }
    }

    @Test
    void exitsWithOneWhenThePortIsTaken() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                FunctionJvm function = start(Map.of("PORT", Integer.toString(taken.getLocalPort())))) {
            assertThat(function.exitCode()).isEqualTo(1);
            assertThat(String.join("\n", function.output()))
                    .contains("cannot listen on 127.0.0.1:" + taken.getLocalPort());
        }
    }

    @Test
    void loadsNothingOfOpenTelemetryWhereNoCollectorIsSet(@TempDir Path directory) throws Exception {
        assertThat(classesLoaded(directory.resolve("without"), Map.of())).isEmpty();
        assertThat(classesLoaded(
                        directory.resolve("with"), Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")))
                .isNotEmpty();
    }

    @Test
    void logsAsJsonThatTheCollectorIsNotThereAndEndsInOrder() throws Exception {
        int port;
        try (var nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = nobody.getLocalPort();
        }
        try (FunctionJvm function = start(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port))) {
            assertThat(function.post("/", "{}").statusCode()).isEqualTo(500);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(function.output())
                            .anySatisfy(
                                    line -> assertThat(line).contains("io.opentelemetry", "Failed to export spans")));

            function.terminate();
            function.line("stopped");
            function.exitCode();
            assertThat(function.output()).allSatisfy(line -> assertThat(line).startsWith("{"));
        }
    }

    private static Stream<String> classesLoaded(Path log, Map<String, String> environment) throws Exception {
        Map<String, String> all = new HashMap<>(environment);
        all.put("JAVA_TOOL_OPTIONS", "-Xlog:class+load:file=" + log);
        try (FunctionJvm function = start(all)) {
            assertThat(function.post("/", "[]").statusCode()).isEqualTo(500);
        }
        return Files.readAllLines(log).stream().filter(line -> line.contains("io.opentelemetry."));
    }

    private static FunctionJvm start(Map<String, String> environment) throws IOException {
        return FunctionJvm.ofClass(BlockingFunction.class, environment);
    }
}
