package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.postern.service.local.FreePort;
import dev.postern.service.local.FunctionProcess;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The transcripts of the C4 jobs pattern and of the jobs/queue proof, request by request, with a worker and a function. */
class ApiTranscriptTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String ORGANIZATION = "11fd9cff-a017-4708-a2f6-3575ba4827d5";
    private static final String USER = "550e8400-e29b-41d4-a716-446655440000";

    private final HttpClient client = HttpClient.newHttpClient();
    private String base = "";

    @Test
    void theC4PatternsTranscriptsAreWhatHappens() throws Exception {
        BlockingQueue<String> reached = new LinkedBlockingQueue<>();
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        AtomicInteger broken = new AtomicInteger(2);
        try (ScriptedFunction function = new ScriptedFunction();
                ServiceProcess service = serve(function)) {
            function.does(call -> {
                switch (call.header("X-Job-Task")) {
                    case "export_report" -> {
                        call.answer(202, "X-Job-Id", call.header("X-Job-Id"));
                        call.callBack("/progress", false, "{\"step\": 2, \"steps\": 6, \"percent\": 40}");
                        reached.add("40");
                        goOn.await();
                        call.callBack("/progress", false, "{\"step\": 5, \"steps\": 6, \"percent\": 95}");
                        reached.add("95");
                        finish.await();
                        call.callBack(
                                "/complete",
                                false,
                                "{\"downloadUrl\": \"/api/v1/exports/quotes.csv\", \"fileSize\": 245760}");
                    }
                    case "broken_report" ->
                        call.answer(broken.getAndDecrement() > 0 ? 400 : 204, "X-Job-Id", call.header("X-Job-Id"));
                    default -> reached.add("never ends");
                }
            });
            awaitApi(service);

            // Job creation and polling. While its task rests nobody takes the job, so that it is seen waiting.
            post("/v1/tasks/export_report/pause", 200, "");
            JsonObject created = post("/v1/jobs", 201, """
                    {"jobType": "export_report", "priority": 5, "maxRetries": 3,
                     "payload": {"reportType": "quotes", "format": "csv", "filters": {"dateFrom": "2024-01-01"}}}""");
            assertThat(created.getString("message")).isEqualTo("Job created successfully");
            String job = "/v1/jobs/" + created.getString("jobId");
            JsonObject queued = get(job + "/status");
            assertThat(queued.getJsonObject("job").getString("status")).isEqualTo("queued");
            assertThat(queued.getJsonObject("job").getString("startedAt")).isNull();
            assertThat(queued.getBoolean("canCancel")).isTrue();
            assertThat(queued.getBoolean("canRetry")).isFalse();
            post("/v1/tasks/export_report/resume", 200, "");
            assertThat(reached.poll(30, TimeUnit.SECONDS)).isEqualTo("40");
            JsonObject running = get(job + "/status");
            assertThat(running.getInteger("progress")).isEqualTo(40);
            assertThat(running.getBoolean("canCancel")).isTrue();
            assertThat(running.getBoolean("canRetry")).isFalse();
            assertThat(running.getJsonObject("job").getString("status")).isEqualTo("running");
            assertThat(running.getJsonObject("job").getInteger("currentStep")).isEqualTo(2);
            assertThat(running.getJsonObject("job").getInteger("totalSteps")).isEqualTo(6);
            assertThat(running.getJsonObject("job").getString("organizationId")).isEqualTo(ORGANIZATION);
            assertThat(running.getJsonObject("job").getString("userId")).isEqualTo(USER);
            assertThat(running.getJsonObject("job").getString("startedAt")).isNotNull();
            JsonObject list = get("/v1/jobs?page=1&pageSize=25&status=running&jobType=export_report");
            assertThat(list.getInteger("total")).isOne();
            assertThat(list.getInteger("totalPages")).isOne();
            goOn.countDown();
            assertThat(reached.poll(30, TimeUnit.SECONDS)).isEqualTo("95");
            assertThat(get(job + "/status").getInteger("progress")).isEqualTo(95);
            finish.countDown();
            JsonObject succeeded = get(job + "/status?wait=30");
            assertThat(succeeded.getInteger("progress")).isEqualTo(100);
            assertThat(succeeded.getBoolean("canCancel")).isFalse();
            assertThat(succeeded.getBoolean("canRetry")).isFalse();
            assertThat(succeeded.getJsonObject("job").getString("status")).isEqualTo("succeeded");
            assertThat(succeeded.getJsonObject("job").getInteger("currentStep")).isEqualTo(6);
            assertThat(succeeded.getJsonObject("job").getJsonObject("result").getInteger("fileSize"))
                    .isEqualTo(245760);
            assertThat(succeeded.getJsonObject("job").getString("completedAt")).isNotNull();

            // Failure and retry.
            String failing = "/v1/jobs/"
                    + post("/v1/jobs", 201, "{\"jobType\": \"broken_report\", \"payload\": {}}")
                            .getString("jobId");
            JsonObject failed = get(failing + "/status?wait=30");
            assertThat(failed.getJsonObject("job").getString("status")).isEqualTo("failed");
            assertThat(failed.getJsonObject("job").getInteger("retryCount")).isZero();
            assertThat(failed.getJsonObject("job").getInteger("maxRetries")).isEqualTo(3);
            assertThat(failed.getJsonObject("job").getString("errorMessage")).isNotBlank();
            assertThat(failed.getBoolean("canCancel")).isFalse();
            assertThat(failed.getBoolean("canRetry")).isTrue();
            assertThat(post(failing + "/retry", 200, "").getString("message"))
                    .isEqualTo("Job retry initiated successfully");
            JsonObject again = get(failing + "/status?wait=30");
            assertThat(again.getJsonObject("job").getString("status")).isEqualTo("failed");
            assertThat(again.getJsonObject("job").getInteger("retryCount")).isOne();
            post(failing + "/retry", 200, "");
            JsonObject mended = get(failing + "/status?wait=30");
            assertThat(mended.getJsonObject("job").getString("status")).isEqualTo("succeeded");
            assertThat(mended.getJsonObject("job").getInteger("retryCount")).isEqualTo(2);
            assertThat(mended.getJsonObject("job").getString("errorMessage")).isNull();

            // Cancel, while it runs.
            String endless = "/v1/jobs/"
                    + post("/v1/jobs", 201, "{\"jobType\": \"endless\"}").getString("jobId");
            assertThat(reached.poll(30, TimeUnit.SECONDS)).isEqualTo("never ends");
            assertThat(post(endless + "/cancel", 200, "").getString("message")).isEqualTo("Job cancelled successfully");
            assertThat(get(endless).getJsonObject("job").getString("status")).isEqualTo("cancelled");
            assertThat(post(endless + "/retry", 409, "").getString("type")).isEqualTo("urn:postern:problem:conflict");
        }
    }

    @Test
    void theProofsTraceIsTheSameInAnswerWorkersLogAndFunction() throws Exception {
        try (ScriptedFunction function = new ScriptedFunction();
                ServiceProcess service = serve(function)) {
            awaitApi(service);

            JsonObject ping = post("/api/jobs/enqueue", 201, "{\"jobName\": \"system.ping\", \"payload\": {}}");
            JsonObject reminder = post(
                    "/api/jobs/enqueue",
                    201,
                    "{\"jobName\": \"requests.reminder\", \"payload\": {\"requestId\": \"efb75502\"}}");

            Awaitility.await().until(() -> function.calls.size() == 2);
            for (JsonObject answer : new JsonObject[] {ping, reminder}) {
                String traceId = answer.getJsonObject("meta").getString("traceId");
                ScriptedFunction.Call call = function.calls.stream()
                        .filter(one -> one.header("X-Job-Id")
                                .equals(answer.getJsonObject("data").getString("jobId")))
                        .findFirst()
                        .orElseThrow();
                assertThat(call.header("traceparent")).contains("-" + traceId + "-");
                assertThat(call.header("X-Database-Id")).isEqualTo(ORGANIZATION);
                assertThat(call.header("X-Actor-Id")).isEqualTo(USER);
                assertThat(call.header("X-Request-Id"))
                        .isEqualTo(answer.getJsonObject("meta").getString("requestId"));
                assertThat(answer.getJsonObject("data").getString("enqueuedAt")).isNotBlank();
                get("/v1/jobs/" + answer.getJsonObject("data").getString("jobId") + "/status?wait=30");
                // In the API's line and in the worker's.
                Awaitility.await()
                        .until(() -> service.output.stream()
                                        .filter(line -> line.contains(traceId))
                                        .count()
                                >= 2);
            }
            assertThat(ping.getJsonObject("meta").getString("traceId"))
                    .isNotEqualTo(reminder.getJsonObject("meta").getString("traceId"));
        }
    }

    /** Skipped where nobody has packaged the functions: they are not among this module's dependencies. */
    @Test
    void theProofsTraceIsInTheLogsOfApiWorkerAndTheSampleFunctions(@TempDir Path logs) throws Exception {
        Path home = Path.of("..");
        for (String name : List.of("system-ping", "requests-reminder")) {
            assumeTrue(
                    Files.isRegularFile(home.resolve("functions/" + name + "/target/" + name + ".jar")),
                    name + " is not packaged");
        }
        Map<String, String> loopback = Map.of("POSTERN_HOST", "127.0.0.1");
        try (FunctionProcess pings = FunctionProcess.start(home, "system-ping", logs, loopback);
                FunctionProcess reminders = FunctionProcess.start(home, "requests-reminder", logs, loopback)) {
            pings.awaitHealthy(client);
            reminders.awaitHealthy(client);
            JsonObject urls = new JsonObject()
                    .put("system.ping", pings.url() + "/system.ping")
                    .put("requests.reminder", reminders.url() + "/requests.reminder");
            try (ServiceProcess service = serve("POSTERN_FUNCTIONS", urls.encode())) {
                awaitApi(service);
                Map<String, JsonObject> answers = Map.of(
                        "system-ping.log",
                        post("/api/jobs/enqueue", 201, "{\"jobName\": \"system.ping\", \"payload\": {}}"),
                        "requests-reminder.log",
                        post(
                                "/api/jobs/enqueue",
                                201,
                                "{\"jobName\": \"requests.reminder\", \"payload\": {\"requestId\": \"efb75502\"}}"));

                for (Map.Entry<String, JsonObject> one : answers.entrySet()) {
                    String trace = one.getValue().getJsonObject("meta").getString("traceId");
                    String job = one.getValue().getJsonObject("data").getString("jobId");
                    JsonObject ended =
                            get("/v1/jobs/" + job + "/status?wait=30").getJsonObject("job");
                    assertThat(ended.getString("status")).isEqualTo("succeeded");
                    assertThat(ended.getJsonObject("result")).isNotNull();
                    Awaitility.await()
                            .untilAsserted(() -> assertThat(service.output)
                                    .as("the API's line")
                                    .anyMatch(line -> line.contains(trace) && line.contains("enqueue 201\""))
                                    .as("the worker's line")
                                    .anyMatch(line -> line.contains(trace)
                                            && line.contains("{\"job\":\"" + job + "\"}")
                                            && line.contains("\"formattedMessage\":\"complete\"")));
                    assertThat(Files.readAllLines(logs.resolve(one.getKey())))
                            .as("the function's line")
                            .anyMatch(line -> line.contains(trace) && line.contains("\"job\":\"" + job + "\""));
                }
            }
        }
    }

    private static ServiceProcess serve(ScriptedFunction function) {
        return serve("FUNCTION_URL", function.url());
    }

    private static ServiceProcess serve(String setting, String functions) {
        int port = FreePort.any();
        return ServiceProcess.serve(
                database.config(),
                Map.of(
                        setting,
                        functions,
                        "POSTERN_LOG",
                        "json",
                        "JOBS_CALLBACK_HOST",
                        "127.0.0.1",
                        "INTERNAL_JOBS_CALLBACK_PORT",
                        Integer.toString(port)));
    }

    private void awaitApi(ServiceProcess service) throws InterruptedException {
        service.awaitReady();
        String listens = "API listens on ";
        String line = service.output.stream()
                .filter(one -> one.contains(listens))
                .findFirst()
                .orElseThrow();
        base = "http://"
                + line.substring(line.indexOf(listens) + listens.length()).replaceFirst("[^0-9.:].*", "");
    }

    private JsonObject get(String path) throws IOException, InterruptedException {
        return send(request(path).GET().build(), 200);
    }

    private JsonObject post(String path, int status, String body) throws IOException, InterruptedException {
        return send(
                request(path)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                status);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path))
                .header("X-Database-Id", ORGANIZATION)
                .header("X-Actor-Id", USER);
    }

    private JsonObject send(HttpRequest request, int status) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return new JsonObject(response.body());
    }
}
