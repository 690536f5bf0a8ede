package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class FunctionProcessTest {

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endWhatIsLeft() {
        started.forEach(Process::destroyForcibly);
    }

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
            exchange.getResponseBody().write("ok".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            exchange.close();
        });
        slow.start();
        try (HttpClient http = HttpClient.newHttpClient()) {
            Process function = start(Map.of());
            BufferedReader log = function.inputReader();
            int port = port(log);
            var call = http.sendAsync(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/"))
                            .header("X-Job-Id", "812")
                            .header("X-Job-Attempt", "2")
                            .POST(HttpRequest.BodyPublishers.ofString("{\"ask\":\"http://127.0.0.1:%d/\"}"
                                    .formatted(slow.getAddress().getPort())))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            asked.await();

            // Process.destroy would close the log as well.
            function.toHandle().destroy();
            HttpRequest health = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/healthz"))
                    .build();
            Awaitility.await()
                    .atMost(20, TimeUnit.SECONDS)
                    .until(() -> http.send(health, HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 503);
            answer.countDown();

            assertThat(call.get(20, TimeUnit.SECONDS).body()).isEqualTo("\"ok\"");
            assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
            List<JsonNode> lines = log.lines().map(FunctionProcessTest::json).toList();
            assertThat(lines)
                    .filteredOn(line -> line.path("formattedMessage").asText().equals("call answered"))
                    .singleElement()
                    .satisfies(line -> {
                        assertThat(line.at("/mdc/job").asText()).isEqualTo("812");
                        assertThat(line.at("/mdc/task").asText()).isEqualTo("blocking");
                        assertThat(line.at("/mdc/attempt").asText()).isEqualTo("2");
                        assertThat(line.path("kvpList").toString())
                                .contains("\"ms\"")
                                .contains("200");
                    });
            assertThat(lines.getLast().path("formattedMessage").asText()).isEqualTo("stopped");
        } finally {
            answer.countDown();
            slow.stop(0);
        }
    }

    @Test
    void leavesWhenTheProcessThatStartedItIsKilled() throws Exception {
        Process parent = new ProcessBuilder("cat").start();
        started.add(parent);
        Process function = start(Map.of("POSTERN_PARENT_PID", Long.toString(parent.pid())));
        port(function.inputReader());
        assertThat(function.isAlive()).isTrue();

        parent.destroyForcibly();

        assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(function.exitValue()).isZero();
    }

    @Test
    void leavesWhenTheProcessThatStartedItIsGoneBeforeItLooks() throws Exception {
        Process parent = new ProcessBuilder("true").start();
        parent.waitFor();

        Process function = start(Map.of("POSTERN_PARENT_PID", Long.toString(parent.pid())));

        assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(function.exitValue()).isZero();
    }

    @Test
    void tellsAllMistakesAtOnceAndExitsWithTwo() throws Exception {
        Process function = start(Map.of(
                "PORT",
                "http",
                "POSTERN_DRAIN_SECONDS",
                "-1",
                "POSTERN_TEST_NUMBER",
                "11",
                "POSTERN_PARENT_PID",
                "x",
                "POSTERN_SIGNING_SECRET",
                "hunter2"));

        List<String> errors = function.errorReader().lines().toList();
        assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(function.exitValue()).isEqualTo(2);
        assertThat(errors)
                .filteredOn(line -> line.startsWith("  "))
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).contains("PORT ").contains("'http'"),
                        line -> assertThat(line).contains("POSTERN_DRAIN_SECONDS"),
                        line -> assertThat(line).contains("POSTERN_TEST_NUMBER"),
                        line -> assertThat(line)
                                .contains("POSTERN_SIGNING_SECRET")
                                .doesNotContain("hunter2"),
                        line -> assertThat(line).contains("POSTERN_PARENT_PID"));
    }

    @Test
    void exitsWithOneWhenThePortIsTaken() throws Exception {
        try (var taken = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Process function = start(Map.of("PORT", Integer.toString(taken.getLocalPort())));

            String log = String.join("\n", function.inputReader().lines().toList());
            assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(function.exitValue()).isEqualTo(1);
            assertThat(log).contains("cannot listen on 127.0.0.1:" + taken.getLocalPort());
        }
    }

    private Process start(Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                BlockingFunction.class.getName());
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        builder.environment().remove("POSTERN_PARENT_PID");
        builder.environment().putAll(environment);
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private static int port(BufferedReader log) throws IOException {
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            JsonNode entry = json(line);
            if (entry.path("formattedMessage").asText().equals("listening")) {
                for (JsonNode pair : entry.path("kvpList")) {
                    if (pair.has("port")) {
                        return pair.path("port").asInt();
                    }
                }
            }
        }
        throw new IOException("the function ended without listening");
    }

    private static JsonNode json(String line) {
        try {
            return Payloads.JSON.readTree(line);
        } catch (IOException e) {
            throw new AssertionError("not a line of JSON: " + line, e);
        }
    }
}
