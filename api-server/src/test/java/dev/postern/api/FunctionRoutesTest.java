package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.tenantToken;
import static dev.postern.api.ApiServer.token;
import static dev.postern.api.ApiServer.userToken;
import static dev.postern.api.FakeFunctions.failed;
import static dev.postern.api.FakeFunctions.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiConfig.Calls;
import dev.postern.api.ApiConfig.Tokens;
import dev.postern.api.ApiServer.Answer;
import dev.postern.api.Functions.Reason;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The gateway: what reaches a function, what of its answer reaches the caller, and what is said when there is none. */
class FunctionRoutesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final String ada = userToken(TENANT, ADA);

    @SuppressWarnings("NullAway.Init") // Before each.
    private ApiServer api;

    @BeforeEach
    void start() {
        database.execute("truncate app_jobs.jobs, app_jobs.idempotency_keys, app_jobs.audit_log");
        api = ApiServer.start(database.config(), config -> config.withCalls(new Calls(4, Duration.ofSeconds(7))));
    }

    @AfterEach
    void stop() {
        api.close();
    }

    @Test
    void aFunctionGetsThePayloadAndTheEnvelopeAndItsAnswerIsHandedOn() {
        api.functions.answers(json(200, "{\"greeting\": \"hello\"}", "X-Internal", "secret"));
        Answer answer = api.post(
                "/function/hello%20world",
                ada,
                "{\"name\": \"Ada\", \"n\": 12345678901234567890.10}",
                "X-Request-Id",
                "req-7",
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "Idempotency-Key",
                "42");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.response().body()).isEqualTo("{\"greeting\": \"hello\"}");
        assertThat(answer.header("x-function-status")).isEqualTo("200");
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(answer.header("x-internal")).isEmpty();
        assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
        FakeFunctions.Seen seen = api.functions.calls.getFirst();
        assertThat(seen.task()).isEqualTo("hello world");
        assertThat(seen.payload()).isEqualTo("{\"name\":\"Ada\",\"n\":12345678901234567890.10}");
        assertThat(seen.atMost()).isEqualTo(Duration.ofSeconds(7));
        assertThat(seen.headers())
                .containsEntry("X-Database-Id", TENANT.toString())
                .containsEntry("X-Actor-Id", ADA.toString())
                .containsEntry("X-Request-Id", "req-7")
                .containsEntry("Idempotency-Key", TENANT + ":call:42")
                .hasEntrySatisfying(
                        "traceparent",
                        trace -> assertThat(trace)
                                .startsWith("00-0af7651916cd43dd8448eb211c80319c-")
                                .doesNotContain("b7ad6b7169203331"));
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
    }

    @Test
    void aFunctionsOwnErrorsAreHandedOnAsTheyAre() {
        api.functions.answers(json(422, "{\"error\": \"no name\"}", "X-Job-Error", "true", "Retry-After", "9"));
        Answer answer = api.post("/function/hello", ada, null);
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.header("x-function-status")).isEqualTo("422");
        assertThat(answer.header("retry-after")).isEqualTo("9");
        assertThat(answer.header("x-job-error")).isEqualTo("true");
        assertThat(answer.response().body()).isEqualTo("{\"error\": \"no name\"}");
        assertThat(api.functions.calls.getFirst().payload()).isEqualTo("{}");

        api.functions.answers(json(500, "oh", "Content-Type", "text/plain"));
        assertThat(api.post("/function/hello", ada, "[1]").status()).isEqualTo(500);
        assertThat(api.functions.calls.get(1).payload()).isEqualTo("[1]");
    }

    @Test
    void whatCannotBeHandedOnIsAProblemThatShowsNoAddress() {
        Map<Reason, Integer> statuses = Map.of(
                Reason.NO_ROUTE, 404,
                Reason.SPARED, 503,
                Reason.UNREACHABLE, 502,
                Reason.TIMED_OUT, 504,
                Reason.UNREADABLE, 502,
                Reason.ABORTED, 503);
        assertThat(statuses).containsOnlyKeys(Reason.values());
        statuses.forEach((reason, status) -> {
            api.functions.answers(failed(reason));
            Answer answer = api.post("/function/hello", ada, "{}");
            assertThat(answer.status()).as("%s", reason).isEqualTo(status);
            assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
            assertThat(answer.header("x-function-status")).isEmpty();
            assertThat(answer.response().body()).doesNotContain("inside:8080");
            if (reason == Reason.SPARED) {
                assertThat(answer.header("retry-after")).isEqualTo("7");
            }
        });
        for (int status : List.of(202, 302)) {
            api.functions.answers(json(status, "{}", "Location", "http://inside:8080/other"));
            Answer answer = api.post("/function/hello", ada, "{}");
            assertThat(answer.problem()).isEqualTo("bad-function-answer");
            assertThat(answer.header("location")).isEmpty();
        }
    }

    @Test
    void eachCallLeavesALineThatSaysWhoAndHowItEndedAndNotWhatWasSaid() {
        api.functions.answers(json(422, "{\"error\": \"secret\"}"));
        api.post("/function/hello", ada, "{\"pin\": \"secret\"}", "X-Request-Id", "req-8");
        api.functions.answers(failed(Reason.TIMED_OUT));
        api.post("/function/hello", userToken(TENANT, BOB), "{}");
        api.functions.answers(json(200, "{}"));
        api.post("/function/hello", token(TENANT, ADA, List.of("jobs.create_jobs")), "{}");

        Answer log = api.get("/v1/audit-log?action=functions.call", tenantToken(TENANT));
        assertThat(log.response().body()).doesNotContain("secret");
        assertThat(log.json().getJsonArray("entries").stream()
                        .map(JsonObject.class::cast)
                        .map(line -> line.getString("target") + " " + line.getString("actor") + " "
                                + line.getJsonObject("details").getValue("status") + " "
                                + line.getJsonObject("details").getValue("reason")))
                .containsExactly("function/hello " + BOB + " null timed_out", "function/hello " + ADA + " 422 null");
        assertThat(log.json().getJsonArray("entries").getJsonObject(1).getString("requestId"))
                .isEqualTo("req-8");
    }

    @Test
    void aCallThatCannotBeWrittenDownIsAnsweredAllTheSame() {
        database.execute("alter table app_jobs.audit_log rename to audit_log_away");
        try {
            assertThat(api.post("/function/hello", ada, "{}").status()).isEqualTo(200);
        } finally {
            database.execute("alter table app_jobs.audit_log_away rename to audit_log");
        }
    }

    @Test
    void asyncCallsBecomeJobs() {
        Answer preferred = api.post("/function/later", ada, "{\"n\": 1}", "Prefer", "wait=5, respond-async");
        assertThat(preferred.status()).isEqualTo(202);
        assertThat(preferred.header("preference-applied")).isEqualTo("respond-async");
        Answer asked = api.post("/async-function/later", ada, "[2]", "Idempotency-Key", "k");
        assertThat(asked.status()).isEqualTo(202);
        assertThat(api.functions.calls).isEmpty();
        for (Answer answer : List.of(preferred, asked)) {
            Answer job = api.get(answer.header("location"), ada);
            assertThat(job.status()).isEqualTo(200);
            assertThat(job.json().getJsonObject("job").getString("jobType")).isEqualTo("later");
            assertThat(answer.header("location"))
                    .isEqualTo("/v1/jobs/" + answer.json().getString("jobId"));
        }
        Answer again = api.post("/async-function/later", ada, "[2]", "Idempotency-Key", "k");
        assertThat(again.header("location")).isEqualTo(asked.header("location"));
        assertThat(api.post("/async-function/other", ada, "[2]", "Idempotency-Key", "k")
                        .problem())
                .isEqualTo("conflict");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(2);
    }

    @Test
    void callingAndAddingAreTwoPermissions() {
        String caller = token(TENANT, ADA, List.of("functions.call_functions"));
        assertThat(api.post("/function/hello", caller, "{}").status()).isEqualTo(200);
        assertThat(api.post("/function/hello", caller, "{}", "Prefer", "respond-async")
                        .problem())
                .isEqualTo("forbidden");
        assertThat(api.post("/async-function/hello", caller, "{}").problem()).isEqualTo("forbidden");
        assertThat(api.post("/function/hello", token(TENANT, ADA, List.of("jobs.create_jobs")), "{}")
                        .problem())
                .isEqualTo("forbidden");
    }

    @Test
    void aCallerWithATokenCannotPassForAWorker() {
        api.post("/function/hello", ada, "{}", "X-Callback-Url", "http://evil/", "X-Job-Id", "7");
        assertThat(api.functions.calls.getFirst().headers()).doesNotContainKeys("X-Callback-Url", "X-Job-Id");
    }

    /** On a machine without keys a worker may have the gateway for its FUNCTION_URL: nothing of its job may get lost. */
    @Test
    void aWorkersJobPassesThroughWhereNoKeysAre() {
        try (ApiServer open =
                ApiServer.start(database.config(), config -> config.withAddress("127.0.0.1", 0, Tokens.none()))) {
            open.functions.answers(json(202, "{}", "X-Job-Id", "812", "X-Job-Lease-Seconds", "60"));
            Answer answer = open.post(
                    "/function/hello",
                    "",
                    "{}",
                    "X-Job-Id",
                    "812",
                    "X-Database-Id",
                    OTHER_TENANT.toString(),
                    "X-Callback-Url",
                    "http://127.0.0.1:1/callback/812.1.t",
                    "Idempotency-Key",
                    OTHER_TENANT + ":812");
            assertThat(answer.status()).isEqualTo(202);
            assertThat(answer.header("x-job-id")).isEqualTo("812");
            assertThat(answer.header("x-job-lease-seconds")).isEqualTo("60");
            assertThat(open.functions.calls.getFirst().headers())
                    .containsEntry("X-Job-Id", "812")
                    .containsEntry("X-Callback-Url", "http://127.0.0.1:1/callback/812.1.t")
                    .containsEntry("Idempotency-Key", OTHER_TENANT + ":812")
                    .containsEntry("X-Database-Id", OTHER_TENANT.toString());
        }
    }

    @Test
    void aCallThatComesBackIsRefused() {
        api.post("/function/hello", ada, "{}", "X-Postern-Via", "postern-other");
        String via = api.functions.calls.getFirst().headers().getOrDefault("X-Postern-Via", "");
        assertThat(via).startsWith("postern-other, postern-");

        Answer back = api.post("/function/hello", ada, "{}", "X-Postern-Via", via + ", other");

        assertThat(back.status()).isEqualTo(508);
        assertThat(api.functions.calls).hasSize(1);
    }

    @Test
    void oneTenantHasHalfOfTheCallsThatMayBeUnderWay() throws Exception {
        api.functions.answersLater();
        List<CompletableFuture<?>> waiting =
                List.of(send(ada), send(userToken(TENANT, BOB)), send(userToken(OTHER_TENANT, BOB)));
        for (int i = 0; i < waiting.size(); i++) {
            assertThat(api.functions.open.poll(20, TimeUnit.SECONDS)).isNotNull();
        }

        Answer refused = api.post("/function/hello", ada, "{}");
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("retry-after")).isEqualTo("2");

        api.functions.calls.forEach(call -> call.reply().complete(json(200, "{}")));
        for (CompletableFuture<?> one : waiting) {
            one.get(20, TimeUnit.SECONDS);
        }
        api.functions.answers(json(200, "{}"));
        assertThat(api.post("/function/hello", ada, "{}").status()).isEqualTo(200);
    }

    @Test
    void whoHangsUpHasItsCallBrokenOff() throws Exception {
        api.functions.answersLater();
        try (HttpClient hasty =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            hasty.sendAsync(request(ada).build(), BodyHandlers.ofString());
            assertThat(api.functions.open.poll(20, TimeUnit.SECONDS)).isNotNull();
            hasty.shutdownNow();
            assertThat(api.functions.aborted.poll(20, TimeUnit.SECONDS)).isNotNull();
        }
    }

    private java.net.http.HttpRequest.Builder request(String token) {
        return api.request("/function/hello", token, "content-type", "application/json")
                .POST(BodyPublishers.ofString("{}"));
    }

    private CompletableFuture<?> send(String token) {
        return CompletableFuture.supplyAsync(() -> api.send(request(token).build()));
    }
}
