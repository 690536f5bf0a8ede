package dev.postern.functions.runtime;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** A function behind a real server on a free port of loopback. */
final class RunningFunction<P> implements AutoCloseable {

    static final int BODY_LIMIT = 2000;

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final FunctionServer<P> server;
    private final int port;

    RunningFunction(Class<P> type, JobFunction<P> function) throws Exception {
        this(type, function, Duration.ofSeconds(20), Duration.ofSeconds(20));
    }

    RunningFunction(Class<P> type, JobFunction<P> function, Duration grace, Duration giveUpAfter) throws Exception {
        FunctionConfig config = new FunctionConfig(
                "tested",
                "127.0.0.1",
                0,
                BODY_LIMIT,
                grace,
                new FunctionConfig.Callbacks(
                        Duration.ofMillis(1),
                        Duration.ofMillis(5),
                        giveUpAfter,
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30)));
        server = new FunctionServer<>(vertx, type, function, config, Clock.systemUTC(), RandomGenerator.getDefault());
        port = server.start().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(20));
    }

    HttpResponse<String> post(String body, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = request("/").POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request.build());
    }

    HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    HttpClient client() {
        return client;
    }

    int port() {
        return port;
    }

    CompletableFuture<List<Job>> drain() {
        return server.drain().toCompletionStage().toCompletableFuture();
    }

    void stop() {
        server.stop()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    @Override
    public void close() {
        client.shutdownNow();
        // One after the other: a future that hangs on a closed event loop is never told.
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
