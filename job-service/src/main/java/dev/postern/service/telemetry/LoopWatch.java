package dev.postern.service.telemetry;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Sees how late an event loop comes to its timers, a few times a second: what blocks it makes everything on it late. Deploy
 * an instance for each event loop.
 */
public final class LoopWatch extends VerticleBase {

    private static final long EVERY_MS = 500;

    private final Metrics metrics;
    private boolean stopped;

    /** Watches nothing until deployed. */
    public LoopWatch(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public Future<?> start() {
        watch();
        return Future.succeededFuture();
    }

    private void watch() {
        long due = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(EVERY_MS);
        vertx.setTimer(EVERY_MS, ignored -> {
            metrics.late(Duration.ofNanos(Math.max(0, System.nanoTime() - due)));
            if (!stopped) {
                watch();
            }
        });
    }

    @Override
    public Future<?> stop() {
        stopped = true;
        return Future.succeededFuture();
    }
}
