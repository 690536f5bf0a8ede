package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Queues, tasks, workers, targets, purges and the audit log: what is shown, what stops, and what is gone. */
class OperationRoutesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final String ada = userToken(TENANT, ADA);
    private final String operator = adminToken(TENANT);

    @BeforeAll
    static void start() {
        api = ApiServer.start(database);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @BeforeEach
    void clean() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.audit_log, app_jobs.workers,"
                + " app_jobs.task_settings, app_jobs.paused_queues");
    }

    @Test
    void queuesAndTasksShowHowManyJobsAreWhere() {
        api.create(ada, "{\"jobType\": \"a\", \"queue\": \"q1\"}");
        api.create(ada, "{\"jobType\": \"b\", \"queue\": \"q2\"}");
        api.create(ada, "{\"jobType\": \"a\", \"queue\": \"q2\"}");
        long dead = api.create(ada, "{\"jobType\": \"a\"}");
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint], 'x')", dead);
        api.create(userToken(OTHER_TENANT, ADA), "{\"jobType\": \"theirs\", \"queue\": \"theirs\"}");

        Answer queues = api.get("/v1/queues?pageSize=1", ada);
        assertThat(names(queues, "queues")).containsExactly("q1");
        Answer more = api.get("/v1/queues?cursor=" + queues.json().getString("nextCursor"), ada);
        assertThat(names(more, "queues")).containsExactly("q2");
        JsonObject q2 = api.get("/v1/queues/q2", ada).json().getJsonObject("queue");
        assertThat(q2.getInteger("queued")).isEqualTo(2);
        assertThat(q2.getBoolean("countsAreCapped")).isFalse();
        assertThat(names(api.get("/v1/tasks", ada), "tasks")).containsExactly("a", "b");
        JsonObject a = api.get("/v1/tasks/a", ada).json().getJsonObject("task");
        assertThat(a.getInteger("queued")).isEqualTo(2);
        assertThat(a.getInteger("failed")).isOne();
        assertThat(names(api.get("/v1/queues", userToken(TENANT, BOB)), "queues"))
                .as("only what is his own")
                .isEmpty();
        assertThat(api.get("/v1/queues/theirs", ada).status()).isEqualTo(404);
        assertThat(api.get("/v1/tasks/theirs", ada).status()).isEqualTo(404);
    }

    @Test
    void aPausedQueueIsNotClaimedUntilItIsResumed() {
        api.create(ada, "{\"jobType\": \"a\", \"queue\": \"q\"}");
        api.create(userToken(OTHER_TENANT, BOB), "{\"jobType\": \"a\", \"queue\": \"q\"}");

        assertThat(api.post("/v1/queues/q/pause", ada, null).status()).isEqualTo(200);

        JsonObject paused = api.get("/v1/queues/q", ada).json().getJsonObject("queue");
        assertThat(paused.getString("pausedBy")).isEqualTo(ADA.toString());
        assertThat(paused.getString("pausedAt")).isNotNull();
        // The other tenant's queue of the same name goes on.
        assertThat(claimed()).containsExactly(OTHER_TENANT);
        assertThat(api.post("/v1/queues/q/resume", ada, null).status()).isEqualTo(200);
        assertThat(api.post("/v1/queues/q/resume", ada, null).problem()).isEqualTo("conflict");
        assertThat(claimed()).containsExactly(TENANT);
        assertThat(actions()).containsExactly("queues.resume", "queues.pause");
    }

    @Test
    void aTaskIsPausedByOperatorsOnlyAndForAllTenants() {
        api.create(userToken(OTHER_TENANT, BOB), "{\"jobType\": \"a\"}");
        assertThat(api.post("/v1/tasks/a/pause", ada, null).problem()).isEqualTo("forbidden");

        assertThat(api.post("/v1/tasks/a/pause", operator, null).status()).isEqualTo(200);
        assertThat(claimed()).isEmpty();
        assertThat(api.get("/v1/tasks/a", userToken(OTHER_TENANT, BOB))
                        .json()
                        .getJsonObject("task")
                        .getString("pausedAt"))
                .isNotNull();
        assertThat(api.post("/v1/tasks/a/resume", operator, null).status()).isEqualTo(200);
        assertThat(api.post("/v1/tasks/a/resume", operator, null).problem()).isEqualTo("conflict");
        assertThat(claimed()).containsExactly(OTHER_TENANT);
        assertThat(actions()).containsExactly("tasks.resume", "tasks.pause");
    }

    @Test
    void workersAndTheTargetsThatTheySpareAreShownToOperators() {
        database.execute("select app_jobs.report_worker('host.w1', array['a', 'b'], 64, 2, ?::jsonb)", """
                [{"tasks": ["a"], "breaker": "open", "openMs": 4000, "pausedMs": 0, "limit": 32, "inFlight": 0,
                  "calls": 20, "failures": 20, "why": "HTTP 500"}]""");
        database.execute("select app_jobs.report_worker('host.w2', null, 8, 0, '[]')");

        JsonArray workers = api.get("/v1/workers", operator).json().getJsonArray("workers");
        assertThat(workers).hasSize(2);
        assertThat(workers.getJsonObject(1).getValue("tasks")).isNull();
        JsonObject one = api.get("/v1/workers/host.w1", operator).json().getJsonObject("worker");
        assertThat(one.getInteger("slots")).isEqualTo(64);
        assertThat(api.get("/v1/workers/host.w3", operator).status()).isEqualTo(404);
        JsonObject target = api.get("/v1/targets?task=a", operator)
                .json()
                .getJsonArray("targets")
                .getJsonObject(0);
        assertThat(target.getString("workerId")).isEqualTo("host.w1");
        assertThat(target.getString("breaker")).isEqualTo("open");
        assertThat(api.get("/v1/targets?task=b", operator).json().getJsonArray("targets"))
                .isEmpty();
        for (String path : List.of("/v1/workers", "/v1/workers/host.w1", "/v1/targets")) {
            assertThat(api.get(path, ada).problem()).isEqualTo("forbidden");
        }
    }

    @Test
    void purgesForgetWhatHasEndedOrIsDeadAndNothingElse() {
        long alive = api.create(ada, "{\"jobType\": \"a\"}");
        long dead = api.create(ada, "{\"jobType\": \"a\"}");
        long ended = api.create(ada, "{\"jobType\": \"a\"}");
        long bobs = api.create(userToken(TENANT, BOB), "{\"jobType\": \"a\"}");
        database.execute("select app_jobs.permanently_fail_jobs(array[?, ?]::bigint[], 'x')", dead, bobs);
        database.execute("select app_jobs.complete_jobs(array[?::bigint])", ended);

        JsonObject dry =
                api.post("/v1/dead-letters/purge", ada, "{\"dryRun\": true}").json();
        assertThat(dry.getInteger("count")).isOne();
        assertThat(api.get("/v1/jobs/" + dead, ada).status()).isEqualTo(200);
        JsonObject letters = api.post("/v1/dead-letters/purge", ada, "{}").json();
        assertThat(letters.getJsonArray("jobIds")).containsExactly(Long.toString(dead));
        JsonObject jobs =
                api.post("/v1/jobs/purge", ada, "{\"status\": [\"succeeded\"]}").json();
        assertThat(jobs.getJsonArray("jobIds")).containsExactly(Long.toString(ended));

        assertThat(api.get("/v1/jobs/" + dead, ada).status()).isEqualTo(404);
        assertThat(api.get("/v1/jobs/" + ended, ada).status()).isEqualTo(404);
        assertThat(api.get("/v1/jobs/" + alive, ada).status()).isEqualTo(200);
        assertThat(api.get("/v1/jobs/" + bobs, userToken(TENANT, BOB)).status()).isEqualTo(200);
        assertThat(actions().subList(0, 2)).containsExactly("jobs.purge", "dead-letters.purge");
    }

    @Test
    void theAuditLogIsReadPageByPageAndByWhatWasDone() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        api.create(ada, "{\"jobType\": \"b\"}");
        api.post("/v1/jobs/" + id + "/cancel", ada, "{\"reason\": \"twice\"}", "X-Request-Id", "req-9");
        api.create(userToken(OTHER_TENANT, BOB), "{\"jobType\": \"c\"}");

        JsonObject newest = api.get("/v1/audit-log?pageSize=1", ada).json();
        JsonObject entry = newest.getJsonArray("entries").getJsonObject(0);
        assertThat(entry.getString("action")).isEqualTo("jobs.cancel");
        assertThat(entry.getString("target")).isEqualTo("job/" + id);
        assertThat(entry.getString("requestId")).isEqualTo("req-9");
        assertThat(entry.getJsonObject("details").getString("reason")).isEqualTo("twice");
        JsonObject rest = api.get("/v1/audit-log?cursor=" + newest.getString("nextCursor"), ada)
                .json();
        assertThat(rest.getJsonArray("entries")).hasSize(2);
        assertThat(rest.getString("nextCursor")).isNull();
        assertThat(api.get("/v1/audit-log?target=job/" + id, ada).json().getJsonArray("entries"))
                .hasSize(2);
        assertThat(api.get("/v1/audit-log", userToken(TENANT, BOB)).json().getJsonArray("entries"))
                .isEmpty();
        assertThat(api.get("/v1/audit-log?action=jobs.retry", ada).json().getJsonArray("entries"))
                .isEmpty();
    }

    private List<Object> claimed() {
        return database
                .rows("select database_id from app_jobs.claim_jobs('worker-1', null, 10, interval '30 s')")
                .stream()
                .map(row -> row.get("database_id"))
                .toList();
    }

    private List<Object> actions() {
        return api.get("/v1/audit-log", operator).json().getJsonArray("entries").stream()
                .map(one -> (Object) ((JsonObject) one).getString("action"))
                .filter(action -> !action.equals("jobs.create"))
                .toList();
    }

    private static List<String> names(Answer answer, String field) {
        return answer.json().getJsonArray(field).stream()
                .map(one -> ((JsonObject) one).getString("name"))
                .toList();
    }
}
