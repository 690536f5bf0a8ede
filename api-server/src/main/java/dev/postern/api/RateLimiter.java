package dev.postern.api;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A token bucket for each tenant, in this process: with several of them a tenant may send as much to each. Belongs to the
 * server's context.
 */
final class RateLimiter {

    /** Beyond so many tenants, those whose bucket is full again are forgotten. */
    private static final int REMEMBERED = 10_000;

    /** A bucket holds what comes in so many seconds. */
    private static final int BURST_SECONDS = 2;

    private final double perSecond;
    private final LongSupplier nanos;
    private final Map<UUID, Bucket> buckets = new HashMap<>();

    private static final class Bucket {
        double tokens;
        long at;
    }

    /**
     * What a request was told.
     *
     * @param limit what the bucket holds
     * @param remaining what is left in it
     * @param resetSeconds until it is full again, or until the next request is served
     */
    record Verdict(boolean served, int limit, int remaining, int resetSeconds) {}

    /**
     * Full buckets.
     *
     * @param perSecond requests that a tenant may send in the long run; 0 for any number
     */
    RateLimiter(int perSecond, LongSupplier nanos) {
        this.perSecond = perSecond;
        this.nanos = nanos;
    }

    boolean limits() {
        return perSecond > 0;
    }

    /** Takes a token, if there is one. */
    Verdict take(UUID tenant) {
        long now = nanos.getAsLong();
        double most = perSecond * BURST_SECONDS;
        if (buckets.size() > REMEMBERED) {
            buckets.values().removeIf(bucket -> filled(bucket, now) >= most);
        }
        Bucket bucket = buckets.computeIfAbsent(tenant, first -> {
            Bucket full = new Bucket();
            full.tokens = most;
            full.at = now;
            return full;
        });
        bucket.tokens = Math.min(most, filled(bucket, now));
        bucket.at = now;
        boolean served = bucket.tokens >= 1;
        if (served) {
            bucket.tokens--;
        }
        double missing = served ? most - bucket.tokens : 1 - bucket.tokens;
        return new Verdict(served, (int) most, (int) bucket.tokens, (int) Math.ceil(missing / perSecond));
    }

    private double filled(Bucket bucket, long now) {
        return bucket.tokens + perSecond * (now - bucket.at) / TimeUnit.SECONDS.toNanos(1);
    }
}
