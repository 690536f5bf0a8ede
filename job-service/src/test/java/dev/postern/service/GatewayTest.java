package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.local.FreePort;
import dev.postern.sql.JobDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Functions called through real processes, with a worker beside the gateway and without. */
class GatewayTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final HttpClient client = HttpClient.newHttpClient();

    @Test
    void aCallTakesTheWorkersWayToItsFunctionAndIsSparedWithIt() throws Exception {
        int port = FreePort.any();
        try (ScriptedFunction function = new ScriptedFunction();
                ServiceProcess service = serve(port, Map.of("FUNCTION_URL", function.url()))) {
            service.awaitReady();
            HttpResponse<String> answer = call(port, "ping");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("x-function-status")).contains("200");
            ScriptedFunction.Call seen = function.calls.getFirst();
            assertThat(seen.header("X-Job-Task")).isEqualTo("ping");
            assertThat(seen.header("X-Job-Id")).isEmpty();
            assertThat(seen.header("X-Callback-Url")).isEmpty();
            assertThat(answer.headers().firstValue("x-request-id")).contains(seen.header("X-Request-Id"));

            function.does(call -> call.answer(500));
            Awaitility.await().until(() -> call(port, "broken").statusCode() == 503);
            HttpResponse<String> spared = call(port, "broken");
            assertThat(spared.body()).contains("urn:postern:problem:function-spared");
            assertThat(spared.headers().firstValue("retry-after")).isPresent();
            // The worker of the same process knows it too, and claims no job for it.
            assertThat(service.output).anyMatch(line -> line.contains("target broken: breaker open"));
        }
    }

    /** Nothing but the gateway's process knows where functions live; a worker of its own process goes there by default. */
    @Test
    void aWorkerWithoutFunctionUrlGoesThroughTheGatewayOfThisMachine() throws Exception {
        int port = FreePort.any();
        try (ScriptedFunction function = new ScriptedFunction();
                ServiceProcess gateway = serve(port, Map.of("POSTERN_ROLES", "api", "FUNCTION_URL", function.url()));
                ServiceProcess worker = serve(port, Map.of("POSTERN_ROLES", "worker"))) {
            gateway.awaitReady();
            worker.awaitReady();

            long id = database.addJob("ping", "{\"n\": 1}");

            Awaitility.await()
                    .until(() -> database.number("select count(*) from app_jobs.job_history where id = ?", id) == 1);
            ScriptedFunction.Call seen = function.calls.getFirst();
            assertThat(seen.header("X-Job-Id")).isEqualTo(Long.toString(id));
            assertThat(seen.header("X-Callback-Url")).contains("/callback/" + id + ".1.");
            assertThat(seen.header("Idempotency-Key")).isEqualTo(JobDatabase.TENANT + ":" + id);
            assertThat(seen.header("X-Database-Id")).isEqualTo(JobDatabase.TENANT.toString());
        }
    }

    @Test
    void aGatewayThatIsItsOwnFunctionUrlSaysSo() throws Exception {
        int port = FreePort.any();
        try (ServiceProcess service =
                serve(port, Map.of("POSTERN_ROLES", "api", "FUNCTION_URL", "http://127.0.0.1:" + port + "/function"))) {
            service.awaitReady();
            HttpResponse<String> answer = call(port, "ping");
            assertThat(answer.statusCode()).isEqualTo(508);
            assertThat(answer.body()).contains("urn:postern:problem:gateway-loop");
        }
    }

    private static ServiceProcess serve(int port, Map<String, String> others) {
        Map<String, String> settings = new HashMap<>(others);
        settings.put("POSTERN_API_PORT", Integer.toString(port));
        settings.put("JOBS_CALLBACK_HOST", "127.0.0.1");
        settings.put("INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any()));
        return ServiceProcess.serve(database.config(), settings);
    }

    private HttpResponse<String> call(int port, String task) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/function/" + task))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{\"n\": 1}"))
                        .build(),
                BodyHandlers.ofString());
    }
}
