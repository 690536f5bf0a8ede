package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.api.ApiConfig.Tokens;
import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is true of every route: the contract decides, refusals are problems, and without keys only this machine is served. */
class ApiRoutesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final String ada = userToken(TENANT, ADA);

    @BeforeAll
    static void start() {
        api = ApiServer.start(database.config(), config -> config.withBodyLimit(2048));
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Test
    void theContractIsServedAndItsOperationsAndNoOthers() {
        assertThat(api.get("/openapi.yaml", "").response().body())
                .isEqualTo(Contract.load().text());
        for (Contract.Operation operation : Contract.load().operations()) {
            String path = operation.path().replaceAll("\\{\\w+}", "1");
            Answer answer = api.send(api.request(path, ada)
                    .method(operation.method(), BodyPublishers.noBody())
                    .build());
            assertThat(answer.status()).as(operation.id()).isNotIn(405, 500, 501);
            Answer other = api.send(api.request(path, ada)
                    .method("PATCH", BodyPublishers.noBody())
                    .build());
            assertThat(other.status()).as(operation.path()).isEqualTo(405);
            assertThat(other.header("allow")).contains(operation.method());
        }
        assertThat(api.get("/v1/nothing", ada).problem()).isEqualTo("not-found");
        assertThat(api.get("/v1/jobs/1/nothing", ada).problem()).isEqualTo("not-found");
    }

    @Test
    void aHandlerOutsideTheContractAndAnOperationWithoutOneAreMistakesAtStart() {
        Contract contract = Contract.load();
        Callers callers = new Callers(null, contract.permissions());
        assertThatThrownBy(() -> new ApiRoutes(
                                api.vertx,
                                contract,
                                callers,
                                Map.of(),
                                ApiConfig.defaults(),
                                new RateLimiter(0, System::nanoTime),
                                new RequestClock(api.vertx, Duration.ofSeconds(1), Duration.ofSeconds(1)),
                                new ApiRoutes.Told(ApiListener.NONE, new java.util.Random()))
                        .router())
                .hasMessageContaining("which nobody serves");
    }

    @Test
    void theListenerHearsOfEachRequestByItsOperation() throws InterruptedException {
        try (ApiServer server = ApiServer.start(database)) {
            server.get("/openapi.yaml", "");
            server.get("/v1/nothing", ada);
            server.get("/v1/jobs", "no token");
            // Refused: the database is shared, and a job that nobody runs would have others wait for its end.
            server.post("/v1/jobs", ada, "{}");

            List<String> heard = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                heard.add(server.heard.poll(10, TimeUnit.SECONDS));
            }
            assertThat(heard).containsExactlyInAnyOrder("getContract 200", "none 404", "listJobs 401", "createJob 400");
        }
    }

    @Test
    void bodiesAreBoundedAndOfTheirType() {
        String large = "{\"jobType\": \"" + "a".repeat(3000) + "\"}";
        assertThat(api.post("/v1/jobs", ada, large).problem()).isEqualTo("body-too-large");
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"a\"}", "content-type", "text/plain")
                        .problem())
                .isEqualTo("unsupported-media-type");
        assertThat(api.post("/v1/jobs", ada, null).json().getString("field")).isEqualTo("body");
        assertThat(api.post("/v1/jobs", ada, "{\"jobType\": \"a\"}", "content-encoding", "gzip")
                        .problem())
                .isEqualTo("unsupported-media-type");
    }

    @Test
    void withoutKeysOnlyProgramsOnThisMachineAreServed() {
        assertThatThrownBy(() -> ApiConfig.defaults().withAddress("0.0.0.0", 0, Tokens.none()))
                .hasMessageContaining("loopback");
        try (ApiServer open =
                ApiServer.start(database.config(), config -> config.withAddress("127.0.0.1", 0, Tokens.none()))) {
            long id = open.create("", "{\"jobType\": \"open\"}");
            assertThat(database.value("select database_id from app_jobs.jobs where id = ?", id))
                    .isEqualTo(JobDatabase.TENANT);
            String other = ApiServer.OTHER_TENANT.toString();
            assertThat(open.get("/v1/jobs/" + id, "", "X-Database-Id", other).status())
                    .isEqualTo(404);
            assertThat(open.get("/v1/jobs", "", "X-Database-Id", "x").status()).isEqualTo(400);
            assertThat(open.post("/v1/jobs/" + id + "/cancel", "", null, "Origin", "https://example.com")
                            .problem())
                    .isEqualTo("forbidden");
            assertThat(open.post("/v1/jobs/" + id + "/cancel", "", null, "Sec-Fetch-Site", "cross-site")
                            .problem())
                    .isEqualTo("forbidden");
            assertThat(open.get("/v1/jobs", "", "Origin", "http://localhost:3000")
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void aTenantThatSendsMoreThanItMayIsToldWhenToComeBack() {
        try (ApiServer limited = ApiServer.start(database.config(), config -> config.withRatePerSecond(1))) {
            Answer first = limited.get("/v1/jobs", ada);
            assertThat(first.status()).isEqualTo(200);
            assertThat(first.header("ratelimit-limit")).isEqualTo("2");
            Answer refused = first;
            for (int i = 0; i < 50 && refused.status() == 200; i++) {
                refused = limited.get("/v1/jobs", ada);
            }
            assertThat(refused.problem()).isEqualTo("too-many-requests");
            assertThat(refused.header("retry-after")).isEqualTo("1");
            assertThat(limited.get("/v1/jobs", ApiServer.adminToken(ApiServer.OTHER_TENANT))
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void theDatabasesRoleIsAWorkersThatMayBecomeATenants() {
        for (String role : List.of("postern_test_api in role postern_worker", "postern_test_nobody")) {
            database.execute("do $$ begin create role " + role.replaceFirst("(\\w+)", "$1 login password 'secret'")
                    + "; exception when duplicate_object or unique_violation then null; end $$");
        }
        try (ApiServer served = ApiServer.start(as("postern_test_api"), config -> config)) {
            long id = served.create(ada, "{\"jobType\": \"a\"}");
            assertThat(served.get("/v1/jobs/" + id, ada).status()).isEqualTo(200);
            assertThat(served.get("/v1/jobs/" + id, ApiServer.adminToken(ApiServer.OTHER_TENANT))
                            .status())
                    .isEqualTo(404);
            assertThat(served.get("/v1/jobs/" + id + "/status?wait=1", ada).status())
                    .isEqualTo(200);
        }
        assertThatThrownBy(() -> ApiServer.start(as("postern_test_nobody"), config -> config))
                .hasMessageContaining("may not become postern_tenant");
    }

    private static DatabaseConfig as(String user) {
        DatabaseConfig owner = database.config();
        return new DatabaseConfig(
                owner.host(), owner.port(), owner.database(), user, "secret", owner.schema(), 4, owner.tls());
    }

    @Test
    void theDatabasesRefusalsArriveAsSuch() {
        // PostgreSQL has no year 0 and the contract does not know.
        assertThat(List.of(
                        api.get("/v1/jobs?createdAfter=0000-01-01T00:00:00Z", ada)
                                .status(),
                        api.get("/v1/jobs/9223372036854775807", ada).status(),
                        api.get("/v1/jobs/9223372036854775808", ada).status()))
                .containsExactly(400, 404, 400);
    }

    @Test
    void browsersAreServedForTheNamedOriginsOnly() {
        try (ApiServer open =
                ApiServer.start(database.config(), config -> config.withOrigins(List.of("https://app.example.com")))) {
            Answer asked = open.send(open.request(
                            "/v1/jobs",
                            "",
                            "Origin",
                            "https://app.example.com",
                            "Access-Control-Request-Method",
                            "POST",
                            "Access-Control-Request-Headers",
                            "authorization,content-type")
                    .method("OPTIONS", BodyPublishers.noBody())
                    .build());
            assertThat(asked.status()).isEqualTo(204);
            assertThat(asked.header("access-control-allow-origin")).isEqualTo("https://app.example.com");
            assertThat(asked.header("access-control-allow-methods"))
                    .contains("POST")
                    .contains("GET");
            assertThat(asked.header("access-control-allow-headers")).contains("Authorization");
            assertThat(asked.header("access-control-allow-credentials")).isEmpty();
            Answer read = open.get("/v1/jobs", ada, "Origin", "https://app.example.com");
            assertThat(read.header("access-control-allow-origin")).isEqualTo("https://app.example.com");
            assertThat(read.header("access-control-expose-headers")).contains("ETag");
            assertThat(read.header("vary")).containsIgnoringCase("origin");
            // A refusal is for the page to read as well.
            assertThat(open.get("/v1/jobs", "", "Origin", "https://app.example.com")
                            .header("access-control-allow-origin"))
                    .isNotEmpty();
            for (String origin : List.of("https://evil.example.com", "http://app.example.com", "null")) {
                Answer other = open.send(
                        open.request("/v1/jobs", "", "Origin", origin, "Access-Control-Request-Method", "POST")
                                .method("OPTIONS", BodyPublishers.noBody())
                                .build());
                assertThat(other.status()).as(origin).isEqualTo(405);
                assertThat(open.get("/v1/jobs", ada, "Origin", origin).header("access-control-allow-origin"))
                        .as(origin)
                        .isEmpty();
            }
        }
        assertThat(api.get("/v1/jobs", ada, "Origin", "https://app.example.com").header("access-control-allow-origin"))
                .isEmpty();
        assertThatThrownBy(() -> ApiConfig.defaults().withOrigins(List.of("*")))
                .hasMessageContaining("https://app.example.com");
    }
}
