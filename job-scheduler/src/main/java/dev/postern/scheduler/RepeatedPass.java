package dev.postern.scheduler;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does a pass again and again: each answers after which time the next one is wanted. Passes never overlap. One that fails
 * is tried again, ever less often up to every 5 s; the log hears of the first failure and of the recovery only.
 *
 * <pre>
 *   idle ──start──▶ running ──ended, failed──▶ waiting
 *                      ▲                          │ time is up, woken
 *                      └──────────────────────────┘        stop ──▶ stopped, once the running pass has ended
 * </pre>
 *
 * All fields belong to the context that called {@link #start}.
 */
final class RepeatedPass {

    private static final Logger log = LoggerFactory.getLogger(RepeatedPass.class);
    private static final Duration BACKOFF_FIRST = Duration.ofMillis(100);
    private static final Duration BACKOFF_MAX = Duration.ofSeconds(5);

    private final Vertx vertx;
    private final String name;
    private final Supplier<Future<Duration>> pass;

    private @Nullable Future<Void> running;
    private @Nullable Long timer;
    private boolean wokenMeanwhile;
    private boolean stopped;
    private @Nullable Duration backoff;

    /**
     * Does nothing until started.
     *
     * @param name what the pass does, for the log: "cannot {name}"
     */
    RepeatedPass(Vertx vertx, String name, Supplier<Future<Duration>> pass) {
        this.vertx = vertx;
        this.name = name;
        this.pass = pass;
    }

    /** Begins the first pass. */
    void start() {
        run();
    }

    /** Begins a pass now, or right after the one that runs: that one may have looked already. */
    void wake() {
        if (running != null) {
            wokenMeanwhile = true;
            return;
        }
        if (timer != null) {
            vertx.cancelTimer(timer);
            run();
        }
    }

    /** No further pass; done when the running one has ended. Without a start, or called again, it does no harm. */
    Future<Void> stop() {
        stopped = true;
        if (timer != null) {
            vertx.cancelTimer(timer);
            timer = null;
        }
        return running == null ? Future.succeededFuture() : running;
    }

    /** The given time, give or take a quarter, so that processes that started together do not stay together. */
    static Duration jittered(Duration duration) {
        long nanos = duration.toNanos();
        return Duration.ofNanos(nanos - nanos / 4 + ThreadLocalRandom.current().nextLong(nanos / 2 + 1));
    }

    private void run() {
        timer = null;
        wokenMeanwhile = false;
        Promise<Void> ended = Promise.promise();
        running = ended.future();
        Future.succeededFuture().compose(ignored -> pass.get()).onComplete(result -> {
            Duration wait = result.succeeded() ? recovered(result.result()) : failed(result.cause());
            running = null;
            if (!stopped) {
                long millis =
                        wokenMeanwhile ? 1 : Math.max(1, wait.plusNanos(999_999).toMillis());
                timer = vertx.setTimer(millis, ignored -> run());
            }
            ended.complete();
        });
    }

    private Duration recovered(Duration wait) {
        if (backoff != null) {
            backoff = null;
            log.info("can {} again", name);
        }
        return wait;
    }

    private Duration failed(Throwable cause) {
        if (backoff == null) {
            backoff = BACKOFF_FIRST;
            log.warn("cannot {}; trying again until it works: {}", name, cause.getMessage(), cause);
        } else {
            Duration doubled = backoff.multipliedBy(2);
            backoff = doubled.compareTo(BACKOFF_MAX) < 0 ? doubled : BACKOFF_MAX;
        }
        return jittered(backoff);
    }
}
