package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.tenantToken;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiServer.Answer;
import dev.postern.api.Contract.Operation;
import dev.postern.sql.JobDatabase;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Walks every operation of the contract as a stranger: with another tenant's token, which may do everything there, and with
 * that of another user of the same tenant. Nothing of the victim may show or change. An operation that is not walked here
 * fails the test.
 */
class TenantWalkTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    /** What the victim's rows have in them and nobody else's: none of it may ever be in a stranger's answer. */
    private static final String SECRET = "victims-secret";

    /** By operation: the path and body of a stranger's attempt at the victim's things, and the statuses that refuse it. */
    private record Attempt(String path, String body, Set<Integer> statuses) {}

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(database);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Test
    void noOperationShowsOrChangesWhatIsSomebodyElses() {
        String victim = userToken(TENANT, ADA);
        long id = api.create(
                victim,
                "{\"jobType\": \"" + SECRET + "\", \"payload\": \"" + SECRET + "\", \"dedupeKey\": \"" + SECRET
                        + "\", \"queue\": \"" + SECRET + "\"}");
        long dead = api.create(victim, "{\"jobType\": \"" + SECRET + "\"}");
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint], ?)", dead, SECRET);
        long ended = api.create(victim, "{\"jobType\": \"" + SECRET + "\"}");
        database.execute("select app_jobs.complete_jobs(array[?::bigint])", ended);

        Map<String, List<Attempt>> attempts = new TreeMap<>(attempts(id, dead, ended));
        Map<String, Operation> operations =
                Contract.load().operations().stream().collect(Collectors.toMap(Operation::id, o -> o));
        Set<String> walked = new TreeSet<>(attempts.keySet());
        assertThat(walked)
                .as("an operation was added: say here what a stranger may try with it")
                .isEqualTo(new TreeSet<>(operations.keySet()));

        List<Map<String, Object>> before = everything();
        for (String stranger : List.of(tenantToken(OTHER_TENANT), userToken(TENANT, BOB))) {
            attempts.forEach((name, ways) -> ways.forEach(attempt -> {
                Operation operation = Objects.requireNonNull(operations.get(name));
                Answer answer = api.send((attempt.body().isEmpty()
                                ? api.request(attempt.path(), stranger)
                                        .method(operation.method(), BodyPublishers.noBody())
                                : api.request(attempt.path(), stranger, "content-type", "application/json")
                                        .method(operation.method(), BodyPublishers.ofString(attempt.body())))
                        .build());
                assertThat(answer.response().body()).as("%s %s", name, attempt).doesNotContain(SECRET);
                assertThat(answer.status()).as("%s %s", name, attempt).isIn(attempt.statuses());
            }));
        }
        assertThat(everything()).isEqualTo(before);
        assertThat(api.functions.calls)
                .extracting(call -> call.headers().get("X-Database-Id") + " "
                        + call.headers().get("X-Actor-Id"))
                .containsExactly(OTHER_TENANT + " " + ADA, TENANT + " " + BOB);
        // The walk would be worthless if the victim were refused as well.
        assertThat(api.get("/v1/jobs/" + id, victim).response().body()).contains(SECRET);
        assertThat(api.get("/v1/jobs", victim).json().getInteger("total")).isEqualTo(3);
    }

    /** The database holds even where a route forgets to ask: as the tenant's role, the others' rows are not there. */
    @Test
    void theDatabaseBindsARequestThatAsksForAnotherTenantsRows() {
        long id = api.create(adminToken(TENANT), "{\"jobType\": \"a\"}");
        try (var connection = database.connect()) {
            connection.setAutoCommit(false);
            JobDatabase.rows(
                    connection,
                    "select set_config('role', 'postern_tenant', true), set_config('jwt.claims.database_id', ?, true)",
                    OTHER_TENANT.toString());
            for (String relation : List.of("jobs", "api_jobs", "api_live_jobs")) {
                assertThat(JobDatabase.rows(connection, "select id from app_jobs." + relation + " where id = ?", id))
                        .as(relation)
                        .isEmpty();
            }
            assertThat(JobDatabase.rows(connection, "select app_jobs.retry_job(?, 'stranger')", id)
                            .getFirst())
                    .containsEntry("retry_job", null);
        } catch (java.sql.SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, List<Attempt>> attempts(long id, long dead, long ended) {
        Set<Integer> unseen = Set.of(404);
        Set<Integer> own = Set.of(200);
        Map<String, List<Attempt>> attempts = new TreeMap<>(Map.of(
                "createJob", List.of(new Attempt("/v1/jobs", "{\"jobType\": \"own\"}", Set.of(201))),
                "enqueueJob", List.of(new Attempt("/api/jobs/enqueue", "{\"jobName\": \"own\"}", Set.of(201))),
                "listJobs",
                        List.of(
                                new Attempt("/v1/jobs", "", own),
                                new Attempt("/v1/jobs?status=failed", "", own),
                                new Attempt("/v1/jobs?status=succeeded", "", own),
                                new Attempt("/v1/jobs?dedupeKey=" + SECRET, "", own),
                                new Attempt("/v1/jobs?cursor=" + (id + 1), "", own),
                                new Attempt("/v1/jobs?cursor=999999999", "", own)),
                "getJob",
                        List.of(
                                new Attempt("/v1/jobs/" + id, "", unseen),
                                new Attempt("/v1/jobs/" + dead, "", unseen),
                                new Attempt("/v1/jobs/" + ended, "", unseen)),
                "getJobStatus",
                        List.of(
                                new Attempt("/v1/jobs/" + id + "/status", "", unseen),
                                new Attempt("/v1/jobs/" + id + "/status?wait=1", "", unseen),
                                new Attempt("/v1/jobs/" + ended + "/status", "", unseen)),
                "getJobEvents",
                        List.of(
                                new Attempt("/v1/jobs/" + id + "/events", "", unseen),
                                new Attempt("/v1/jobs/" + ended + "/events", "", unseen)),
                "cancelJob", List.of(new Attempt("/v1/jobs/" + id + "/cancel", "", unseen)),
                "retryJob", List.of(new Attempt("/v1/jobs/" + dead + "/retry", "", unseen)),
                "getContract", List.of(new Attempt("/openapi.yaml", "", own))));
        String bulk = "{\"jobType\": \"" + SECRET + "\"}";
        attempts.put("cancelJobs", List.of(new Attempt("/v1/jobs/cancel", bulk, own)));
        attempts.put("retryJobs", List.of(new Attempt("/v1/jobs/retry", bulk, own)));
        attempts.put(
                "listDeadLetters",
                List.of(
                        new Attempt("/v1/dead-letters", "", own),
                        new Attempt("/v1/dead-letters?cursor=999999999", "", own)));
        attempts.put("replayDeadLetters", List.of(new Attempt("/v1/dead-letters/replay", bulk, own)));
        attempts.put("replayDeadLetter", List.of(new Attempt("/v1/dead-letters/" + dead + "/replay", "", unseen)));
        // A call says for whom it is; the function of a stranger's call learns of the stranger only.
        attempts.put("callFunction", List.of(new Attempt("/function/own", "{}", own)));
        attempts.put("callFunctionAsync", List.of(new Attempt("/async-function/own", "{}", Set.of(202))));
        // Schemas too.
        database.execute(
                "select app_jobs.set_task_schema(?, ?, '{\"type\": \"string\"}', ?)",
                JobDatabase.TENANT,
                SECRET,
                SECRET);
        attempts.put(
                "listTaskSchemas",
                List.of(new Attempt("/v1/task-schemas", "", own), new Attempt("/v1/task-schemas?cursor=a", "", own)));
        attempts.put("getTaskSchema", List.of(new Attempt("/v1/task-schemas/" + SECRET, "", unseen)));
        attempts.put("deleteTaskSchema", List.of(new Attempt("/v1/task-schemas/" + SECRET, "", unseen)));
        attempts.put("putTaskSchema", List.of(new Attempt("/v1/task-schemas/own", "{\"schema\": true}", own)));
        attempts.put("purgeJobs", List.of(new Attempt("/v1/jobs/purge", "{}", own)));
        attempts.put("purgeDeadLetters", List.of(new Attempt("/v1/dead-letters/purge", bulk, own)));
        // Queues, tasks and the audit log are the tenant's, so the victim's belong to the third tenant; one has the
        // name of
        // a queue of the stranger's own.
        database.execute(
                "select app_jobs.add_job(?, ?, queue_name => ?), app_jobs.pause_jobs(?, db_id => ?, queue => 'own')",
                JobDatabase.TENANT,
                SECRET,
                SECRET,
                SECRET,
                JobDatabase.TENANT);
        database.execute(
                "with acting as (select set_config('jwt.claims.database_id', ?, true)) select app_jobs.record_change(?, 'x',"
                        + " 'x') from acting",
                JobDatabase.TENANT.toString(),
                SECRET);
        attempts.put(
                "listQueues", List.of(new Attempt("/v1/queues", "", own), new Attempt("/v1/queues?cursor=a", "", own)));
        attempts.put(
                "getQueue",
                List.of(new Attempt("/v1/queues/" + SECRET, "", unseen), new Attempt("/v1/queues/own", "", unseen)));
        attempts.put("pauseQueue", List.of(new Attempt("/v1/queues/other/pause", "", own)));
        attempts.put("resumeQueue", List.of(new Attempt("/v1/queues/own/resume", "", Set.of(409))));
        attempts.put("listTasks", List.of(new Attempt("/v1/tasks", "", own)));
        attempts.put("getTask", List.of(new Attempt("/v1/tasks/" + SECRET, "", unseen)));
        attempts.put(
                "listAuditLog",
                List.of(new Attempt("/v1/audit-log", "", own), new Attempt("/v1/audit-log?cursor=999999999", "", own)));
        // What crosses tenants is for operators.
        Set<Integer> refused = Set.of(403);
        attempts.put("pauseTask", List.of(new Attempt("/v1/tasks/" + SECRET + "/pause", "", refused)));
        attempts.put("resumeTask", List.of(new Attempt("/v1/tasks/" + SECRET + "/resume", "", refused)));
        attempts.put("listWorkers", List.of(new Attempt("/v1/workers", "", refused)));
        attempts.put("getWorker", List.of(new Attempt("/v1/workers/x", "", refused)));
        attempts.put("listTargets", List.of(new Attempt("/v1/targets", "", refused)));
        // Schedules are the tenant's: another user of it may see them, so theirs belong to a third tenant.
        long schedule = database.number(
                "select id from app_jobs.add_scheduled_job(?, ?, schedule_info => '{\"rule\": \"0 0 1 1 *\"}')",
                JobDatabase.TENANT,
                SECRET);
        attempts.put("listSchedules", List.of(new Attempt("/v1/schedules", "", own)));
        attempts.put(
                "createSchedule",
                List.of(new Attempt(
                        "/v1/schedules",
                        "{\"jobType\": \"own\", \"schedule\": {\"rule\": \"0 0 1 1 *\"}}",
                        Set.of(201))));
        attempts.put(
                "replaceSchedule",
                List.of(new Attempt(
                        "/v1/schedules/" + schedule,
                        "{\"jobType\": \"own\", \"schedule\": {\"rule\": \"0 0 1 1 *\"}}",
                        unseen)));
        for (String operation : List.of("getSchedule", "deleteSchedule")) {
            attempts.put(operation, List.of(new Attempt("/v1/schedules/" + schedule, "", unseen)));
        }
        for (String action : List.of("pause", "resume", "run")) {
            attempts.put(
                    action + "Schedule", List.of(new Attempt("/v1/schedules/" + schedule + "/" + action, "", unseen)));
        }
        return attempts;
    }

    /** All of the victim's rows, of every table. */
    private static List<Map<String, Object>> everything() {
        return List.copyOf(database.rows(
                "select s.*::text as row from app_jobs.scheduled_jobs s where s.database_id = ? union all"
                        + " select t.*::text as row from app_jobs.task_schemas t where t.database_id = ? union all"
                        + " select q.*::text as row from app_jobs.paused_queues q where q.database_id = ? union all"
                        + " select v.*::text as row from app_jobs.jobs v where v.database_id = ? union all"
                        + " select j.*::text as row from app_jobs.jobs j where (j.database_id, j.actor_id) = (?, ?) union all"
                        + " select h.*::text from app_jobs.job_history h where (h.database_id, h.actor_id) = (?, ?) order by 1",
                JobDatabase.TENANT,
                JobDatabase.TENANT,
                JobDatabase.TENANT,
                JobDatabase.TENANT,
                TENANT,
                ADA,
                TENANT,
                ADA));
    }
}
