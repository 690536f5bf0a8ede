package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.local.FreePort;
import dev.postern.sql.JobDatabase;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Where one process does everything, callers of the API who make it slow do not make the worker slow. */
class ApiIsolationTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @Test
    void requestsThatHangDoNotKeepTheWorkerFromItsJobs() throws Exception {
        int port = FreePort.any();
        try (ScriptedFunction function = new ScriptedFunction();
                HttpClient client = HttpClient.newHttpClient();
                Connection blocker = database.connect();
                Statement lock = blocker.createStatement();
                ServiceProcess service = ServiceProcess.serve(
                        database.config(),
                        Map.of(
                                "FUNCTION_URL", function.url(),
                                "POSTERN_API_PORT", Integer.toString(port),
                                "JOBS_CALLBACK_HOST", "127.0.0.1",
                                "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any())))) {
            service.awaitReady();
            blocker.setAutoCommit(false);
            lock.execute("lock table app_jobs.idempotency_keys in access exclusive mode");
            List<CompletableFuture<HttpResponse<String>>> hanging = IntStream.range(0, 30)
                    .mapToObj(n -> client.sendAsync(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/jobs"))
                                    .header("Content-Type", "application/json")
                                    .header("Idempotency-Key", "key-" + n)
                                    .POST(BodyPublishers.ofString("{\"jobType\": \"hanging\"}"))
                                    .build(),
                            BodyHandlers.ofString()))
                    .toList();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> database.number("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
                            >= 6);

            database.execute("select app_jobs.add_job(?, 'urgent')", JobDatabase.TENANT);

            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> !function.calls.isEmpty());
            assertThat(hanging).noneMatch(CompletableFuture::isDone);
            blocker.rollback();
            client.shutdownNow();
        }
    }
}
