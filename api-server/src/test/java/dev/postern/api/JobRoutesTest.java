package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.token;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs over HTTP: added, listed, looked at, cancelled, retried. */
class JobRoutesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final String ada = userToken(TENANT, ADA);
    private final String bob = userToken(TENANT, BOB);
    private final String admin = adminToken(TENANT);

    @BeforeAll
    static void start() {
        api = ApiServer.start(database);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history");
    }

    @Test
    void aCreatedJobIsTheTenantsAndTheUsersWithItsTrace() {
        Answer created = api.post(
                "/v1/jobs",
                ada,
                """
                {"jobType": "export_report", "payload": {"format": "csv", "price": 1.10, "n": 12345678901234567890.5},
                 "priority": 5, "maxRetries": 7, "runAt": "2031-01-31T08:00:00+01:00", "queue": "exports",
                 "dedupeKey": "the-export"}""",
                "traceparent",
                "00-c36d1e9348218e7e6b4d8dc079c96cb5-00f067aa0ba902b7-01",
                "X-Request-Id",
                "req-7");

        assertThat(created.status()).isEqualTo(201);
        JsonObject answer = created.json();
        assertThat(answer.getString("message")).isEqualTo("Job created successfully");
        assertThat(answer.getString("outcome")).isEqualTo("inserted");
        assertThat(created.header("location")).isEqualTo("/v1/jobs/" + answer.getString("jobId"));
        assertThat(created.header("x-request-id")).isEqualTo("req-7");
        assertThat(answer.getJsonObject("meta"))
                .isEqualTo(new JsonObject()
                        .put("traceId", "c36d1e9348218e7e6b4d8dc079c96cb5")
                        .put("requestId", "req-7"));
        Map<String, ?> row = database.rows("select database_id, actor_id, task_identifier, payload::text, priority,"
                        + " max_attempts, run_at = '2031-01-31T07:00:00Z' as later, queue_name, key, request_id, traceparent"
                        + " from app_jobs.jobs")
                .getFirst();
        assertThat(row.get("database_id")).isEqualTo(TENANT);
        assertThat(row.get("actor_id")).isEqualTo(ADA);
        assertThat(row.get("task_identifier")).isEqualTo("export_report");
        assertThat(String.valueOf(row.get("payload"))).contains("1.10").contains("12345678901234567890.5");
        assertThat(row.get("priority")).isEqualTo(5);
        assertThat(row.get("max_attempts")).isEqualTo(8);
        assertThat(row.get("later")).isEqualTo(true);
        assertThat(row.get("queue_name")).isEqualTo("exports");
        assertThat(row.get("key")).isEqualTo("the-export");
        assertThat(row.get("request_id")).isEqualTo("req-7");
        assertThat(String.valueOf(row.get("traceparent")))
                .startsWith("00-c36d1e9348218e7e6b4d8dc079c96cb5-")
                .endsWith("-01")
                .doesNotContain("00f067aa0ba902b7");
    }

    @Test
    void aJobHasTheShapeOfTheC4Pattern() {
        long id = api.create(ada, "{\"jobType\": \"export_report\", \"payload\": {\"reportType\": \"quotes\"}}");

        JsonObject status = api.get("/v1/jobs/" + id + "/status", ada).json();

        JsonObject job = status.getJsonObject("job");
        assertThat(job.fieldNames())
                .contains(
                        "id",
                        "organizationId",
                        "userId",
                        "jobType",
                        "status",
                        "priority",
                        "retryCount",
                        "maxRetries",
                        "payload",
                        "result",
                        "errorMessage",
                        "progress",
                        "totalSteps",
                        "currentStep",
                        "startedAt",
                        "completedAt",
                        "scheduledAt",
                        "createdAt",
                        "updatedAt");
        assertThat(job.getString("id")).isEqualTo(Long.toString(id));
        assertThat(job.getString("organizationId")).isEqualTo(TENANT.toString());
        assertThat(job.getString("userId")).isEqualTo(ADA.toString());
        assertThat(job.getString("status")).isEqualTo("queued");
        assertThat(job.getInteger("retryCount")).isZero();
        assertThat(job.getInteger("maxRetries")).isEqualTo(3);
        assertThat(job.getValue("scheduledAt")).isNull();
        assertThat(job.getString("createdAt")).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
        assertThat(job.getJsonObject("payload")).isEqualTo(new JsonObject().put("reportType", "quotes"));
        assertThat(status.getInteger("progress")).isZero();
        assertThat(status.getBoolean("canCancel")).isTrue();
        assertThat(status.getBoolean("canRetry")).isFalse();
        assertThat(api.get("/v1/jobs/" + id, ada).json().getJsonObject("job")).isEqualTo(job);
    }

    @Test
    void manyJobsAreAddedAllOrNoneWithAnAnswerForEach() {
        JsonArray jobs = new JsonArray();
        for (int i = 0; i < 1000; i++) {
            jobs.add(new JsonObject().put("jobType", "many").put("payload", i));
        }
        jobs.getJsonObject(3).put("dedupeKey", "once");
        jobs.getJsonObject(9).put("dedupeKey", "once");

        Answer added = api.post("/v1/jobs", ada, jobs.encode());

        assertThat(added.status()).isEqualTo(201);
        JsonArray answers = added.json().getJsonArray("jobs");
        assertThat(answers).hasSize(1000);
        assertThat(answers.getJsonObject(3).getString("outcome")).isEqualTo("inserted");
        assertThat(answers.getJsonObject(9).getString("outcome")).isEqualTo("deduplicated");
        assertThat(answers.getJsonObject(9).getString("jobId"))
                .isEqualTo(answers.getJsonObject(3).getString("jobId"));
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(999);

        jobs.getJsonObject(500).put("priority", "high");
        Answer refused = api.post("/v1/jobs", ada, jobs.encode());
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.fields()).containsExactly("body[500].priority");
        jobs.getJsonObject(500).remove("priority");
        assertThat(api.post("/v1/jobs", ada, jobs.add(jobs.getJsonObject(0)).encode())
                        .status())
                .isEqualTo(400);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(999);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {}                                            | body.jobType
                    {"jobType": ""}                               | body.jobType
                    {"jobType": 7}                                | body.jobType
                    {"jobType": "a", "priorty": 1}                | body.priorty
                    {"jobType": "a", "priority": 3000000000}      | body.priority
                    {"jobType": "a", "priority": 1.5}             | body.priority
                    {"jobType": "a", "maxRetries": -1}            | body.maxRetries
                    {"jobType": "a", "runAt": "tomorrow"}         | body.runAt
                    {"jobType": "a", "runAt": "2031-02-30T00:00:00Z"} | body.runAt
                    {"jobType": "a", "keyMode": "replace"}        | body.keyMode
                    {"jobType": "a", "dedupeKey": "k", "keyMode": "x"} | body.keyMode
                    {"jobType": "a\\u0000"}                       | body
                    {"jobType": "a", "payload": {"x": 1e999}}     | body
                    {"jobType": "a"                               | body
                    7                                             | body
                    []                                            | body
                    [{"jobType": "a"}, 7]                         | body[1]
                    """)
    void aBadJobIsRefusedNamingTheField(String body, String field) {
        Answer refused = api.post("/v1/jobs", ada, body);
        assertThat(refused.status()).as(refused.response().body()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("invalid-request");
        assertThat(refused.json().getString("field")).isEqualTo(field);
        assertThat(refused.json().getJsonObject("meta").getString("traceId")).hasSize(32);
    }

    @Test
    void aRequestThatIsSentAgainUnderItsKeyIsDoneOnce() {
        String body = "{\"jobType\": \"once\", \"payload\": {\"n\": 1}}";
        Answer first = api.post("/v1/jobs", ada, body, "Idempotency-Key", "k-1");
        Answer again = api.post("/v1/jobs", ada, body, "Idempotency-Key", "k-1");

        assertThat(again.status()).isEqualTo(201);
        assertThat(again.json().getString("jobId")).isEqualTo(first.json().getString("jobId"));
        assertThat(again.header("location")).isEqualTo(first.header("location"));
        assertThat(again.header("idempotent-replay")).isEqualTo("true");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"other\"}", "Idempotency-Key", "k-1")
                        .problem())
                .isEqualTo("conflict");
        assertThat(api.post("/v1/jobs", bob, body, "Idempotency-Key", "k-1")
                        .json()
                        .getString("jobId"))
                .isNotEqualTo(first.json().getString("jobId"));
        // A request that was refused has not used its key.
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"\"}", "Idempotency-Key", "k-2")
                        .status())
                .isEqualTo(400);
        assertThat(api.post("/v1/jobs", ada, body, "Idempotency-Key", "k-2").status())
                .isEqualTo(201);
    }

    @Test
    void everyChangeIsInTheAuditLogWithWhoAndItsTrace() {
        database.execute("truncate app_jobs.audit_log");
        Answer created = api.post("/v1/jobs", ada, "{\"jobType\": \"a\"}", "X-Request-Id", "req-1");
        String job = "job/" + created.json().getString("jobId");
        api.post("/v1/jobs/" + created.json().getString("jobId") + "/cancel", admin, "{\"reason\": \"why not\"}");
        api.post("/v1/jobs/" + created.json().getString("jobId") + "/cancel", admin, null);

        assertThat(database.rows(
                        "select action, target, actor_id, actor, database_id from app_jobs.audit_log order by id"))
                .containsExactly(
                        Map.of(
                                "action",
                                "jobs.create",
                                "target",
                                job,
                                "actor_id",
                                ADA,
                                "actor",
                                ADA.toString(),
                                "database_id",
                                TENANT),
                        Map.of(
                                "action",
                                "jobs.cancel",
                                "target",
                                job,
                                "actor_id",
                                ADA,
                                "actor",
                                ADA.toString(),
                                "database_id",
                                TENANT));
        assertThat(database.value("select request_id from app_jobs.audit_log where action = 'jobs.create'"))
                .isEqualTo("req-1");
        assertThat(database.value("select details ->> 'reason' from app_jobs.audit_log where action = 'jobs.cancel'"))
                .isEqualTo("why not");
    }

    @Test
    void theProofsShapeIsServed() {
        Answer enqueued = api.post(
                "/api/jobs/enqueue", ada, "{\"jobName\": \"system.ping\", \"payload\": {\"requestId\": \"r\"}}");

        assertThat(enqueued.status()).isEqualTo(201);
        JsonObject data = enqueued.json().getJsonObject("data");
        assertThat(data.fieldNames()).containsExactlyInAnyOrder("jobId", "jobName", "enqueuedAt");
        assertThat(data.getString("jobName")).isEqualTo("system.ping");
        assertThat(database.number(
                        "select count(*) from app_jobs.jobs where id = ? and split_part(traceparent, '-', 2) = ?",
                        Long.valueOf(data.getString("jobId")),
                        enqueued.json().getJsonObject("meta").getString("traceId")))
                .isOne();
    }

    @Test
    void whatAUserMayNotSeeIsNotThere() {
        long adas = api.create(ada, "{\"jobType\": \"a\", \"dedupeKey\": \"k\"}");
        String other = adminToken(OTHER_TENANT);

        for (String stranger : List.of(bob, other)) {
            for (String path : List.of("", "/status")) {
                assertThat(api.get("/v1/jobs/" + adas + path, stranger).status())
                        .isEqualTo(404);
            }
            for (String path : List.of("/cancel", "/retry")) {
                assertThat(api.post("/v1/jobs/" + adas + path, stranger, null).status())
                        .isEqualTo(404);
            }
            assertThat(api.get("/v1/jobs", stranger).json().getInteger("total")).isZero();
        }
        assertThat(api.post("/v1/jobs", bob, "{\"jobType\": \"a\", \"dedupeKey\": \"k\"}")
                        .status())
                .isEqualTo(409);
        assertThat(api.post("/v1/jobs", other, "{\"jobType\": \"a\", \"dedupeKey\": \"k\"}")
                        .json()
                        .getString("outcome"))
                .isEqualTo("inserted");
        assertThat(api.get("/v1/jobs/" + adas, admin).status()).isEqualTo(200);
        assertThat(api.post("/v1/jobs/" + adas + "/cancel", admin, null).status())
                .isEqualTo(200);
    }

    @Test
    void eachOperationAsksForItsPermission() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        String nothing = token(TENANT, ADA, List.of());
        assertThat(api.post("/v1/jobs", nothing, "{\"jobType\": \"a\"}").status())
                .isEqualTo(403);
        assertThat(api.get("/v1/jobs/" + id, nothing).status()).isEqualTo(403);
        assertThat(api.get("/v1/jobs", token(TENANT, ADA, List.of("jobs.create_jobs")))
                        .status())
                .isEqualTo(403);
        assertThat(api.post("/v1/jobs/" + id + "/cancel", token(TENANT, ADA, List.of("jobs.view_jobs")), null)
                        .json()
                        .getString("detail"))
                .contains("jobs.cancel_jobs");
        assertThat(api.get("/v1/jobs/" + id, "").status()).isEqualTo(401);
    }

    @Test
    void aCancelledJobIsCancelledForGood() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");

        Answer cancelled = api.post("/v1/jobs/" + id + "/cancel", ada, "{\"reason\": \"ordered twice\"}");

        assertThat(cancelled.json().getString("message")).isEqualTo("Job cancelled successfully");
        JsonObject job = api.get("/v1/jobs/" + id, ada).json().getJsonObject("job");
        assertThat(job.getString("status")).isEqualTo("cancelled");
        assertThat(job.getString("errorMessage")).isEqualTo("ordered twice");
        assertThat(api.post("/v1/jobs/" + id + "/cancel", ada, null).status()).isEqualTo(409);
        assertThat(api.post("/v1/jobs/" + id + "/retry", ada, null).status()).isEqualTo(409);
    }

    @Test
    void aFailedJobIsRetriedUnlessItsRetriesAreUsedUp() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        die(id, "dead");
        JsonObject failed = api.get("/v1/jobs/" + id + "/status", ada).json();
        assertThat(failed.getJsonObject("job").getString("status")).isEqualTo("failed");
        assertThat(failed.getJsonObject("job").getInteger("retryCount")).isZero();
        assertThat(failed.getJsonObject("job").getString("errorMessage")).isEqualTo("broken");
        assertThat(failed.getBoolean("canRetry")).isTrue();
        assertThat(failed.getBoolean("canCancel")).isFalse();
        assertThat(api.post("/v1/jobs/" + id + "/cancel", ada, null).status()).isEqualTo(409);

        Answer retried = api.post("/v1/jobs/" + id + "/retry", ada, null);

        assertThat(retried.json().getString("message")).isEqualTo("Job retry initiated successfully");
        JsonObject again = api.get("/v1/jobs/" + id + "/status", ada).json();
        assertThat(again.getJsonObject("job").getString("status")).isEqualTo("queued");
        assertThat(again.getJsonObject("job").getInteger("retryCount")).isOne();
        assertThat(again.getJsonObject("job").getString("traceId"))
                .isEqualTo(retried.json().getJsonObject("meta").getString("traceId"));
        assertThat(again.getBoolean("canRetry")).isFalse();
        assertThat(api.post("/v1/jobs/" + id + "/retry", ada, null).status()).isEqualTo(409);

        die(id, "dead");
        api.post("/v1/jobs/" + id + "/retry", ada, null);
        die(id, "dead");
        api.post("/v1/jobs/" + id + "/retry", ada, null);
        die(id, "dead");
        JsonObject usedUp = api.get("/v1/jobs/" + id + "/status", ada).json();
        assertThat(usedUp.getJsonObject("job").getInteger("retryCount")).isEqualTo(3);
        assertThat(usedUp.getBoolean("canRetry")).isFalse();
        assertThat(api.post("/v1/jobs/" + id + "/retry", ada, null).json().getString("detail"))
                .contains("3 of 3");
    }

    @Test
    void listsGoByPageAndByCursorTheNewestFirst() {
        for (int i = 0; i < 7; i++) {
            api.create(ada, "{\"jobType\": \"" + (i % 2 == 0 ? "even" : "odd") + "\"}");
        }
        api.create(bob, "{\"jobType\": \"even\"}");
        List<Long> all = database.rows("select id from app_jobs.jobs where actor_id = ? order by id desc", ADA).stream()
                .map(row -> Long.valueOf(String.valueOf(row.get("id"))))
                .toList();
        database.execute("select app_jobs.complete_jobs(array[?::bigint, ?])", all.get(1), all.get(4));

        JsonObject first = api.get("/v1/jobs?page=1&pageSize=3", ada).json();
        assertThat(ids(first)).isEqualTo(all.subList(0, 3));
        assertThat(first.getInteger("total")).isEqualTo(7);
        assertThat(first.getInteger("page")).isEqualTo(1);
        assertThat(first.getInteger("pageSize")).isEqualTo(3);
        assertThat(first.getInteger("totalPages")).isEqualTo(3);
        assertThat(first.getBoolean("totalIsCapped")).isFalse();
        assertThat(ids(api.get("/v1/jobs?page=3&pageSize=3", ada).json())).isEqualTo(all.subList(6, 7));
        JsonObject second = api.get("/v1/jobs?pageSize=3&cursor=" + first.getString("nextCursor"), ada)
                .json();
        assertThat(ids(second)).isEqualTo(all.subList(3, 6));
        JsonObject last = api.get("/v1/jobs?pageSize=3&cursor=" + second.getString("nextCursor"), ada)
                .json();
        assertThat(ids(last)).isEqualTo(all.subList(6, 7));
        assertThat(last.getValue("nextCursor")).isNull();
        assertThat(api.get("/v1/jobs", admin).json().getInteger("total")).isEqualTo(8);
        assertThat(ids(api.get("/v1/jobs?jobType=odd&status=queued", ada).json()))
                .isEqualTo(List.of(all.get(3), all.get(5)));
        assertThat(ids(api.get("/v1/jobs?status=succeeded", ada).json())).isEqualTo(List.of(all.get(1), all.get(4)));
        die(all.getFirst(), "dead");
        assertThat(ids(api.get("/v1/jobs?status=failed,cancelled&error=ROK", ada)
                        .json()))
                .isEqualTo(all.subList(0, 1));
        assertThat(ids(api.get("/v1/jobs?error=%25", ada).json())).isEmpty();
        assertThat(ids(api.get("/v1/jobs?createdAfter=2031-01-01T00:00:00Z", ada)
                        .json()))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "page=0,query.page",
        "pageSize=101,query.pageSize",
        "page=x,query.page",
        "cursor=abc,query.cursor",
        "cursor=9999999999999999999,query.cursor",
        "status=queued%2Cdone,query.status[1]",
        "color=red,query.color",
        "page=1&page=2,query.page",
        "createdAfter=yesterday,query.createdAfter",
        "page=1000&pageSize=100,query.page",
        "jobType=a%00,query.jobType"
    })
    void aBadParameterIsRefusedNamingIt(String query, String field) {
        Answer refused = api.get("/v1/jobs?" + query, ada);
        assertThat(refused.status()).as(refused.response().body()).isEqualTo(400);
        assertThat(refused.json().getString("field")).isEqualTo(field);
    }

    private static List<Long> ids(JsonObject page) {
        return page.getJsonArray("jobs").stream()
                .map(job -> Long.valueOf(((JsonObject) job).getString("id")))
                .toList();
    }

    /** Claims the job and ends the attempt. */
    private static void die(long id, String outcome) {
        database.execute("update app_jobs.jobs set priority = -100, run_at = now() where id = ?", id);
        Map<String, ?> claim = database.rows(
                        "select id, attempt, lease_token from app_jobs.claim_jobs('worker-1', null, 1, '60 s')")
                .getFirst();
        assertThat(claim.get("id")).isEqualTo(id);
        assertThat(database.value(
                        "select verdict from app_jobs.finish_jobs(array[?::bigint], array[?::int], array[?::uuid],"
                                + " array[?::text], array[400], array['broken'], array[0::float8], array[null::text],"
                                + " array[null::text])",
                        id,
                        claim.get("attempt"),
                        claim.get("lease_token"),
                        outcome))
                .isEqualTo("accepted");
    }
}
