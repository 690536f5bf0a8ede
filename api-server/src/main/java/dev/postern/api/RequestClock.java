package dev.postern.api;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Closes connections whose next request does not arrive as a whole: a client that sends a byte now and then is never idle,
 * and would hold its connection for ever.
 *
 * <pre>
 *   open ──▶ awaited ──the request is there──▶ served ──its answer has ended──▶ awaited
 *               └── too long: closed
 * </pre>
 *
 * <p>Belongs to the server's context.
 */
final class RequestClock {

    private final Vertx vertx;
    private final long firstMs;
    private final long nextMs;
    private final Map<HttpConnection, Long> timers = new HashMap<>();
    private final Set<HttpConnection> open = new HashSet<>();

    /**
     * Watches nothing yet.
     *
     * @param first how long the first request of a connection may take
     * @param next how long a later one may, idleness before it included
     */
    RequestClock(Vertx vertx, Duration first, Duration next) {
        this.vertx = vertx;
        this.firstMs = first.toMillis();
        this.nextMs = next.toMillis();
    }

    void opened(HttpConnection connection) {
        open.add(connection);
        connection.closeHandler(closed -> {
            open.remove(connection);
            cancel(connection);
        });
        await(connection, firstMs);
    }

    /** A request's head is there; its body may still be on its way, for as long as the timer runs. */
    void begun(HttpServerRequest request) {
        request.end().onSuccess(whole -> {
            if (request.response().ended()) {
                await(request.connection(), nextMs);
            } else {
                cancel(request.connection());
            }
        });
    }

    /** Its answer has ended, perhaps before the request was read. */
    void ended(HttpServerRequest request) {
        await(request.connection(), request.isEnded() ? nextMs : firstMs);
    }

    private void await(HttpConnection connection, long ms) {
        cancel(connection);
        if (open.contains(connection)) {
            timers.put(connection, vertx.setTimer(ms, fired -> {
                timers.remove(connection);
                connection.close();
            }));
        }
    }

    private void cancel(HttpConnection connection) {
        Long timer = timers.remove(connection);
        if (timer != null) {
            vertx.cancelTimer(timer);
        }
    }
}
