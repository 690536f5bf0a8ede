package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.sql.JobDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The log of a process that does everything: a JSON object a line, with the keys of docs/observability.md and no others. */
class JsonLogTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private final ObjectMapper mapper = new ObjectMapper();

    @Test
    void everyRoleSpeaksJsonWithTheGlossarysKeys() throws Exception {
        try (ScriptedFunction function = new ScriptedFunction()) {
            function.does(call -> {
                call.answer(202);
                call.callBack("/complete", false, "{}");
            });
            int callback = freePort();
            int api = freePort();
            try (ServiceProcess service = ServiceProcess.serve(
                    database.config(),
                    Map.of(
                            "POSTERN_LOG", "json",
                            "POSTERN_API_PORT", Integer.toString(api),
                            "FUNCTION_URL", function.url(),
                            "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(callback),
                            "INTERNAL_JOBS_CALLBACK_URL", "http://127.0.0.1:" + callback + "/callback"))) {
                service.awaitReady();
                database.execute(
                        "select app_jobs.add_scheduled_job(?, 'greet', '{}', to_json(now() + interval '1 second'))",
                        JobDatabase.TENANT);
                HttpClient.newHttpClient()
                        .send(
                                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api + "/v1/jobs"))
                                        .build(),
                                HttpResponse.BodyHandlers.discarding());
                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> keysByRole(service.output)
                                .keySet()
                                .containsAll(Set.of("worker", "scheduler", "callback", "api")));

                Map<String, Set<String>> keys = keysByRole(service.output);
                assertThat(keys.get("worker")).contains("job", "task", "attempt", "worker", "tenant", "verdict", "ms");
                assertThat(keys.get("scheduler")).contains("schedule", "task", "tick", "job", "ms");
                assertThat(keys.get("callback")).contains("job", "attempt", "report", "verdict");
                assertThat(keys.get("api")).contains("request", "trace", "tenant", "status", "ms");
                assertThat(keys.values().stream().flatMap(Set::stream).collect(Collectors.toSet()))
                        .isSubsetOf(documented());
            }
        }
    }

    /** The keys that lines of a package carried; it fails on a line that is no JSON object with a level and a message. */
    private Map<String, Set<String>> keysByRole(List<String> lines) {
        Map<String, Set<String>> keys = new TreeMap<>();
        for (String line : lines) {
            JsonNode json = read(line);
            assertThat(json.path("level").asText()).as(line).isNotEmpty();
            assertThat(json.path("formattedMessage").asText()).as(line).isNotEmpty();
            String logger = json.path("loggerName").asText();
            for (JsonNode pair : json.path("kvpList")) {
                pair.fieldNames()
                        .forEachRemaining(name -> keys.computeIfAbsent(
                                        logger.replaceAll("^dev\\.postern\\.|\\.\\w+$", ""), role -> new TreeSet<>())
                                .add(name));
            }
        }
        return keys;
    }

    private JsonNode read(String line) {
        try {
            JsonNode json = mapper.readTree(line);
            assertThat(json.isObject()).as(line).isTrue();
            return json;
        } catch (IOException e) {
            throw new UncheckedIOException("no JSON: " + line, e);
        }
    }

    private static Set<String> documented() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "observability.md"));
        String table = page.substring(page.indexOf("| key | what | in |"));
        Set<String> names = new TreeSet<>();
        table.lines()
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("\\|", -1)[1])
                .forEach(cell -> Pattern.compile("`(\\w+)`")
                        .matcher(cell)
                        .results()
                        .map(name -> name.group(1))
                        .forEach(names::add));
        return names;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
