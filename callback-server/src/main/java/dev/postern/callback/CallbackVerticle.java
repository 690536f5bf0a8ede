package dev.postern.callback;

import dev.postern.sql.JobStore;
import dev.postern.sql.OutcomeBatcher;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The callback server. Deploy one instance on an event loop; it is ready when the deployment is. Undeploying stops
 * accepting, lets requests in flight have their answers, then closes. The store's pool stays its owner's to close, after
 * that.
 */
public final class CallbackVerticle extends VerticleBase {

    /** Each may hold a result of 64 KiB, so a full backlog costs at most 128 MiB. Beyond it: 503 at once. */
    private static final int MAX_BACKLOG = 2000;

    /** Beyond the wait for the database, what a request in flight may still need when the server stops. */
    private static final Duration LAST_ANSWERS = Duration.ofSeconds(5);

    private static final Logger log = LoggerFactory.getLogger(CallbackVerticle.class);

    private final JobStore store;
    private final CallbackConfig config;
    private final CallbackListener listener;

    private @Nullable HttpServer server;

    /** Written once by the event loop, read by whoever deployed: therefore volatile. */
    private volatile int port;

    /** Opens nothing until it is deployed. */
    public CallbackVerticle(JobStore store, CallbackConfig config, CallbackListener listener) {
        this.store = store;
        this.config = config;
        this.listener = listener;
    }

    /** The port that is listened on; 0 before the deployment is done. Any thread may ask. */
    public int port() {
        return port;
    }

    /** Fails when the address cannot be listened on; nothing is left open then. */
    @Override
    public Future<?> start() {
        OutcomeBatcher outcomes =
                new OutcomeBatcher(vertx, context, store, config.outcomeWait(), MAX_BACKLOG, listener::stored);
        OutcomeSink sink = new OutcomeSink(vertx, store, outcomes, config.outcomeWait(), listener);
        HttpServer created = vertx.createHttpServer(options())
                .requestHandler(new CallbackRoutes(vertx, sink, config, listener).router())
                .invalidRequestHandler(CallbackRoutes::refuseMalformed);
        return created.listen()
                .onSuccess(listening -> {
                    server = listening;
                    port = listening.actualPort();
                    log.info("callback server listens on {}:{}", config.host(), port);
                    listener.listening(port);
                })
                .recover(cause -> Future.failedFuture(new IllegalStateException(
                        "cannot listen for callbacks on " + config.host() + ":" + config.port() + ": "
                                + cause.getMessage() + "; is another server running there?",
                        cause)));
    }

    /** May be called again, and without start. */
    @Override
    public Future<?> stop() {
        HttpServer running = server;
        if (running == null) {
            return Future.succeededFuture();
        }
        server = null;
        long patience = config.outcomeWait().plus(LAST_ANSWERS).toMillis();
        return running.shutdown(patience, TimeUnit.MILLISECONDS).onComplete(done -> listener.stopped());
    }

    private HttpServerOptions options() {
        return new HttpServerOptions()
                .setHost(config.host())
                .setPort(config.port())
                .setIdleTimeout((int) config.clientTimeout().toMillis())
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                .setHandle100ContinueAutomatically(true)
                // An upgrade to HTTP/2 buffers the first body before any limit of ours sees it.
                .setHttp2ClearTextEnabled(false);
    }
}
