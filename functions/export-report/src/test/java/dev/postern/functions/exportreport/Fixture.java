package dev.postern.functions.exportreport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.postern.functions.runtime.FunctionConfig;
import dev.postern.functions.runtime.FunctionServer;
import dev.postern.functions.runtime.Settings;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** The function behind its real server, wired from settings as a process gets them, and a callback server that listens. */
final class Fixture implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Bodies of progress reports, in order. */
    final List<JsonNode> progress = new CopyOnWriteArrayList<>();

    /** What the callback server answers. */
    volatile int callbackStatus = 200;

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final HttpServer callbacks;
    private final FunctionServer<ExportPayload> server;
    private final int port;

    record Reply(int status, JsonNode body, HttpResponse<String> raw) {
        String detail() {
            return body.path("detail").asText();
        }
    }

    Fixture(JobDatabase database, Clock clock, Map<String, String> environment) throws Exception {
        callbacks = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        callbacks.createContext("/", this::hear);
        callbacks.start();
        DatabaseConfig config = database.config();
        Map<String, String> settings = new HashMap<>(Map.of(
                "PGHOST", config.host(),
                "PGPORT", Integer.toString(config.port()),
                "PGUSER", config.user(),
                "PGPASSWORD", config.password(),
                "PGDATABASE", config.database()));
        settings.putAll(environment);
        FunctionConfig defaults = FunctionConfig.defaults(Main.NAME);
        server = new FunctionServer<>(
                vertx,
                ExportPayload.class,
                Main.wire(new Settings(settings), clock),
                new FunctionConfig(
                        Main.NAME, "127.0.0.1", 0, defaults.bodyLimit(), Duration.ofSeconds(1), defaults.callbacks()),
                clock,
                RandomGenerator.getDefault());
        port = server.start().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private void hear(HttpExchange exchange) throws IOException {
        try (exchange) {
            progress.add(JSON.readTree(exchange.getRequestBody().readAllBytes()));
            exchange.sendResponseHeaders(callbackStatus, -1);
        }
    }

    /** As the worker calls, for a job of {@link JobDatabase#TENANT}. */
    Reply call(long job, String payload) throws Exception {
        return call(job, JobDatabase.TENANT, payload);
    }

    Reply call(long job, UUID tenant, String payload) throws Exception {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/export-report"))
                        .timeout(Duration.ofSeconds(60))
                        .header("X-Job-Id", Long.toString(job))
                        .header("X-Database-Id", tenant.toString())
                        .header(
                                "X-Callback-Url",
                                "http://127.0.0.1:" + callbacks.getAddress().getPort() + "/callback/" + job)
                        .POST(HttpRequest.BodyPublishers.ofString(payload))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return new Reply(answer.statusCode(), JSON.readTree(answer.body()), answer);
    }

    @Override
    public void close() {
        client.shutdownNow();
        callbacks.stop(0);
        server.stop()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
        vertx.close()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }
}
