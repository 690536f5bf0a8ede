package dev.postern.callback;

import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.Attempt;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.OutcomeBatcher;
import dev.postern.sql.TcpProxy;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Pool;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/** A running callback server on a test's database, and beside it a worker's own way to that database. */
final class CallbackServer implements AutoCloseable {

    static final CallbackConfig LOOPBACK = CallbackConfig.defaults().withAddress("127.0.0.1", 0);

    private static final AtomicInteger TASKS = new AtomicInteger();

    final TcpProxy line;
    final OutcomeBatcher worker;

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final JobDatabase database;
    private final Pool serversPool;
    private final Pool workersPool;
    private final CallbackVerticle verticle;
    private final String deployment;

    /** An answer. */
    record Answer(int status, HttpResponse<String> response) {
        JsonObject json() {
            return new JsonObject(response.body());
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        boolean replayed() {
            return header(JobHeaders.IDEMPOTENT_REPLAY).equals("true");
        }

        String problem() {
            return header("content-type").equals("application/problem+json")
                    ? json().getString("type").replace("urn:postern:problem:", "")
                    : "none";
        }
    }

    private CallbackServer(JobDatabase database, CallbackConfig config) {
        this.database = database;
        DatabaseConfig direct = database.config();
        this.line = TcpProxy.start(vertx, direct.host(), direct.port());
        DatabaseConfig proxied = new DatabaseConfig(
                "127.0.0.1",
                line.port(),
                direct.database(),
                direct.user(),
                direct.password(),
                direct.schema(),
                direct.poolSize(),
                direct.tls());
        this.serversPool = JobStore.pool(vertx, proxied, "callback-server");
        this.workersPool = JobStore.pool(vertx, direct, "worker");
        this.worker = new OutcomeBatcher(
                vertx,
                vertx.getOrCreateContext(),
                new JobStore(workersPool, direct.schema()),
                Duration.ofSeconds(5),
                1000,
                took -> {});
        this.verticle = new CallbackVerticle(new JobStore(serversPool, direct.schema()), config, CallbackListener.NONE);
        this.deployment = await(vertx.deployVerticle(verticle));
    }

    static CallbackServer start(JobDatabase database, CallbackConfig config) {
        return new CallbackServer(database, config);
    }

    @Override
    public void close() {
        line.resume();
        await(vertx.undeploy(deployment).otherwiseEmpty());
        await(serversPool.close());
        await(workersPool.close());
        line.close();
        await(vertx.close());
        client.close();
    }

    Future<Void> stop() {
        return vertx.undeploy(deployment);
    }

    CallbackVerticle verticle() {
        return verticle;
    }

    /** Adds a job of a task of its own and claims it. */
    Attempt claimed() {
        String task = "task-" + TASKS.incrementAndGet();
        database.addJob(task, "{\"to\":\"somebody\"}");
        return claim(task).getFirst();
    }

    /** Claims all due jobs of a task. */
    List<Attempt> claim(String task) {
        return database
                .rows(
                        "select id, attempt, lease_token from app_jobs.claim_jobs('worker-1', array[?], 1000, '60 s')",
                        task)
                .stream()
                .map(row -> new Attempt(
                        Long.parseLong(String.valueOf(row.get("id"))),
                        Integer.parseInt(String.valueOf(row.get("attempt"))),
                        UUID.fromString(String.valueOf(row.get("lease_token")))))
                .toList();
    }

    /** Lets the lease of an attempt expire, takes the job back, and claims it anew. */
    Attempt claimedAgain(Attempt attempt) {
        database.execute(
                "update app_jobs.jobs set lease_expires_at = now() - interval '1 s' where id = ?", attempt.jobId());
        database.execute("select * from app_jobs.reap_leases(1000)");
        database.execute("update app_jobs.jobs set run_at = now() where id = ?", attempt.jobId());
        return claim(String.valueOf(
                        database.value("select task_identifier from app_jobs.jobs where id = ?", attempt.jobId())))
                .getFirst();
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + verticle.port() + path);
    }

    static String path(Attempt attempt) {
        return "/callback/" + new AttemptToken(attempt.jobId(), attempt.number(), attempt.lease()).encode();
    }

    /** Posts JSON to a report's URL; {@code report} is empty for Constructive's callback, else as {@code /complete}. */
    Answer post(Attempt attempt, String report, String json, String... headers) {
        return post(path(attempt) + report, json, headers);
    }

    Answer post(String path, String json, String... headers) {
        return send(request(path, json, headers));
    }

    CompletableFuture<Answer> postAsync(Attempt attempt, String report, String json, String... headers) {
        return client.sendAsync(request(path(attempt) + report, json, headers), BodyHandlers.ofString())
                .thenApply(response -> new Answer(response.statusCode(), response))
                .orTimeout(30, TimeUnit.SECONDS);
    }

    Answer send(HttpRequest request) {
        return client.sendAsync(request, BodyHandlers.ofString())
                .thenApply(response -> new Answer(response.statusCode(), response))
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }

    private HttpRequest request(String path, String json, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).POST(BodyPublishers.ofString(json));
        if (List.of(headers).stream().noneMatch("content-type"::equalsIgnoreCase)) {
            request.header("content-type", "application/json");
        }
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    /** Waits until so many statements in the database wait for a row. */
    void awaitBlocked(int statements) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> database.number("select count(*) from pg_stat_activity where datname = current_database()"
                                + " and wait_event_type = 'Lock'")
                        >= statements);
    }

    static <T> T await(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }
}
