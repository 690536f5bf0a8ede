package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.postern.callback.CallbackServer.Answer;
import dev.postern.functions.protocol.AttemptToken;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract: what each request is answered, and what it does to the job. */
class CallbackAnswersTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    static CallbackServer server;

    @BeforeAll
    static void start() {
        server = CallbackServer.start(database, CallbackServer.LOOPBACK);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void acceptsACompletionAndKeepsItsResultAsItWasSent() {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, "/complete", "{\"z\": 1.50,  \"a\": \"ü\"}");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.replayed()).isFalse();
        assertThat(answer.json().getLong("job")).isEqualTo(attempt.jobId());
        assertThat(answer.json().getInteger("attempt")).isOne();
        assertThat(answer.json().getString("state")).isEqualTo("accepted");
        assertThat(history(attempt)).containsEntry("state", "succeeded");
        assertThat(history(attempt).get("result")).hasToString("{\"z\": 1.50,  \"a\": \"ü\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1,2]", "\"text\"", "{}", "null"})
    void acceptsAnyJsonAsAResult(String json) {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/complete", json).status()).isEqualTo(200);
        assertThat(history(attempt).get("result")).hasToString(json);
    }

    @Test
    void acceptsACompletionWithoutABodyOrContentType() {
        Attempt attempt = server.claimed();
        Answer answer = server.send(HttpRequest.newBuilder(server.uri(CallbackServer.path(attempt) + "/complete"))
                .POST(BodyPublishers.noBody())
                .build());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(history(attempt).get("result")).isNull();
    }

    @Test
    void addsFollowUpJobsWithTheOutcome() {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, "/complete", """
                {"jobs": [
                  {"task": "follow-up", "payload": {"n": 1.10}, "key": "k1", "key_mode": "unsafe_dedupe", "queue": "q1",
                   "run_at": "2099-01-31T08:00:00Z", "max_attempts": 3, "priority": -2},
                  {"task": "follow-up-plain", "queue": null}]}""");
        assertThat(answer.status()).isEqualTo(200);

        Map<String, @Nullable Object> added = database.rows("select payload::text, key, queue_name, max_attempts,"
                        + " priority, extract(year from run_at)::int as year, database_id from app_jobs.jobs"
                        + " where task_identifier = 'follow-up'")
                .getFirst();
        assertThat(added)
                .containsEntry("payload", "{\"n\":1.10}")
                .containsEntry("key", "k1")
                .containsEntry("queue_name", "q1")
                .containsEntry("max_attempts", 3)
                .containsEntry("priority", -2)
                .containsEntry("year", 2099)
                .containsEntry("database_id", JobDatabase.TENANT);
        assertThat(database.number("select count(*) from app_jobs.jobs where task_identifier = 'follow-up-plain'"))
                .isOne();
    }

    @Test
    void addsNoFollowUpJobsOfARefusedOutcome() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/fail", "{}").status()).isEqualTo(200);
        assertThat(server.post(attempt, "/complete", "{\"jobs\": [{\"task\": \"never-added\"}]}")
                        .status())
                .isEqualTo(409);
        assertThat(database.number("select count(*) from app_jobs.jobs where task_identifier = 'never-added'"))
                .isZero();
    }

    @Test
    void takesBackTheOutcomeWhenTheDatabaseRefusesAFollowUpJob() {
        Attempt attempt = server.claimed();
        database.execute("""
                create function refuse() returns trigger language plpgsql as $$
                begin raise exception 'REFUSED' using errcode = 'PJ009'; end; $$""");
        database.execute("create trigger refuse before insert on app_jobs.jobs for each row"
                + " when (new.task_identifier = 'refused-by-trigger') execute function refuse()");
        Answer answer = server.post(attempt, "/complete", "{\"jobs\": [{\"task\": \"refused-by-trigger\"}]}");
        assertThat(answer.status()).isEqualTo(400);
        assertUntouched(attempt);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            [{"task":"ok"},{"payload":{}}]                | jobs[1].task
            [{"task":""}]                                 | jobs[0].task
            [{"task":7}]                                  | jobs[0].task
            [{"task":null}]                               | jobs[0].task
            ["ok"]                                        | jobs[0]
            [{"task":"ok","runAt":"2099-01-31T08:00:00Z"}]| jobs[0].runAt
            [{"task":"ok","run_at":"tomorrow"}]           | jobs[0].run_at
            [{"task":"ok","run_at":"2099-01-31T08:00:00"}]| jobs[0].run_at
            [{"task":"ok","run_at":"2099-01-31T24:00:00Z"}]| jobs[0].run_at
            [{"task":"ok","runAt":null}]                  | jobs[0].runAt
            [{"task":"ok","key_mode":"dedupe"}]           | jobs[0].key_mode
            [{"task":"ok","key_mode":1}]                  | jobs[0].key_mode
            [{"task":"ok","max_attempts":0}]              | jobs[0].max_attempts
            [{"task":"ok","max_attempts":1.5}]            | jobs[0].max_attempts
            [{"task":"ok","priority":"high"}]             | jobs[0].priority
            [{"task":"ok","priority":4294967296}]         | jobs[0].priority
            [{"task":"ok","queue":1}]                     | jobs[0].queue
            [{"task":"ok","key":{}}]                      | jobs[0].key
            """)
    void answersBadRequestNamingTheFollowUpJobAndItsField(String jobs, String field) {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, "/complete", "{\"jobs\": " + jobs + "}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-report");
        assertThat(answer.json().getString("detail")).startsWith(field + " ");
        assertUntouched(attempt);
    }

    @Test
    void refusesFollowUpNamesThatTheTableCannotKeep() {
        Attempt attempt = server.claimed();
        for (Map.Entry<String, Integer> field :
                Map.of("task", 127, "queue", 127, "key", 513).entrySet()) {
            JsonObject tooLong = new JsonObject().put("task", "ok").put(field.getKey(), "x".repeat(field.getValue()));
            JsonObject longest =
                    new JsonObject().put("task", "ok").put(field.getKey(), "x".repeat(field.getValue() - 1));
            assertThat(server.post(attempt, "/complete", jobs(longest, tooLong))
                            .json()
                            .getString("detail"))
                    .startsWith("jobs[1]." + field.getKey());
        }
        assertThat(server.post(
                                attempt,
                                "/complete",
                                jobs(new JsonObject()
                                        .put("task", "x".repeat(126))
                                        .put("queue", "x".repeat(126))
                                        .put("key", "x".repeat(512))))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void acceptsAFailureThatIsTriedAgainNotBeforeItsTime() {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, "/fail", "{\"error\": \"mailbox full\", \"retryAfterSeconds\": 7200}");
        assertThat(answer.status()).isEqualTo(200);
        Map<String, @Nullable Object> job = job(attempt);
        assertThat(job)
                .containsEntry("last_error", "mailbox full")
                .containsEntry("attempts", 1)
                .containsEntry("locked_by", null);
        assertThat(database.value(
                        "select run_at > now() + interval '119 min' from app_jobs.jobs where id = ?", attempt.jobId()))
                .isEqualTo(true);
    }

    @Test
    void acceptsAFailureForGoodAsADeadLetter() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/fail", "{\"error\": \"no such user\", \"retry\": false}")
                        .status())
                .isEqualTo(200);
        assertThat(job(attempt)).containsEntry("attempts", 25).containsEntry("last_error", "no such user");
    }

    @Test
    void acceptsAFailureThatSaysNothing() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/fail", "").status()).isEqualTo(200);
        assertThat(job(attempt)).containsEntry("last_error", "UNKNOWN_ERROR").containsEntry("attempts", 1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            /fail      | {"retry": "no"}                   | retry
            /fail      | {"error": {"code": 7}}            | error
            /fail      | {"retryAfterSeconds": -1}         | retryAfterSeconds
            /fail      | {"retryAfterSeconds": 1e300}      | retryAfterSeconds
            /fail      | {"retryAfterSeconds": "60"}       | retryAfterSeconds
            /progress  | {"percent": 101}                  | percent
            /progress  | {"percent": "40"}                 | percent
            /progress  | {"percent": -0.1}                 | percent
            /progress  | {"step": -1, "steps": 3}          | step
            /progress  | {"step": 4, "steps": 3}           | step
            /progress  | {"step": 1}                       | step
            /progress  | {"steps": 3}                      | steps
            /progress  | {"step": 0, "steps": 0}           | steps
            /progress  | {"step": 1, "steps": 1.5}         | steps
            /progress  | {"step": 1, "steps": 99999999999} | steps
            /progress  | {"message": 3}                    | message
            /progress  | {"rows": 17}                      | progress
            /heartbeat | {"leaseSeconds": 0}               | leaseSeconds
            /heartbeat | {"leaseSeconds": "long"}          | leaseSeconds
            """)
    void answersBadRequestNamingTheField(String report, String json, String field) {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, report, json);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-report");
        assertThat(answer.json().getString("detail")).startsWith(field + " ");
        assertThat(answer.json().getLong("job")).isEqualTo(attempt.jobId());
        assertUntouched(attempt);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            /complete  | {"a":
            /complete  | {"a": 1} x
            /complete  | {"a": NaN}
            /complete  | {"a": "\\u0000"}
            /complete  | {"\\u0000": 1}
            /complete  | {"a": "\\ud800"}
            /complete  | {"jobs": [{"task": "a\\u0000"}]}
            /fail      | {"error": "\\u0000"}
            /fail      | []
            /progress  | {"message": "\\u0000"}
            /progress  | {"x": {"y": ["\\udc00"]}}
            /progress  | {"x": 1e999999}
            /progress  | {}
            /progress  | 40
            /heartbeat | []
            ``         | {"status": "success"
            ``         | {"x": "\\u0000"}
            """)
    void answersBadRequestToWhatIsNoReport(String report, String json) {
        Attempt attempt = server.claimed();
        Answer answer = server.post(attempt, report, json);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-report");
        assertUntouched(attempt);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/complete", "/fail", "/progress", "/heartbeat"})
    void answersBadRequestToBrokenTextAndDeepNesting(String report) {
        Attempt attempt = server.claimed();
        for (byte[] body : List.of(
                new byte[] {'{', '"', 'a', '"', ':', '"', (byte) 0xc3, (byte) 0x28, '"', '}'},
                new byte[] {'{', '"', 'a', '"', ':', '"', 0, '"', '}'},
                new byte[] {0, 0, 0},
                "[".repeat(50_000).getBytes(StandardCharsets.UTF_8))) {
            Answer answer = server.send(HttpRequest.newBuilder(server.uri(CallbackServer.path(attempt) + report))
                    .header("content-type", "application/json")
                    .POST(BodyPublishers.ofByteArray(body))
                    .build());
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.problem()).isEqualTo("invalid-report");
        }
        assertUntouched(attempt);
    }

    @Test
    void storesProgressAndExtendsTheLease() {
        Attempt attempt = server.claimed();
        Answer answer = server.post(
                attempt,
                "/progress",
                "{\"percent\": 40.5, \"step\": 2, \"steps\": 6, \"message\": \"rows\", \"rows\": 17}");
        assertThat(answer.status()).isEqualTo(200);
        assertExpiresIn(answer, 300);
        JsonObject stored = new JsonObject(String.valueOf(job(attempt).get("progress")));
        assertThat(stored.remove("at")).isNotNull();
        assertThat(stored)
                .isEqualTo(new JsonObject()
                        .put("percent", 40.5)
                        .put("step", 2)
                        .put("steps", 6)
                        .put("message", "rows"));
    }

    @Test
    void grantsTheLeaseThatAHeartbeatAsksForUpToTheCap() {
        Attempt attempt = server.claimed();
        assertExpiresIn(server.post(attempt, "/heartbeat", ""), 300);
        assertExpiresIn(server.post(attempt, "/heartbeat", "{\"leaseSeconds\": 600}"), 600);
        assertExpiresIn(server.post(attempt, "/heartbeat", "", "X-Job-Lease-Seconds", "900"), 900);
        assertExpiresIn(server.post(attempt, "/heartbeat", "{\"leaseSeconds\": 1000000000000}"), 3600);
        assertThat(server.post(attempt, "/heartbeat", "", "X-Job-Lease-Seconds", "soon")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void tellsAHeartbeatThatItsAttemptHasEnded() {
        Attempt attempt = server.claimed();
        server.post(attempt, "/complete", "");
        Answer answer = server.post(attempt, "/heartbeat", "");
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problem()).isEqualTo("outcome-conflict");
    }

    @Test
    void takesTheCallbackOfAConstructiveFunction() {
        Attempt attempt = server.claimed();
        Answer answer = server.post(
                attempt,
                "",
                "{\"status\":\"success\"}",
                "X-Worker-Id",
                "worker-1",
                "X-Job-Id",
                Long.toString(attempt.jobId()),
                "X-Database-Id",
                JobDatabase.TENANT.toString());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().getString("workerId")).isEqualTo("worker-1");
        assertThat(answer.json().getString("jobId")).isEqualTo(Long.toString(attempt.jobId()));
        assertThat(history(attempt)).containsEntry("state", "succeeded").containsEntry("result", null);
    }

    @Test
    void keepsWhatAConstructiveCallbackSaysBeyondItsStatus() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "", "{\"status\":\"success\",\"sent\":3}")
                        .status())
                .isEqualTo(200);
        assertThat(history(attempt).get("result")).hasToString("{\"status\":\"success\",\"sent\":3}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"status":"error","error":"smtp down"} | smtp down
            {"message":"smtp down"}                | smtp down
            {"error":{"message":"smtp down"}}      | smtp down
            {"error":{"code":7}}                   | {"code":7}
            {"error":""}                           | UNKNOWN_ERROR
            {}                                     | UNKNOWN_ERROR
            ``                                     | UNKNOWN_ERROR
            """)
    void takesTheFailureOfAConstructiveFunction(String json, String message) {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "", json, "X-Job-Error", "true").status())
                .isEqualTo(200);
        assertThat(job(attempt)).containsEntry("last_error", message).containsEntry("locked_by", null);
    }

    @Test
    void ignoresABodyOfAConstructiveCallbackThatIsNotJson() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "", "<p>\0</p>", "content-type", "text/html", "X-Job-Error", "true")
                        .status())
                .isEqualTo(200);
        assertThat(job(attempt)).containsEntry("last_error", "UNKNOWN_ERROR");
    }

    @Test
    void refusesACompletionThatCallsItselfAnError() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/complete", "{}", "X-Job-Error", "true")
                        .status())
                .isEqualTo(400);
        assertUntouched(attempt);
    }

    @Test
    void answersUnknownJob() {
        Answer answer = server.post(new Attempt(987_654_321, 1, UUID.randomUUID()), "/complete", "{}");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.problem()).isEqualTo("unknown-job");
        assertThat(answer.json().getLong("job")).isEqualTo(987_654_321);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/callback",
                "/callback/",
                "/callback/x",
                "/callback/1.1.short",
                "/callback/0.1.AAAAAAAAAAAAAAAAAAAAAA/complete",
                "/callback/1.1.%2e%2e/complete",
                "/callback/99999999999999999999.1.AAAAAAAAAAAAAAAAAAAAAA/fail"
            })
    void answersUnauthorizedWithoutAToken(String path) {
        Answer answer = server.post(path, "{}");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.problem()).isEqualTo("invalid-token");
        assertThat(answer.json().getString("detail")).contains("X-Callback-Url");
        assertThat(answer.header("www-authenticate")).isNotEmpty();
    }

    @Test
    void answersBadRequestWhenTheJobIdContradictsTheToken() {
        Attempt attempt = server.claimed();
        for (String jobId : List.of(Long.toString(attempt.jobId() + 1), "x", "")) {
            Answer answer = server.post(attempt, "", "{}", "X-Job-Id", jobId);
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.json().getString("detail")).startsWith("X-Job-Id ");
        }
        assertUntouched(attempt);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/callback", "/callback/TOKEN", "/callback/TOKEN/complete", "/callback/TOKEN/heartbeat"})
    void answersOtherMethodsWithTheAllowedOne(String path) {
        String target = path.replace("/callback/TOKEN", CallbackServer.path(server.claimed()));
        for (String method : List.of("GET", "PUT", "DELETE", "OPTIONS")) {
            Answer answer = server.send(HttpRequest.newBuilder(server.uri(target))
                    .method(method, BodyPublishers.noBody())
                    .build());
            assertThat(answer.status()).isEqualTo(405);
            assertThat(answer.header("allow")).isEqualTo("POST");
            assertThat(answer.problem()).isEqualTo("method-not-allowed");
        }
    }

    @Test
    void answersNotFoundBesideItsPaths() {
        for (String path : List.of("/", "/metrics", CallbackServer.path(server.claimed()) + "/done")) {
            Answer answer = server.post(path, "{}");
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.problem()).isEqualTo("not-found");
        }
    }

    @Test
    void keepsAResultOfExactlyTheLimitAndRefusesALargerOne() {
        Attempt attempt = server.claimed();
        String largest = "\"" + "x".repeat(ReportReader.KEPT_BYTES - 2) + "\"";
        Answer refused = server.post(attempt, "/complete", largest + " ");
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.problem()).isEqualTo("body-too-large");
        assertUntouched(attempt);
        assertThat(server.post(attempt, "/complete", largest).status()).isEqualTo(200);
    }

    @Test
    void refusesABodyBeyondTheLimitWhetherItsLengthIsDeclaredOrNot() {
        Attempt attempt = server.claimed();
        byte[] tooLarge = new byte[1024 * 1024 + 1];
        for (HttpRequest.BodyPublisher body : List.of(
                BodyPublishers.ofByteArray(tooLarge),
                BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(tooLarge)))) {
            Answer answer = server.send(HttpRequest.newBuilder(server.uri(CallbackServer.path(attempt) + "/fail"))
                    .header("content-type", "application/json")
                    .POST(body)
                    .build());
            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.problem()).isEqualTo("body-too-large");
        }
        assertUntouched(attempt);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/complete", "/fail", "/progress", "/heartbeat"})
    void answersUnsupportedMediaTypeToWhatIsNotJson(String report) {
        Attempt attempt = server.claimed();
        for (List<String> header : List.of(
                List.of("content-type", "application/x-www-form-urlencoded"),
                List.of("content-type", "multipart/form-data; boundary=x"),
                List.of("content-encoding", "gzip"))) {
            Answer answer = server.post(attempt, report, "{\"percent\": 1}", header.get(0), header.get(1));
            assertThat(answer.status()).isEqualTo(415);
            assertThat(answer.problem()).isEqualTo("unsupported-media-type");
        }
        assertUntouched(attempt);
    }

    @Test
    void takesJsonUnderItsOtherNames() {
        assertThat(server.post(
                                server.claimed(),
                                "/complete",
                                "{}",
                                "content-type",
                                "Application/CloudEvents+JSON; charset=utf-8")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void answersItsHealth() {
        Answer answer =
                server.send(HttpRequest.newBuilder(server.uri("/healthz")).build());
        assertThat(answer.status()).isEqualTo(200);
    }

    @Test
    void answersAProblemToWhatIsNotHttp() throws Exception {
        String answer = raw("POST /callback/%zz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 400").contains("malformed-request");
        assertThat(raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains("malformed-request");
        assertThat(raw("POST /" + "x".repeat(10_000) + " HTTP/1.1\r\n\r\n"))
                .contains(" 400 Bad Request")
                .contains("malformed-request");
    }

    @Test
    void neverRepeatsTheToken() {
        Attempt attempt = server.claimed();
        String secret = new AttemptToken(attempt.jobId(), attempt.number(), attempt.lease()).encode();
        for (String report : List.of("/heartbeat", "/nothing", "/fail", "/complete")) {
            assertThat(server.post(attempt, report, "{}").response().body())
                    .doesNotContain(secret.substring(secret.lastIndexOf('.')));
        }
    }

    private static String raw(String request) throws Exception {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), server.verticle().port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(answer);
            return answer.toString(StandardCharsets.UTF_8);
        }
    }

    private static String jobs(JsonObject... jobs) {
        return new JsonObject().put("jobs", new JsonArray(List.of(jobs))).encode();
    }

    private static Map<String, @Nullable Object> history(Attempt attempt) {
        return database.rows("select state, result::text from app_jobs.job_history where id = ?", attempt.jobId())
                .getFirst();
    }

    private static Map<String, @Nullable Object> job(Attempt attempt) {
        return database.rows(
                        "select attempts, locked_by, last_error, progress::text, lease_token from app_jobs.jobs where id = ?",
                        attempt.jobId())
                .getFirst();
    }

    private static void assertUntouched(Attempt attempt) {
        assertThat(job(attempt))
                .containsEntry("locked_by", "worker-1")
                .containsEntry("last_error", null)
                .containsEntry("progress", null)
                .containsEntry("lease_token", attempt.lease());
    }

    private static void assertExpiresIn(Answer answer, long seconds) {
        assertThat(answer.status()).isEqualTo(200);
        assertThat(Instant.parse(answer.json().getString("leaseExpiresAt")))
                .isCloseTo(Instant.now().plusSeconds(seconds), within(60, ChronoUnit.SECONDS));
    }
}
