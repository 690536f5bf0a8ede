package dev.postern.service.telemetry;

import dev.postern.sql.JobDirectory;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Probes and metrics over HTTP. {@code /healthz} says that the process answers and nothing about Postgres, so that an
 * outage of the database does not restart everybody; {@code /startupz} and {@code /readyz} follow the process's life.
 * While it runs it samples the tables every 15 s for the gauges.
 */
public final class ProbeServer extends VerticleBase {

    /** Where in its life the process is. */
    public enum Phase {
        /** Not everything runs yet. */
        STARTING,
        /** Everything runs. */
        READY,
        /** It is on its way out. */
        DRAINING
    }

    private static final Logger log = LoggerFactory.getLogger(ProbeServer.class);
    private static final long SAMPLE_MS = 15_000;

    /** Sampling reads the whole table of jobs: of a deep backlog's it takes no more than a hundredth of the time. */
    private static final long SAMPLE_TIMES = 100;

    private final String host;
    private final int port;
    private final Metrics metrics;
    private final Supplier<Phase> phase;
    private final JobDirectory directory;
    private final int tenants;
    private @Nullable HttpServer server;

    /** Written by the event loop once, read by whoever deployed: therefore volatile. */
    private volatile int actualPort;

    /**
     * Opens nothing until deployed.
     *
     * @param port 0 for any that is free
     * @param phase asked at each probe, from the event loop
     * @param tenants how many tenants are counted, those with most to do; 0 for none
     */
    public ProbeServer(
            String host, int port, Metrics metrics, Supplier<Phase> phase, JobDirectory directory, int tenants) {
        this.host = host;
        this.port = port;
        this.metrics = metrics;
        this.phase = phase;
        this.directory = directory;
        this.tenants = tenants;
    }

    /** The port that is listened on; 0 before the deployment is done. */
    public int port() {
        return actualPort;
    }

    @Override
    public Future<?> start() {
        // Of a few hundred GETs that asked to be upgraded to HTTP/2, one was never answered.
        return vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
                .requestHandler(this::answer)
                .listen(port, host)
                .onSuccess(listening -> {
                    server = listening;
                    actualPort = listening.actualPort();
                    vertx.setTimer(1, ignored -> sample());
                })
                .recover(cause -> Future.failedFuture(new IllegalStateException(
                        "cannot listen on " + host + ":" + port + " (POSTERN_HTTP_PORT): " + cause.getMessage(),
                        cause)));
    }

    @Override
    public Future<?> stop() {
        HttpServer running = server;
        server = null;
        return running == null ? Future.succeededFuture() : running.close();
    }

    private void answer(HttpServerRequest request) {
        switch (request.path()) {
            case "/healthz" -> reply(request, true, "alive");
            case "/startupz" -> reply(request, phase.get() != Phase.STARTING, "started");
            case "/readyz" -> reply(request, phase.get() == Phase.READY, "ready");
            case "/metrics" ->
                request.response()
                        .putHeader("content-type", "text/plain; version=0.0.4; charset=utf-8")
                        .end(metrics.scrape());
            default ->
                request.response()
                        .setStatusCode(404)
                        .putHeader("content-type", "text/plain")
                        .end("/healthz, /readyz, /startupz or /metrics\n");
        }
    }

    private void reply(HttpServerRequest request, boolean yes, String word) {
        request.response()
                .setStatusCode(yes ? 200 : 503)
                .putHeader("content-type", "text/plain")
                .end((yes ? "" : "not ") + word + "\n");
    }

    private void sample() {
        if (server == null) {
            return;
        }
        long startedAt = System.nanoTime();
        Future<?> sampled = phase.get() != Phase.READY
                ? Future.succeededFuture()
                : directory
                        .counts()
                        .compose(counts -> Future.all(
                                        directory.cancelledCounts(),
                                        directory.oldestReadySeconds(),
                                        directory.oldestTickSeconds())
                                .onSuccess(seen -> metrics.sampled(
                                        counts,
                                        seen.<List<JobDirectory.Count>>resultAt(0),
                                        seen.<Double>resultAt(1),
                                        seen.<Double>resultAt(2))))
                        .compose(done -> tenants == 0
                                ? Future.succeededFuture()
                                : directory.busiestTenants(tenants).onSuccess(metrics::tenants));
        sampled.onFailure(cause -> log.debug("cannot sample the tables: {}", cause.getMessage()))
                .onComplete(done -> {
                    long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startedAt);
                    vertx.setTimer(Math.max(SAMPLE_MS, SAMPLE_TIMES * tookMs), ignored -> sample());
                });
    }
}
