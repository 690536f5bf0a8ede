package dev.postern.functions.systemping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.runtime.FunctionJvm;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Calls the real process, as the worker does, and reads what it logs. */
final class SystemPingTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static FunctionJvm function;

    @BeforeAll
    static void start() throws IOException {
        function = FunctionJvm.ofClass(Main.class, Map.of());
    }

    @AfterAll
    static void stop() {
        function.close();
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
        ping("X-Job-Id", "813", "X-Database-Id", "tenant-a", "traceparent", TRACE);

        JsonNode line = function.line("ping received", "813");
        assertThat(FunctionJvm.value(line, "tenant")).isEqualTo("tenant-a");
        assertThat(FunctionJvm.value(line, "traceparent")).isEqualTo(TRACE);
        assertThat(line.at("/mdc/trace").asText()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
    }

    private static JsonNode ping(String... headers) throws Exception {
        HttpResponse<String> answer = function.post("/system-ping", "{\"any\":\"thing\"}", headers);
        assertThat(answer.statusCode()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }
}
