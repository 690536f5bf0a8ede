package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.BOB;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.ApiServer.Answer;
import dev.postern.sql.JobDatabase;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What happens to a job arrives with those who wait for it: every client gets the last state, and no state twice. */
class LiveRoutesTest {

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
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history");
    }

    @Test
    void aLongPollIsAnsweredWhenTheJobHasEnded() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        CompletableFuture<Answer> waiting =
                CompletableFuture.supplyAsync(() -> api.get("/v1/jobs/" + id + "/status?wait=30", ada));
        CompletableFuture<Answer> other =
                CompletableFuture.supplyAsync(() -> api.get("/v1/jobs/" + id + "/status?wait=1", ada));

        assertThat(EventClient.state(other.join())).isEqualTo("queued");
        assertThat(waiting).isNotDone();
        claim(1);
        progress(id, 40);
        complete(id);

        assertThat(EventClient.state(waiting.join())).isEqualTo("succeeded");
        assertThat(EventClient.state(api.get("/v1/jobs/" + id + "/status?wait=30", ada)))
                .isEqualTo("succeeded");
    }

    @Test
    void aConditionalLongPollIsAnsweredByAnyChange() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        String etag = api.get("/v1/jobs/" + id + "/status", ada).header("etag");
        assertThat(api.get("/v1/jobs/" + id + "/status?wait=1", ada, "If-None-Match", etag)
                        .status())
                .isEqualTo(304);
        CompletableFuture<Answer> waiting = CompletableFuture.supplyAsync(
                () -> api.get("/v1/jobs/" + id + "/status?wait=30", ada, "If-None-Match", etag));
        claim(1);
        Answer changed = waiting.join();
        assertThat(EventClient.state(changed)).isEqualTo("running");
        assertThat(changed.header("etag")).isNotEqualTo(etag);
        assertThat(api.get("/v1/jobs/" + id + "/status", ada, "If-None-Match", etag)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void strangersHearNothing() {
        long id = api.create(ada, "{\"jobType\": \"a\"}");
        for (String stranger : List.of(userToken(TENANT, BOB), ApiServer.adminToken(ApiServer.OTHER_TENANT))) {
            assertThat(api.get("/v1/jobs/" + id + "/events", stranger).status()).isEqualTo(404);
            assertThat(api.get("/v1/jobs/" + id + "/status?wait=30", stranger).status())
                    .isEqualTo(404);
        }
    }

    /** The clients are cut off at random while the jobs progress; each ends with the last state and has no event twice. */
    @Test
    void twoHundredClientsOnAThousandJobsLoseAndRepeatNothing() {
        int jobs = 1000;
        List<Long> ids = LongStream.range(0, jobs)
                .mapToObj(n -> database.number("select id from app_jobs.add_job(?, 'a', actor_id => ?)", TENANT, ADA))
                .toList();
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            List<EventClient> clients = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                clients.add(new EventClient(client, api, ids.get(i * 5), ada));
            }
            clients.forEach(EventClient::start);
            awaitAll(clients, one -> !one.ids.isEmpty());
            claim(jobs);
            Random random = new Random(6);
            for (int percent = 10; percent <= 90; percent += 10) {
                database.execute("update app_jobs.jobs set progress = jsonb_build_object('percent', ?::int)", percent);
                int reached = percent;
                // Half of the steps are waited for by all; the others may be seen or not.
                if (percent % 20 == 0) {
                    awaitAll(clients, one -> one.ids.getLast().contains("-running-" + reached + "-"));
                }
                clients.stream().filter(one -> random.nextInt(3) == 0).forEach(EventClient::breakOff);
            }
            database.execute("select app_jobs.complete_jobs(array(select id from app_jobs.jobs))");
            database.execute("update app_jobs.jobs set locked_at = null, locked_by = null, lease_token = null,"
                    + " lease_expires_at = null");
            database.execute("select app_jobs.complete_jobs(array(select id from app_jobs.jobs))");
            awaitAll(clients, EventClient::over);

            assertThat(clients).allSatisfy(one -> {
                assertThat(one.ids.getLast()).endsWith("-succeeded");
                assertThat(new HashSet<>(one.ids)).hasSameSizeAs(one.ids);
                assertThat(one.ids)
                        .filteredOn(id -> id.matches(".*-running-[2468]0-.*"))
                        .hasSize(4);
            });
        }
    }

    private static void awaitAll(List<EventClient> clients, java.util.function.Predicate<EventClient> holds) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> clients.stream().allMatch(holds));
    }

    private static void claim(int jobs) {
        assertThat(database.rows("select id from app_jobs.claim_jobs('worker-1', null, ?, '600 s')", jobs))
                .hasSize(jobs);
    }

    private static void progress(long id, int percent) {
        Map<String, ?> job = database.rows("select attempts, lease_token from app_jobs.jobs where id = ?", id)
                .getFirst();
        assertThat(database.value(
                        "select verdict from app_jobs.report_progress(?, ?::int, ?::uuid, '600 s',"
                                + " jsonb_build_object('percent', ?::int))",
                        id,
                        job.get("attempts"),
                        job.get("lease_token"),
                        percent))
                .isEqualTo("accepted");
    }

    private static void complete(long id) {
        assertThat(database.rows("select id from app_jobs.complete_job('worker-1', ?)", id))
                .hasSize(1);
    }
}
