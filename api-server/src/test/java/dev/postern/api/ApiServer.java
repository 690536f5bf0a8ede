package dev.postern.api;

import dev.postern.api.ApiConfig.Tokens;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.LiveJobs;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Pool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A running API server on a test's database, and callers with tokens. */
final class ApiServer implements AutoCloseable {

    static final SigningKey SECRET = SigningKey.secret("a secret of the tests that is long enough");
    static final UUID TENANT = UUID.fromString("0000000a-0000-4000-8000-000000000000");
    static final UUID OTHER_TENANT = UUID.fromString("0000000b-0000-4000-8000-000000000000");
    static final UUID ADA = UUID.fromString("0000000a-0000-4000-8000-0000000000ad");
    static final UUID BOB = UUID.fromString("0000000a-0000-4000-8000-0000000000b0");
    static final List<String> ALL = List.copyOf(Contract.load().permissions());
    static final List<String> OF_TENANT =
            ALL.stream().filter(p -> !p.startsWith("admin.")).toList();

    /** What the listener was told: operation and status. */
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    final Vertx vertx = Vertx.vertx();
    final FakeFunctions functions = new FakeFunctions();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Pool pool;
    private final ApiVerticle verticle;
    private final String deployment;

    /** An answer. */
    record Answer(HttpResponse<String> response) {
        int status() {
            return response.statusCode();
        }

        JsonObject json() {
            return new JsonObject(response.body());
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        String problem() {
            return header("content-type").equals("application/problem+json")
                    ? json().getString("type").replace("urn:postern:problem:", "")
                    : "none";
        }

        /** The fields that are named as wrong. */
        List<String> fields() {
            return json().getJsonArray("errors", new JsonArray()).stream()
                    .map(error -> ((JsonObject) error).getString("field"))
                    .toList();
        }
    }

    private ApiServer(DatabaseConfig database, ApiConfig config) {
        this.pool = JobStore.pool(vertx, database, "api-server");
        this.verticle = new ApiVerticle(
                new TenantStore(pool, database.schema()),
                new LiveJobs(pool, database.schema()),
                functions,
                config,
                new ApiListener() {
                    @Override
                    public void answered(Served request, Duration took) {
                        heard.add(request.operation() + " " + request.status());
                    }
                },
                new Random(1));
        this.deployment = await(vertx.deployVerticle(verticle));
    }

    /** With tokens that are signed by {@link #SECRET}. */
    static ApiServer start(JobDatabase database) {
        return start(database.config(), config -> config);
    }

    static ApiServer start(DatabaseConfig database, UnaryOperator<ApiConfig> change) {
        Path file = keyFile(new String(SECRET.secret(), java.nio.charset.StandardCharsets.UTF_8));
        ApiConfig config = ApiConfig.defaults()
                .withRatePerSecond(0)
                .withAddress("127.0.0.1", 0, Tokens.none().withKeyFiles(List.of(file)));
        return new ApiServer(database, change.apply(config));
    }

    static Path keyFile(String content) {
        try {
            Path file = Files.createTempFile("postern-key", ".txt");
            file.toFile().deleteOnExit();
            return Files.writeString(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        await(vertx.undeploy(deployment).otherwiseEmpty());
        await(pool.close());
        await(vertx.close());
        client.close();
    }

    int port() {
        return verticle.port();
    }

    /** Claims that count until long after the test. */
    static JsonObject claims(UUID tenant, @Nullable Object user, List<String> permissions) {
        JsonObject claims = new JsonObject()
                .put("database_id", tenant.toString())
                .put("permissions", new JsonArray(permissions))
                .put("exp", 4_000_000_000L);
        return user == null ? claims : claims.put("sub", user.toString());
    }

    static String token(UUID tenant, @Nullable Object user, List<String> permissions) {
        return SECRET.token(claims(tenant, user, permissions));
    }

    /** A user who may do everything with his own jobs. */
    static String userToken(UUID tenant, UUID user) {
        return token(
                tenant,
                user,
                OF_TENANT.stream().filter(p -> !p.equals(Caller.ALL_OF_TENANT)).toList());
    }

    /** Somebody who may do everything in the tenant, and nothing beyond. */
    static String tenantToken(UUID tenant) {
        return token(tenant, ADA, OF_TENANT);
    }

    /** An operator: everything in the tenant, and what crosses tenants. */
    static String adminToken(UUID tenant) {
        return token(tenant, ADA, ALL);
    }

    Answer get(String path, String token, String... headers) {
        return send(request(path, token, headers).GET().build());
    }

    Answer post(String path, String token, @Nullable String json, String... headers) {
        HttpRequest.Builder request = request(path, token, headers);
        if (json == null) {
            return send(request.POST(BodyPublishers.noBody()).build());
        }
        if (List.of(headers).stream().noneMatch("content-type"::equalsIgnoreCase)) {
            request.header("content-type", "application/json");
        }
        return send(request.POST(BodyPublishers.ofString(json)).build());
    }

    /** Creates a job and answers its id. */
    long create(String token, String json) {
        Answer answer = post("/v1/jobs", token, json);
        if (answer.status() != 201) {
            throw new AssertionError(answer.status() + " " + answer.response().body());
        }
        return Long.parseLong(answer.json().getString("jobId"));
    }

    HttpRequest.Builder request(String path, String token, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return headers.length == 0 ? request : request.headers(headers);
    }

    Answer send(HttpRequest request) {
        return client.sendAsync(request, BodyHandlers.ofString())
                .thenApply(Answer::new)
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }

    static <T> T await(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join();
    }
}
