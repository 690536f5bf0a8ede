package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.token;
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

/** Schemas of payloads: whose they are, what they hold back, and that two editors do not overwrite each other. */
class TaskSchemaRoutesTest {

    private static final String SCHEMA = "{\"schema\": {\"type\": \"object\", \"required\": [\"email\"],"
            + " \"properties\": {\"email\": {\"type\": \"string\"}}}}";

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final String ada = userToken(TENANT, ADA);

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
        database.execute(
                "truncate app_jobs.jobs, app_jobs.task_schemas, app_jobs.audit_log, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void payloadsAreHeldAgainstTheSchemaOfTheirTaskWhereverTheyComeIn() {
        assertThat(put("mail", SCHEMA).status()).isEqualTo(200);

        Answer one = api.post("/v1/jobs", ada, "{\"jobType\": \"mail\", \"payload\": {\"email\": 7}}");
        assertThat(one.status()).isEqualTo(422);
        assertThat(one.problem()).isEqualTo("payload-refused");
        assertThat(one.fields()).containsExactly("body.payload.email");
        assertThat(pointer(one)).isEqualTo("/payload/email");

        Answer many = api.post(
                "/v1/jobs",
                ada,
                "[{\"jobType\": \"other\"}, {\"jobType\": \"mail\", \"payload\": {\"email\": \"a@b\"}}, {\"jobType\": \"mail\"}]");
        assertThat(many.status()).isEqualTo(422);
        assertThat(many.fields()).containsExactly("body[2].payload.email");
        assertThat(pointer(many)).isEqualTo("/2/payload/email");

        assertThat(pointer(api.post("/api/jobs/enqueue", ada, "{\"jobName\": \"mail\"}")))
                .isEqualTo("/payload/email");
        assertThat(pointer(api.post("/async-function/mail", ada, "{}"))).isEqualTo("/email");
        assertThat(pointer(api.post("/function/mail", ada, "{}", "Prefer", "respond-async")))
                .isEqualTo("/email");
        assertThat(pointer(api.post("/v1/schedules", ada, "{\"jobType\": \"mail\", \"schedule\": \"* * * * *\"}")))
                .isEqualTo("/payload/email");
        assertThat(
                        database.number(
                                "select count(*) from (select id from app_jobs.jobs union all select id from app_jobs.scheduled_jobs) a"))
                .isZero();

        api.create(ada, "{\"jobType\": \"mail\", \"payload\": {\"email\": \"a@b\"}}");
        api.create(ada, "{\"jobType\": \"other\", \"payload\": 7}");
        api.create(userToken(OTHER_TENANT, ADA), "{\"jobType\": \"mail\"}");
        assertThat(api.post("/function/mail", ada, "{}").status()).isEqualTo(200);
    }

    @Test
    void aSchemaForEveryTenantHoldsUntilATenantHasItsOwn() {
        database.execute(
                "select app_jobs.set_task_schema('00000000-0000-0000-0000-000000000000', 'mail', '{\"type\": \"string\"}', 'ops')");
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"mail\"}").status())
                .isEqualTo(422);
        JsonObject shown = get("mail").json().getJsonObject("taskSchema");
        assertThat(shown.getBoolean("forAllTenants")).isTrue();
        assertThat(shown.getString("updatedBy")).isEqualTo("ops");
        assertThat(api.send(request("mail").DELETE().build()).status()).isEqualTo(404);

        // It is not the tenant's to replace: its own is a new one.
        assertThat(put("mail", "{\"schema\": true}", "If-Match", get("mail").header("etag"))
                        .status())
                .isEqualTo(412);
        assertThat(put("mail", "{\"schema\": true}", "If-None-Match", "*").status())
                .isEqualTo(200);
        api.create(ada, "{\"jobType\": \"mail\"}");
        assertThat(api.post("/v1/jobs", userToken(OTHER_TENANT, ADA), "{\"jobType\": \"mail\"}")
                        .status())
                .isEqualTo(422);

        assertThat(api.send(request("mail").DELETE().build()).status()).isEqualTo(200);
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"mail\"}").status())
                .isEqualTo(422);
    }

    @Test
    void twoEditorsDoNotOverwriteEachOther() {
        Answer first = put("mail", SCHEMA, "If-None-Match", "*");
        assertThat(first.status()).isEqualTo(200);
        assertThat(put("mail", SCHEMA, "If-None-Match", "*").problem()).isEqualTo("precondition-failed");
        String tag = first.header("etag");
        assertThat(get("mail").header("etag")).isEqualTo(tag);

        assertThat(put("mail", "{\"schema\": true}", "If-Match", tag).status()).isEqualTo(200);
        assertThat(put("mail", SCHEMA, "If-Match", tag).status()).isEqualTo(412);
        assertThat(api.send(request("mail", "If-Match", tag).DELETE().build()).status())
                .isEqualTo(412);
        assertThat(get("mail").json().getJsonObject("taskSchema").getValue("schema"))
                .isEqualTo(true);

        String now = get("mail").header("etag");
        assertThat(api.send(request("mail", "If-Match", now).DELETE().build()).status())
                .isEqualTo(200);
        assertThat(get("mail").status()).isEqualTo(404);
        assertThat(put("mail", SCHEMA, "If-Match", "*").status()).isEqualTo(412);
        // The same text again is not the same version: who still has the old tag has missed something.
        assertThat(put("mail", "{\"schema\": true}").header("etag")).isNotIn(tag, now);
        assertThat(database.rows("select action from app_jobs.audit_log where target = 'task-schema/mail' order by id"))
                .extracting(row -> row.get("action"))
                .containsExactly("task-schemas.put", "task-schemas.put", "task-schemas.delete", "task-schemas.put");
    }

    @Test
    void whatIsNoSchemaIsRefusedWithItsPlace() {
        Answer answer = put("mail", "{\"schema\": {\"properties\": {\"a\": {\"type\": \"strin\"}}}}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.fields().getFirst()).isEqualTo("body.schema.properties.a.type");
        assertThat(put("mail", "{\"schema\": {\"$ref\": \"http://127.0.0.1:1/\"}}")
                        .status())
                .isEqualTo(400);
        assertThat(put("mail", "{\"schema\": {\"description\": \"" + "x".repeat(70_000) + "\"}}")
                        .json()
                        .getString("detail"))
                .contains("at most 65536");
        // SQL can register what is none: jobs are then refused, and told why.
        database.execute("select app_jobs.set_task_schema(?, 'odd', '{\"$ref\": \"#\"}', 'sql')", TENANT);
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"odd\"}").json().getString("detail"))
                .contains("cannot be used");
    }

    @Test
    void listsByTaskAndGoesOn() {
        for (String task : List.of("c", "a", "b")) {
            put(task, SCHEMA);
        }
        Answer first = api.get("/v1/task-schemas?pageSize=2", ada);
        assertThat(tasks(first)).containsExactly("a", "b");
        Answer second = api.get("/v1/task-schemas?cursor=" + first.json().getString("nextCursor"), ada);
        assertThat(tasks(second)).containsExactly("c");
        assertThat(second.json().getString("nextCursor")).isNull();
    }

    @Test
    void lookingAndChangingAreTwoPermissions() {
        String viewer = token(TENANT, ADA, List.of("schemas.view_schemas"));
        put("mail", SCHEMA);
        assertThat(api.get("/v1/task-schemas/mail", viewer).status()).isEqualTo(200);
        assertThat(api.send(api.request("/v1/task-schemas/mail", viewer)
                                .DELETE()
                                .build())
                        .problem())
                .isEqualTo("forbidden");
    }

    private static List<String> tasks(Answer answer) {
        return answer.json().getJsonArray("taskSchemas").stream()
                .map(one -> ((JsonObject) one).getString("jobType"))
                .toList();
    }

    private static String pointer(Answer answer) {
        assertThat(answer.status()).as(answer.response().body()).isEqualTo(422);
        return answer.json().getJsonArray("errors").getJsonObject(0).getString("pointer");
    }

    private static Answer get(String task) {
        return api.get("/v1/task-schemas/" + task, adminToken(TENANT));
    }

    private static java.net.http.HttpRequest.Builder request(String task, String... headers) {
        return api.request("/v1/task-schemas/" + task, adminToken(TENANT), headers);
    }

    private static Answer put(String task, String body, String... headers) {
        return api.send(request(task, headers)
                .header("content-type", "application/json")
                .PUT(BodyPublishers.ofString(body))
                .build());
    }
}
