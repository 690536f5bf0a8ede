package dev.postern.functions.runtime;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A function behind HTTP: {@code POST /} and {@code POST /anything} call it, {@code GET /healthz} tells whether it
 * takes calls, {@code GET /metrics} has its counters for Prometheus. Start once; drain and stop may be called in any state and more than once.
 *
 * @param <P> the payload's type
 */
public final class FunctionServer<P> {

    private final FunctionConfig config;
    private final RunningCalls running;
    private final FunctionMetrics metrics;
    private final @Nullable Traces traces;
    private final CallbackClient callbacks;
    private final CallHandler<P> calls;
    private final HttpServer http;

    /**
     * Nothing listens yet.
     *
     * @param payloadType what a payload is read into
     */
    public FunctionServer(
            Vertx vertx,
            Class<P> payloadType,
            JobFunction<P> function,
            FunctionConfig config,
            Clock clock,
            RandomGenerator random) {
        this.config = config;
        this.running = new RunningCalls(vertx);
        this.metrics = new FunctionMetrics(config.name(), running);
        this.traces = config.traces() == null ? null : new Traces(config.traces());
        this.callbacks = new CallbackClient(config.callbacks().timeout(), clock);
        this.calls = new CallHandler<>(
                vertx,
                new CallHandler.Watch(running, metrics, traces),
                callbacks,
                new Payloads<>(payloadType),
                function,
                config,
                new CallHandler.Moment(clock, random));
        this.http = vertx.createHttpServer(new HttpServerOptions()
                        .setHost(config.host())
                        .setPort(config.port())
                        // curl asks before it sends more than a megabyte
                        .setHandle100ContinueAutomatically(true)
                        // An upgrade to HTTP/2 buffers the first body before any limit of ours sees it, and of a few
                        // hundred such GETs one was never answered.
                        .setHttp2ClearTextEnabled(false))
                .requestHandler(this::route);
    }

    /** Listens; the future has the port. */
    public Future<Integer> start() {
        return http.listen().map(HttpServer::actualPort);
    }

    /** Turns new calls away and waits for the running ones up to the grace; the future has those it left unfinished. */
    public Future<List<Job>> drain() {
        return running.drain(config.drainGrace());
    }

    /** Closes the port and every connection; with traces, sends the last spans before. */
    public Future<Void> stop() {
        callbacks.close();
        Future<Void> closed = http.close();
        Traces open = traces;
        if (open == null) {
            return closed;
        }
        Promise<Void> flushed = Promise.promise();
        Thread.ofVirtual().name("traces-close").start(() -> {
            open.close();
            flushed.complete();
        });
        return closed.compose(done -> flushed.future());
    }

    private void route(HttpServerRequest request) {
        if (request.path().equals("/healthz")) {
            calls.write(request, health());
        } else if (request.path().equals("/metrics") && request.method().equals(HttpMethod.GET)) {
            calls.write(request, Reply.text(metrics.scrape()));
        } else if (request.method().equals(HttpMethod.POST)) {
            calls.accept(request);
        } else {
            calls.write(
                    request,
                    Reply.problem(
                            405,
                            "method-not-allowed",
                            "Only POST calls the function",
                            "send the payload with POST, or ask GET /healthz how the function is",
                            Map.of(),
                            Map.of("Allow", "POST")));
        }
    }

    private Reply health() {
        return running.draining()
                ? Reply.problem(503, "draining", "The function is stopping", "no new calls are taken")
                : Reply.result(Buffer.buffer("{\"status\":\"up\"}"));
    }
}
