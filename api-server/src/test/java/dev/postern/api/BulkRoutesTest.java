package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many jobs at once, dead letters and schedules over HTTP. */
class BulkRoutesTest {

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
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void aDryRunCountsWhatTheSameRequestThenCancels() {
        for (int i = 0; i < 5; i++) {
            api.create(ada, "{\"jobType\": \"a\"}");
            api.create(bob, "{\"jobType\": \"a\"}");
            api.create(ada, "{\"jobType\": \"b\"}");
        }
        String filter = "{\"jobType\": \"a\", \"reason\": \"the day is over\", \"dryRun\": %s, \"limit\": 3}";

        JsonObject dry =
                api.post("/v1/jobs/cancel", ada, filter.formatted(true)).json();
        assertThat(dry.getInteger("count")).isEqualTo(5);
        assertThat(dry.getBoolean("more")).isTrue();
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(15);

        JsonObject first =
                api.post("/v1/jobs/cancel", ada, filter.formatted(false)).json();
        assertThat(first.getInteger("count")).isEqualTo(3);
        assertThat(first.getJsonArray("jobIds")).hasSize(3);
        assertThat(first.getBoolean("more")).isTrue();
        JsonObject second =
                api.post("/v1/jobs/cancel", ada, filter.formatted(false)).json();
        assertThat(second.getInteger("count")).isEqualTo(2);
        assertThat(second.getBoolean("more")).isFalse();
        assertThat(database.number("select count(*) from app_jobs.jobs where actor_id = ?", BOB))
                .isEqualTo(5);
        assertThat(database.number("select count(*) from app_jobs.job_history where cancel_reason = 'the day is over'"))
                .isEqualTo(5);
        assertThat(api.post("/v1/jobs/cancel", admin, "{}").json().getInteger("count"))
                .isEqualTo(10);
    }

    @Test
    void deadLettersAreListedAndReplayed() {
        long adas = api.create(ada, "{\"jobType\": \"a\"}");
        long bobs = api.create(bob, "{\"jobType\": \"a\"}");
        api.create(ada, "{\"jobType\": \"a\"}");
        database.execute("select app_jobs.permanently_fail_jobs(array[?::bigint, ?], 'wrong address')", adas, bobs);

        assertThat(api.get("/v1/dead-letters", ada).json().getInteger("total")).isOne();
        assertThat(api.get("/v1/dead-letters?error=ADDRESS", admin).json().getInteger("total"))
                .isEqualTo(2);
        assertThat(api.post("/v1/dead-letters/" + bobs + "/replay", ada, null).status())
                .isEqualTo(404);
        assertThat(api.post("/v1/dead-letters/" + adas + "/replay", ada, null).status())
                .isEqualTo(200);
        assertThat(api.post("/v1/dead-letters/" + adas + "/replay", ada, null).status())
                .isEqualTo(409);
        assertThat(api.post("/v1/dead-letters/replay", ada, "{\"error\": \"address\"}")
                        .json()
                        .getInteger("count"))
                .isZero();
        assertThat(api.post("/v1/dead-letters/replay", admin, "{\"dryRun\": true}")
                        .json()
                        .getInteger("count"))
                .isOne();
        assertThat(api.post("/v1/dead-letters/replay", admin, "{}").json().getInteger("count"))
                .isOne();
        assertThat(database.number("select count(*) from app_jobs.dead_letters"))
                .isZero();
        assertThat(database.number("select count(*) from app_jobs.audit_log where action = 'dead-letters.replay'"))
                .isEqualTo(2);
    }

    @Test
    void manyAreRetriedWhoseRetriesAreNotUsedUp() {
        long first = api.create(ada, "{\"jobType\": \"a\"}");
        long second = api.create(ada, "{\"jobType\": \"a\"}");
        api.create(ada, "{\"jobType\": \"a\", \"maxRetries\": 0}");
        api.create(ada, "{\"jobType\": \"b\"}");
        api.create(bob, "{\"jobType\": \"a\"}");
        assertThat(database.number(
                        "select count(*) from app_jobs.claim_jobs('worker-1', null, 5, '60 s') c cross join lateral"
                                + " app_jobs.finish_jobs(array[c.id], array[c.attempt], array[c.lease_token],"
                                + " array['dead'], array[400], array['wrong address'], array[0::float8],"
                                + " array[null::text], array[null::text])"))
                .isEqualTo(5);
        String filter = "{\"jobType\": \"a\", \"error\": \"ADDRESS\", \"limit\": 1, \"dryRun\": %s}";

        JsonObject dry = api.post("/v1/jobs/retry", ada, filter.formatted(true)).json();
        assertThat(dry.getInteger("count")).isEqualTo(2);
        assertThat(dry.getBoolean("more")).isTrue();
        assertThat(database.number("select count(*) from app_jobs.dead_letters"))
                .isEqualTo(5);

        JsonObject newest =
                api.post("/v1/jobs/retry", ada, filter.formatted(false)).json();
        assertThat(newest.getJsonArray("jobIds")).containsExactly(Long.toString(second));
        JsonObject oldest =
                api.post("/v1/jobs/retry", ada, filter.formatted(false)).json();
        assertThat(oldest.getJsonArray("jobIds")).containsExactly(Long.toString(first));
        assertThat(oldest.getBoolean("more")).isFalse();
        assertThat(api.post("/v1/jobs/retry", ada, filter.formatted(false))
                        .json()
                        .getInteger("count"))
                .isZero();
        assertThat(api.post("/v1/jobs/retry", admin, "{}").json().getInteger("count"))
                .isEqualTo(2);
        assertThat(database.rows("select id from app_jobs.dead_letters")).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.audit_log where action = 'jobs.retry'"))
                .isEqualTo(3);
    }

    @Test
    void schedulesAreSteered() {
        JsonObject made = api.post(
                        "/v1/schedules",
                        admin,
                        "{\"jobType\": \"ping\", \"schedule\": {\"rule\": \"*/5 * * * *\"}, \"key\": \"five\"}")
                .json()
                .getJsonObject("schedule");
        String path = "/v1/schedules/" + made.getString("id");
        assertThat(made.getString("key")).isEqualTo("five");
        assertThat(api.get("/v1/schedules", admin).json().getJsonArray("schedules"))
                .hasSize(1);
        assertThat(api.get(path, admin).json().getJsonObject("schedule").getString("jobType"))
                .isEqualTo("ping");
        assertThat(api.get(path, adminToken(ApiServer.OTHER_TENANT)).status()).isEqualTo(404);

        assertThat(api.post(path + "/pause", admin, null)
                        .json()
                        .getJsonObject("schedule")
                        .getString("state"))
                .isEqualTo("paused");
        assertThat(api.post(path + "/resume", admin, null)
                        .json()
                        .getJsonObject("schedule")
                        .getString("state"))
                .isNotEqualTo("paused");
        String job = api.post(path + "/run", admin, null).json().getString("jobId");
        assertThat(database.value("select task_identifier from app_jobs.jobs where id = ?", Long.valueOf(job)))
                .isEqualTo("ping");
        assertThat(api.post(path + "/run", admin, null).status()).isEqualTo(409);
        assertThat(api.post(path + "/run", admin, "{\"allowOverlap\": true}").status())
                .isEqualTo(201);
        assertThat(api.post("/v1/schedules", admin, "{\"jobType\": \"ping\", \"schedule\": {\"rule\": \"never\"}}")
                        .status())
                .isEqualTo(400);
        assertThat(api.send(api.request(path, admin).DELETE().build()).status()).isEqualTo(200);
        assertThat(api.get(path, admin).status()).isEqualTo(404);
    }

    @Test
    void aScheduleIsReplacedUnlessSomebodyElseHasChangedIt() {
        Answer made = api.post(
                "/v1/schedules",
                admin,
                "{\"jobType\": \"ping\", \"schedule\": {\"rule\": \"0 0 1 1 *\"}, \"key\": \"yearly\", \"queue\": \"q\"}");
        String path = made.header("location");
        api.post("/v1/schedules", admin, "{\"jobType\": \"ping\", \"schedule\": \"0 0 1 1 *\", \"key\": \"taken\"}");
        database.execute("update app_jobs.scheduled_jobs set next_tick_at = '2031-01-01', last_scheduled_id = 7");

        Answer replaced = put(
                path,
                "{\"jobType\": \"pong\", \"schedule\": {\"rule\": \"0 0 1 1 *\"}, \"payload\": [1], \"priority\": -3,"
                        + " \"maxRetries\": 0, \"missedTicks\": \"all\", \"missedTicksMax\": 5, \"overlap\": \"allow\","
                        + " \"jitterSeconds\": 90}",
                "If-Match",
                made.header("etag"));
        assertThat(replaced.status()).isEqualTo(200);
        assertThat(replaced.json().getJsonObject("schedule").getMap())
                .containsEntry("jobType", "pong")
                .containsEntry("payload", List.of(1))
                .containsEntry("priority", -3)
                .containsEntry("maxRetries", 0)
                .containsEntry("missedTicks", "all")
                .containsEntry("missedTicksMax", 5)
                .containsEntry("overlap", "allow")
                .containsEntry("jitterSeconds", 90)
                .containsEntry("key", null)
                .containsEntry("queue", null)
                .containsEntry("lastJobId", "7")
                .hasEntrySatisfying(
                        "nextTickAt", tick -> assertThat(tick.toString()).startsWith("2031-01-01"));
        assertThat(replaced.header("etag")).isNotEqualTo(made.header("etag")).isNotEmpty();
        assertThat(database.value("select actor from app_jobs.audit_log where action = 'schedules.replace'"))
                .isEqualTo(ADA.toString());

        String other = "{\"jobType\": \"ping\", \"schedule\": \"* * * * *\"}";
        assertThat(put(path, other, "If-Match", made.header("etag")).status()).isEqualTo(412);
        assertThat(put(path, other, "If-Match", replaced.header("etag"))
                        .json()
                        .getJsonObject("schedule")
                        .getValue("nextTickAt"))
                .as("another rule is planned afresh")
                .isNull();
        Answer taken = put(path, "{\"jobType\": \"ping\", \"schedule\": \"* * * * *\", \"key\": \"taken\"}");
        assertThat(taken.problem()).isEqualTo("conflict");
        assertThat(taken.response().body()).contains("'taken'");
        assertThat(put(path, "{\"jobType\": \"ping\", \"schedule\": \"never\"}").problem())
                .isEqualTo("invalid-request");
        assertThat(put("/v1/schedules/999999999", other).status()).isEqualTo(404);
    }

    private Answer put(String path, String json, String... headers) {
        return api.send(api.request(path, admin, headers)
                .setHeader("content-type", "application/json")
                .PUT(BodyPublishers.ofString(json))
                .build());
    }
}
