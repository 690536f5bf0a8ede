package dev.postern.api;

import dev.postern.api.ApiConfig.Tokens;
import dev.postern.sql.LiveJobs;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API server. Deploy one instance on an event loop; it is ready when the deployment is. Undeploying stops accepting,
 * lets requests in flight have their answers, then closes. The store's pool stays its owner's to close, after that.
 */
public final class ApiVerticle extends VerticleBase {

    private static final Logger log = LoggerFactory.getLogger(ApiVerticle.class);

    private static final Duration LAST_ANSWERS = Duration.ofSeconds(5);
    private static final Duration LEAST_BETWEEN_KEY_READS = Duration.ofSeconds(10);
    private static final Duration LIVE_PACE = Duration.ofMillis(250);

    /** Longer than a long poll, and than the time between two heartbeats of a stream. */
    private static final Duration LEAST_IDLE = Duration.ofSeconds(75);

    /** A connection is silent while the function works; it must not be taken for one that is dead. */
    private static final Duration LONGER_THAN_A_CALL = Duration.ofSeconds(15);

    private static final int LONGEST_HEADERS = 32 * 1024;

    private final TenantStore store;
    private final LiveJobs live;
    private final Functions functions;
    private final ApiConfig config;
    private final ApiListener listener;
    private final RandomGenerator random;

    private @Nullable HttpServer server;
    private @Nullable KeyRing ring;
    private @Nullable LiveRoutes liveRoutes;
    private @Nullable Payloads payloads;

    /** Written once by the event loop, read by whoever deployed: therefore volatile. */
    private volatile int port;

    /** Opens nothing until it is deployed. */
    public ApiVerticle(
            TenantStore store,
            LiveJobs live,
            Functions functions,
            ApiConfig config,
            ApiListener listener,
            RandomGenerator random) {
        this.store = store;
        this.live = live;
        this.functions = functions;
        this.config = config;
        this.listener = listener;
        this.random = random;
    }

    /** Every permission that some operation asks for, and those that widen what it shows. */
    public static Set<String> permissions() {
        return Contract.load().permissions();
    }

    /** The port that is listened on; 0 before the deployment is done. Any thread may ask. */
    public int port() {
        return port;
    }

    /**
     * Fails when the address cannot be listened on, a key file cannot be read, or the database's role may not become a
     * tenant's; nothing is left open then.
     */
    @Override
    public Future<?> start() {
        Contract contract = Contract.load();
        return store.check().compose(able -> callers(contract)).compose(callers -> listen(contract, callers));
    }

    private Future<Callers> callers(Contract contract) {
        Tokens tokens = config.tokens();
        if (!tokens.checked()) {
            log.warn("no keys for tokens are configured: the API serves every program on this machine, and nobody else;"
                    + " POSTERN_API_KEYS opens it to callers with a token");
            return Future.succeededFuture(new Callers(null, contract.permissions()));
        }
        KeyRing created = new KeyRing(vertx, tokens, LEAST_BETWEEN_KEY_READS);
        ring = created;
        return created.start().map(first -> new Callers(new TokenVerifier(tokens, created), contract.permissions()));
    }

    private Future<?> listen(Contract contract, Callers callers) {
        LiveRoutes waiting = new LiveRoutes(vertx, store, new JobWatch(vertx, live, LIVE_PACE), config.liveClients());
        liveRoutes = waiting;
        Payloads checks = new Payloads(vertx);
        payloads = checks;
        JobRoutes jobs = new JobRoutes(store, checks);
        Map<String, Handler> handlers = new HashMap<>(jobs.handlers());
        handlers.putAll(new FunctionRoutes(functions, jobs, store, config, random).handlers());
        handlers.putAll(waiting.handlers());
        handlers.putAll(new BulkRoutes(store).handlers());
        handlers.putAll(new ScheduleRoutes(store, checks).handlers());
        handlers.putAll(new TaskSchemaRoutes(store, checks).handlers());
        handlers.putAll(new OperationRoutes(store).handlers());
        RequestClock clock = new RequestClock(
                vertx, config.clientTimeout(), config.clientTimeout().plus(LEAST_IDLE));
        ApiRoutes routes = new ApiRoutes(
                vertx,
                contract,
                callers,
                handlers,
                config,
                new RateLimiter(config.ratePerSecond(), System::nanoTime),
                clock,
                new ApiRoutes.Told(listener, random));
        return vertx.createHttpServer(options())
                .requestHandler(routes.router())
                .invalidRequestHandler(routes::refuseMalformed)
                .connectionHandler(clock::opened)
                .listen()
                .onSuccess(listening -> {
                    server = listening;
                    port = listening.actualPort();
                    log.info("API listens on {}:{}", config.host(), port);
                })
                .recover(cause -> Future.failedFuture(new IllegalStateException(
                        "cannot listen for the API on " + config.host() + ":" + config.port() + " (POSTERN_API_PORT): "
                                + cause.getMessage() + "; is another server running there?",
                        cause)));
    }

    /** May be called again, and without start. */
    @Override
    public Future<?> stop() {
        HttpServer running = server;
        KeyRing keys = ring;
        Payloads checks = payloads;
        server = null;
        ring = null;
        payloads = null;
        if (liveRoutes != null) {
            liveRoutes.close();
        }
        Future<Void> closed = running == null
                ? Future.succeededFuture()
                : running.shutdown(LAST_ANSWERS.toMillis(), TimeUnit.MILLISECONDS);
        return closed.eventually(() -> keys == null ? Future.succeededFuture() : keys.close())
                .eventually(() -> checks == null ? Future.succeededFuture() : checks.close());
    }

    private Duration idle() {
        return Stream.of(
                        config.clientTimeout(),
                        LEAST_IDLE,
                        config.calls().atMost().plus(LONGER_THAN_A_CALL))
                .max(Comparator.naturalOrder())
                .orElseThrow();
    }

    private HttpServerOptions options() {
        return new HttpServerOptions()
                .setHost(config.host())
                .setPort(config.port())
                .setIdleTimeout((int) idle().toMillis())
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                .setMaxHeaderSize(LONGEST_HEADERS)
                .setHandle100ContinueAutomatically(true)
                // An upgrade to HTTP/2 buffers the first body before any limit of ours sees it.
                .setHttp2ClearTextEnabled(false);
    }
}
