package dev.postern.api;

import dev.postern.api.Contract.Operation;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is known of a request while it is served, and said of it when its answer has ended. Belongs to the server's context. */
final class Exchange {

    // The lines of requests are the routes' to people who look for them.
    private static final Logger log = LoggerFactory.getLogger(ApiRoutes.class);
    private static final String KEY = "exchange";

    private final RoutingContext context;
    private final long began = System.nanoTime();
    private Envelope envelope;
    private @Nullable Operation operation;
    private @Nullable Caller caller;
    private @Nullable String follows;

    private Exchange(RoutingContext context, RandomGenerator random) {
        this.context = context;
        HttpServerRequest http = context.request();
        this.envelope = Envelope.of(http.getHeader(ApiRoutes.REQUEST_ID), http.getHeader("traceparent"), random);
    }

    /** The request's; begins one where there is none. */
    static Exchange of(RoutingContext context, RandomGenerator random) {
        Exchange known = context.get(KEY);
        if (known != null) {
            return known;
        }
        Exchange made = new Exchange(context, random);
        context.put(KEY, made);
        return made;
    }

    /** Tells that it has begun; who traces it says under which traceparent. */
    Exchange begun(ApiListener listener) {
        String traced = listener.begun(context.request().getHeader("traceparent"));
        if (traced != null) {
            envelope = envelope.under(traced);
        }
        return this;
    }

    Envelope envelope() {
        return envelope;
    }

    void serves(Operation served) {
        operation = served;
    }

    void comesFrom(Caller known) {
        caller = known;
    }

    /** That it starts over what had this traceparent; null for most. */
    void follows(@Nullable String former) {
        follows = former;
    }

    /** Tells, when its answer has ended. */
    void ended(ApiListener listener) {
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        HttpServerRequest http = context.request();
        int status = context.response().getStatusCode();
        (status >= 500 ? log.atWarn() : log.atInfo())
                // The worker's keys: one search finds both lines.
                .addKeyValue("request", envelope.requestId())
                .addKeyValue("trace", envelope.traceparent())
                .addKeyValue("tenant", caller == null ? "" : caller.tenant())
                .addKeyValue("actor", caller == null || caller.actor() == null ? "" : caller.actor())
                .addKeyValue("status", status)
                .addKeyValue("ms", took.toMillis())
                .log("{} {} {}", http.method(), context.normalizedPath(), status);
        listener.answered(
                new ApiListener.Served(
                        operation == null ? "none" : operation.id(),
                        http.method().name(),
                        operation == null ? "" : operation.path(),
                        status,
                        envelope.traceparent(),
                        envelope.requestId(),
                        caller == null ? null : caller.tenant(),
                        follows),
                took);
    }
}
