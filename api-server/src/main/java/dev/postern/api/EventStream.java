package dev.postern.api;

import dev.postern.sql.TenantJobs.Found;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One client's server-sent events of one job: its state whenever it has changed, with the version as the event's id, until
 * it has ended.
 *
 * <pre>
 *   open ──write queue full──▶ held (the newest state only) ──drained──▶ open
 *     │                          └── too long: the connection is reset
 *     └── job ended, or time is up: the answer ends; who comes back is asked for his token again
 * </pre>
 *
 * <p>Belongs to the server's context.
 */
final class EventStream {

    /** A token may be revoked or run out meanwhile: browsers come back by themselves and show a new one. */
    private static final Duration LONGEST = Duration.ofMinutes(10);

    /** A line that nobody reads, so that proxies and clients know that the connection stands. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int WRITE_QUEUE = 64 * 1024;

    private final Vertx vertx;
    private final HttpServerResponse response;
    private final Runnable onEnd;
    private final long heartbeat;
    private final long longest;

    private JobWatch.@Nullable Watch watch;
    private @Nullable Found held;
    private long impatience = -1;
    private boolean ended;

    /**
     * Writes the head.
     *
     * @param onEnd called once, however it ends
     */
    EventStream(Vertx vertx, HttpServerResponse response, Runnable onEnd) {
        this.vertx = vertx;
        this.response = response;
        this.onEnd = onEnd;
        response.setStatusCode(200)
                .setChunked(true)
                .setWriteQueueMaxSize(WRITE_QUEUE)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .putHeader("X-Accel-Buffering", "no")
                .closeHandler(closed -> stop())
                .exceptionHandler(broken -> stop())
                .drainHandler(drained -> resume());
        this.heartbeat = vertx.setPeriodic(HEARTBEAT.toMillis(), fired -> write(": alive\n\n"));
        this.longest = vertx.setTimer(LONGEST.toMillis(), fired -> end());
        write("retry: 1000\n\n");
    }

    /**
     * Sends the state unless the client has it, and each later one.
     *
     * @param lastEventId what the client has, or null
     */
    void follow(JobWatch jobs, Found now, @Nullable String lastEventId) {
        if (!now.version().equals(lastEventId)) {
            send(now);
        }
        if (!ended) {
            watch = jobs.watch(now.id(), now.version(), this::send);
        }
    }

    /** Ends the answer. */
    void end() {
        if (!ended) {
            response.end();
            stop();
        }
    }

    private void send(Found found) {
        if (ended) {
            return;
        }
        if (response.writeQueueFull()) {
            held = found;
            if (impatience < 0) {
                impatience = vertx.setTimer(PATIENCE.toMillis(), fired -> {
                    response.reset();
                    stop();
                });
            }
            return;
        }
        write("id: " + found.version() + "\nevent: status\ndata: " + JobStatus.of(found) + "\n\n");
        if (JobStatus.isFinal(found)) {
            end();
        }
    }

    private void resume() {
        if (impatience >= 0) {
            vertx.cancelTimer(impatience);
            impatience = -1;
        }
        Found latest = held;
        held = null;
        if (latest != null) {
            send(latest);
        }
    }

    private void write(String text) {
        if (!ended && !response.writeQueueFull()) {
            response.write(text);
        }
    }

    private void stop() {
        if (ended) {
            return;
        }
        ended = true;
        vertx.cancelTimer(heartbeat);
        vertx.cancelTimer(longest);
        if (impatience >= 0) {
            vertx.cancelTimer(impatience);
        }
        if (watch != null) {
            watch.end();
        }
        onEnd.run();
    }
}
