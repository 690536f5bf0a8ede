package dev.postern.functions.systemping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls the real process, as the worker does, and reads what it logs. */
final class SystemPingTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private final Process function;
    private final BufferedReader log;
    private URI url = URI.create("about:blank");

    SystemPingTest() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName());
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        function = builder.start();
        log = function.inputReader();
    }

    @BeforeEach
    void waitUntilItListens() throws IOException {
        url = URI.create("http://127.0.0.1:" + value(line("listening"), "port") + "/system-ping");
    }

    @AfterEach
    void stop() {
        function.destroyForcibly();
    }

    @Test
    void answersThatItIsThere() throws Exception {
        Instant before = Instant.now();
        JsonNode answer = ping("X-Job-Id", "812");

        assertThat(answer.path("pong").asBoolean()).isTrue();
        assertThat(Instant.parse(answer.path("receivedAt").asText())).isBetween(before, Instant.now());
        assertThat(answer.path("job").asText()).isEqualTo("812");
    }

    @Test
    void answersACallByHandToo() throws Exception {
        assertThat(ping("Accept", "*/*").path("job").isNull()).isTrue();
    }

    @Test
    void logsTheTenantAndTheTraceThatItWasCalledWith() throws Exception {
        ping("X-Database-Id", "tenant-a", "traceparent", TRACE);

        JsonNode line = line("ping received");
        assertThat(value(line, "tenant")).isEqualTo("tenant-a");
        assertThat(value(line, "traceparent")).isEqualTo(TRACE);
        assertThat(line.at("/mdc/trace").asText()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
    }

    private JsonNode ping(String... headers) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(url)
                            .headers(headers)
                            .POST(HttpRequest.BodyPublishers.ofString("{\"any\":\"thing\"}"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(200);
            return JSON.readTree(answer.body());
        }
    }

    private JsonNode line(String message) throws IOException {
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            JsonNode entry = JSON.readTree(line);
            if (entry.path("formattedMessage").asText().equals(message)) {
                return entry;
            }
        }
        throw new IOException("the function ended without logging '" + message + "'");
    }

    private static String value(JsonNode line, String key) {
        for (JsonNode pair : line.path("kvpList")) {
            if (pair.has(key)) {
                return pair.path(key).asText();
            }
        }
        throw new AssertionError("no " + key + " in " + line);
    }
}
