package dev.postern.functions.deliverwebhook;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Endpoints that answered 410, so that a backlog for one of them does not knock a thousand times more. A memory of this
 * process and of a bounded time: who mends an endpoint waits that long, and nobody has to be told. Any thread.
 */
final class GoneEndpoints {

    private static final int MOST = 10_000;

    private final Duration memory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Instant> until = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
            return size() > MOST;
        }
    };

    /** Remembers for so long; zero remembers nothing. */
    GoneEndpoints(Duration memory) {
        this.memory = memory;
    }

    void add(String tenant, Endpoint endpoint, Instant now) {
        if (memory.isZero()) {
            return;
        }
        lock.lock();
        try {
            until.put(key(tenant, endpoint), now.plus(memory));
        } finally {
            lock.unlock();
        }
    }

    /** Until when it is left alone; empty when it may be called. */
    Optional<Instant> until(String tenant, Endpoint endpoint, Instant now) {
        lock.lock();
        try {
            Optional<Instant> end = Optional.ofNullable(until.get(key(tenant, endpoint)));
            if (end.isPresent() && !now.isBefore(end.get())) {
                until.remove(key(tenant, endpoint));
                return Optional.empty();
            }
            return end;
        } finally {
            lock.unlock();
        }
    }

    /** One tenant's 410 says nothing about another's: a server may tell them apart by the signature. */
    private static String key(String tenant, Endpoint endpoint) {
        return tenant + " " + endpoint.url();
    }
}
