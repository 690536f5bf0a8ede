package dev.postern.service.cli;

import dev.postern.service.JobService;
import dev.postern.service.config.ConfigReader;
import dev.postern.service.config.ServiceConfig;
import dev.postern.service.local.FreePort;
import dev.postern.worker.WorkerListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A start without a database and without settings: all roles on free ports of loopback, each server called a few times, and
 * that is all. The build of the image runs {@code serve} so with {@code -XX:AOTCacheOutput}, so that the JVM can keep what
 * a start loads and links. That no database answers is logged, and no failure.
 */
final class Rehearsal {

    /** Whether this process was started for one. A system property: no environment can turn a service into it. */
    static final boolean ASKED_FOR = Boolean.getBoolean("postern.rehearsal");

    private static final int CALLS = 20;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Rehearsal() {}

    /** Blocks until it is over. */
    static void run() throws InterruptedException {
        ServiceConfig config = new ConfigReader(
                        Map.of(
                                "DATABASE_URL", "postgres://rehearsal@127.0.0.1:1/rehearsal",
                                "FUNCTION_URL", "http://127.0.0.1:1",
                                "POSTERN_BIND_HOST", "127.0.0.1",
                                "POSTERN_HTTP_PORT", "0",
                                "POSTERN_API_PORT", "0",
                                "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any())),
                        Context.incarnation())
                .read();
        JobService service = new JobService(config, WorkerListener.NONE, Context.clock(), new SplittableRandom());
        service.startWithoutSchema();
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI probes = URI.create("http://127.0.0.1:" + service.httpPort());
            URI callback = URI.create("http://127.0.0.1:" + service.callbackPort());
            for (int i = 0; i < CALLS; i++) {
                call(client, HttpRequest.newBuilder(probes.resolve("/readyz")));
                call(client, HttpRequest.newBuilder(probes.resolve("/metrics")));
                call(
                        client,
                        HttpRequest.newBuilder(callback.resolve("/callback/complete"))
                                .POST(HttpRequest.BodyPublishers.ofString("{}")));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the service that is rehearsed does not answer", e);
        } finally {
            service.stop();
        }
    }

    private static void call(HttpClient client, HttpRequest.Builder request) throws IOException, InterruptedException {
        client.send(
                request.timeout(PATIENCE).version(HttpClient.Version.HTTP_1_1).build(),
                HttpResponse.BodyHandlers.discarding());
    }
}
