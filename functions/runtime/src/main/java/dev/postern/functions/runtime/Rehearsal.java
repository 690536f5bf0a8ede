package dev.postern.functions.runtime;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * A start without a function: the server is started on a free port of loopback, called a few times, and that is all. The
 * build of an image runs it with {@code -XX:AOTCacheOutput}, so that the JVM can keep what a start loads and links. No
 * setting is read and nobody else is called.
 */
final class Rehearsal {

    /** Whether this process was started for one. A system property: no environment can turn a function into it. */
    static final boolean ASKED_FOR = Boolean.getBoolean("postern.rehearsal");

    private static final int CALLS = 20;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Rehearsal() {}

    /** Blocks until it is over. */
    static <P> void run(String name, Class<P> payloadType) throws IOException, InterruptedException {
        Vertx vertx = Vertx.vertx();
        FunctionServer<P> server = new FunctionServer<>(
                vertx,
                payloadType,
                (payload, context) -> Answer.done(),
                FunctionConfig.defaults(name).withAddress("127.0.0.1", 0),
                Clock.systemUTC(),
                RandomGenerator.getDefault());
        URI url = URI.create("http://127.0.0.1:" + server.start().await() + "/");
        try (HttpClient client = HttpClient.newHttpClient()) {
            for (int i = 0; i < CALLS; i++) {
                client.send(
                        to(url).POST(HttpRequest.BodyPublishers.ofString("{}")).build(), nothing());
                client.send(to(url.resolve("/healthz")).build(), nothing());
                client.send(to(url.resolve("/metrics")).build(), nothing());
            }
        }
        server.drain().await();
        server.stop().await();
        vertx.close().await();
    }

    private static HttpRequest.Builder to(URI url) {
        return HttpRequest.newBuilder(url).timeout(PATIENCE).version(HttpClient.Version.HTTP_1_1);
    }

    private static HttpResponse.BodyHandler<Void> nothing() {
        return HttpResponse.BodyHandlers.discarding();
    }
}
