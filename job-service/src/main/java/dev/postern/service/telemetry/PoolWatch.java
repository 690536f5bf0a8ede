package dev.postern.service.telemetry;

import io.vertx.core.spi.metrics.PoolMetrics;
import io.vertx.core.spi.metrics.VertxMetrics;
import org.jspecify.annotations.Nullable;

/** Shows Vert.x where the pool of connections is counted, and leaves everything else of it uncounted. */
public record PoolWatch(Metrics metrics) implements VertxMetrics {

    @Override
    public @Nullable PoolMetrics<?, ?> createPoolMetrics(String type, String name, int size) {
        return type.equals("sql") ? metrics.pool() : null;
    }
}
