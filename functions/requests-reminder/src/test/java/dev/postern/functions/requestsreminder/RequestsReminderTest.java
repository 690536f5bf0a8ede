package dev.postern.functions.requestsreminder;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls the real process, as the worker does, and reads what it logs. */
final class RequestsReminderTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TENANT = "11fd9cff-a017-4708-a2f6-3575ba4827d5";
    private static final String ACTOR = "550e8400-e29b-41d4-a716-446655440000";
    private static final String TRACE = "00-fcc240ec823574d28c5fdde567faf8d3-b7ad6b7169203331-01";
    private static final String WAITING = "{\"requestId\":\"efb75502-8fc4-4625-b401-1b03eea10322\"}";

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
    void logsForWhomItWorksAndInWhichTrace() throws Exception {
        HttpResponse<String> answer = call(
                WAITING,
                "X-Job-Id",
                "812",
                "X-Database-Id",
                TENANT,
                "X-Actor-Id",
                ACTOR,
                "X-Entity-Id",
                "order-7",
                "X-Request-Id",
                "req-7",
                "traceparent",
                TRACE);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);

        JsonNode line = function.line("request waits", "812");
        assertThat(FunctionJvm.value(line, "remindsOf")).isEqualTo("efb75502-8fc4-4625-b401-1b03eea10322");
        assertThat(FunctionJvm.value(line, "tenant")).isEqualTo(TENANT);
        assertThat(FunctionJvm.value(line, "actor")).isEqualTo(ACTOR);
        assertThat(FunctionJvm.value(line, "entity")).isEqualTo("order-7");
        assertThat(FunctionJvm.value(line, "request")).isEqualTo("req-7");
        assertThat(FunctionJvm.value(line, "traceparent")).isEqualTo(TRACE);
        assertThat(line.at("/mdc/trace").asText()).isEqualTo("fcc240ec823574d28c5fdde567faf8d3");
        assertThat(line.at("/mdc/tenant").asText()).isEqualTo(TENANT);
        assertThat(line.at("/mdc/job").asText()).isEqualTo("812");
    }

    @Test
    void answersWhomItRemindedOfWhat() throws Exception {
        Instant before = Instant.now();
        JsonNode result = JSON.readTree(
                call(WAITING, "X-Database-Id", TENANT, "X-Actor-Id", ACTOR).body());

        assertThat(result.path("requestId").asText()).isEqualTo("efb75502-8fc4-4625-b401-1b03eea10322");
        assertThat(result.path("tenant").asText()).isEqualTo(TENANT);
        assertThat(result.path("actor").asText()).isEqualTo(ACTOR);
        assertThat(Instant.parse(result.path("remindedAt").asText())).isBetween(before, Instant.now());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"requestId\":\" \"}", "{\"requestId\":null}"})
    void answersBadRequestToAReminderOfNothing(String payload) throws Exception {
        HttpResponse<String> answer = call(payload, "X-Database-Id", TENANT);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(answer.body()).path("field").asText()).isEqualTo("requestId");
    }

    @Test
    void answersBadRequestWhenNobodySaysWhichTenant() throws Exception {
        HttpResponse<String> answer = call(WAITING, "X-Job-Id", "1");

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(answer.body()).path("field").asText()).isEqualTo("X-Database-Id");
    }

    private static HttpResponse<String> call(String payload, String... headers) {
        return function.post("/requests-reminder", payload, headers);
    }
}
