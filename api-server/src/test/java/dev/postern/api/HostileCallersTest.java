package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.OTHER_TENANT;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiConfig.Tokens;
import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.JobDatabase;
import io.vertx.core.Promise;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Callers who mean harm, or do it: what one of them does costs the others nothing. */
class HostileCallersTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final String ada = userToken(TENANT, ADA);

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                database.config(),
                config -> config.withClientTimeout(Duration.ofSeconds(1)).withLiveClients(8));
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
    void aNameThatCannotBeKeptIsNoUser() {
        for (String name : List.of("a\u0000b", "a".repeat(600))) {
            String token = ApiServer.token(TENANT, name, ApiServer.ALL);
            assertThat(api.post("/v1/jobs", token, "{\"jobType\": \"a\"}").problem())
                    .isEqualTo("forbidden");
            assertThat(api.get("/v1/jobs", token).problem()).isEqualTo("forbidden");
        }
    }

    /** A name that somebody may choose for himself, in the shape of the id that was made of another's. */
    @Test
    void aNameInTheShapeOfAnothersIdIsNotThatOther() {
        UUID bob = Caller.actorOf(TENANT, "bob");
        assertThat(Caller.actorOf(TENANT, bob.toString())).isNotEqualTo(bob);
        long id = api.create(userToken(TENANT, ADA), "{\"jobType\": \"a\"}");
        database.execute("update app_jobs.jobs set actor_id = ? where id = ?", bob, id);
        List<String> own = ApiServer.ALL.stream()
                .filter(permission -> !permission.equals(Caller.ALL_OF_TENANT))
                .toList();
        assertThat(api.get("/v1/jobs/" + id, ApiServer.token(TENANT, "bob", own))
                        .status())
                .isEqualTo(200);
        assertThat(api.get("/v1/jobs/" + id, ApiServer.token(TENANT, bob.toString(), own))
                        .status())
                .isEqualTo(404);
    }

    /** A proxy on the same machine makes callers from anywhere look like programs on it. */
    @Test
    void withoutKeysNobodyIsServedWhomAProxyBrings() {
        try (ApiServer open =
                ApiServer.start(database.config(), config -> config.withAddress("127.0.0.1", 0, Tokens.none()))) {
            for (String header : List.of("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")) {
                assertThat(open.get("/v1/jobs", "", header, "203.0.113.7").problem())
                        .as(header)
                        .isEqualTo("forbidden");
            }
        }
    }

    @Test
    void aRequestThatTricklesInIsCutOff() {
        for (String beginning : List.of(
                "GET /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
                // Nothing reads the body of a GET, but somebody has to wait for its end.
                "GET /openapi.yaml HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n")) {
            Promise<Void> closed = Promise.promise();
            api.vertx
                    .createNetClient()
                    .connect(api.port(), "127.0.0.1")
                    .onSuccess(socket -> {
                        socket.closeHandler(end -> closed.complete());
                        socket.write(beginning);
                        api.vertx.setPeriodic(100, timer -> socket.write("a"));
                    })
                    .onFailure(closed::fail);
            ApiServer.await(closed.future());
        }
    }

    /** A page of a hundred of them would take a hundred times as much. */
    @Test
    void largePayloadsAreLeftOutOfListsAndStreams() {
        String large = "a".repeat(100_000);
        long id = api.create(
                ada, new JsonObject().put("jobType", "a").put("payload", large).encode());
        api.create(ada, "{\"jobType\": \"a\", \"payload\": {\"n\": 1.50}}");

        Answer list = api.get("/v1/jobs", ada);
        JsonArray jobs = list.json().getJsonArray("jobs");
        assertThat(list.response().body().length()).isLessThan(10_000);
        assertThat(list.response().body()).contains("\"n\":1.50");
        assertThat(jobs.getJsonObject(1).getValue("payload")).isNull();
        assertThat(jobs.getJsonObject(1).getJsonArray("omitted")).containsExactly("payload");
        assertThat(jobs.getJsonObject(0).containsKey("omitted")).isFalse();
        assertThat(api.get("/v1/jobs/" + id + "/status", ada)
                        .json()
                        .getJsonObject("job")
                        .getJsonArray("omitted"))
                .containsExactly("payload");
        assertThat(api.get("/v1/jobs/" + id, ada).json().getJsonObject("job").getString("payload"))
                .isEqualTo(large);
        assertThat(api.post("/v1/jobs/cancel", ada, "{\"dryRun\": true}").json().getInteger("count"))
                .isEqualTo(2);
    }

    /** One statement looks after the watched jobs of all tenants: a row that it cannot read would blind everybody. */
    @Test
    void stepsThatAreNoIntegersOnPaperBlindNobody() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        String lease = String.valueOf(
                database.value("select lease_token from app_jobs.claim_jobs('worker-1', null, 1, '600 s')"));
        database.execute(
                "select app_jobs.report_progress(?, 1, ?::uuid, '600 s', '{\"step\": 2.0, \"steps\": 6.00}')",
                id,
                lease);

        Answer list = api.get("/v1/jobs", ada);
        assertThat(list.status()).isEqualTo(200);
        assertThat(list.json().getJsonArray("jobs").getJsonObject(0).getInteger("currentStep"))
                .isEqualTo(2);
    }

    /** Of 8 places in this server, a tenant may have half. */
    @Test
    void aTenantCannotTakeAllPlacesOfThoseThatWait() throws Exception {
        long mine = api.create(ada, "{\"jobType\": \"a\"}");
        String other = userToken(OTHER_TENANT, ADA);
        long theirs = api.create(other, "{\"jobType\": \"a\"}");
        try (HttpClient client = HttpClient.newHttpClient()) {
            List<HttpResponse<Stream<String>>> streams = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                streams.add(client.send(
                        api.request("/v1/jobs/" + mine + "/events", ada).GET().build(), BodyHandlers.ofLines()));
            }
            assertThat(streams)
                    .allSatisfy(stream -> assertThat(stream.statusCode()).isEqualTo(200));
            assertThat(api.get("/v1/jobs/" + mine + "/events", ada).problem()).isEqualTo("unavailable");
            assertThat(api.get("/v1/jobs/" + mine + "/status?wait=1", ada).problem())
                    .isEqualTo("unavailable");
            assertThat(api.get("/v1/jobs/" + theirs + "/status?wait=1", other).status())
                    .isEqualTo(200);
            streams.forEach(stream -> stream.body().close());
            client.shutdownNow();
        }
        Awaitility.await()
                .until(() -> api.get("/v1/jobs/" + mine + "/status?wait=1", ada).status() == 200);
    }

    @Test
    void aLongPollWhoseClientIsGoneGivesItsPlaceBack() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        List<NetSocket> sockets = new ArrayList<>();
        // More at each look: the look itself may have had the place that one of them asked for.
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
            NetSocket socket = ApiServer.await(api.vertx.createNetClient().connect(api.port(), "127.0.0.1"));
            sockets.add(socket);
            ApiServer.await(socket.write("GET /v1/jobs/" + id + "/status?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    + "Authorization: Bearer " + ada + "\r\n\r\n"));
            return api.get("/v1/jobs/" + id + "/status?wait=1", ada).status() == 503;
        });
        sockets.forEach(socket -> ApiServer.await(socket.close()));
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> api.get("/v1/jobs/" + id + "/status?wait=1", ada).status() == 200);
    }
}
