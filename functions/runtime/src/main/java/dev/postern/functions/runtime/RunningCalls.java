package dev.postern.functions.runtime;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who is being worked on, for the drain. Entered on the event loop, left on virtual threads, so a lock guards it; no
 * promise is completed while it is held.
 */
final class RunningCalls {

    private final Vertx vertx;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<LiveCall> calls = new LinkedHashSet<>();
    private final Promise<Void> empty = Promise.promise();
    private boolean draining;

    RunningCalls(Vertx vertx) {
        this.vertx = vertx;
    }

    /** False while draining: the call must be turned away. */
    boolean enter(LiveCall call) {
        lock.lock();
        try {
            return !draining && calls.add(call);
        } finally {
            lock.unlock();
        }
    }

    void leave(LiveCall call) {
        boolean last;
        lock.lock();
        try {
            calls.remove(call);
            last = draining && calls.isEmpty();
        } finally {
            lock.unlock();
        }
        if (last) {
            empty.tryComplete();
        }
    }

    int size() {
        lock.lock();
        try {
            return calls.size();
        } finally {
            lock.unlock();
        }
    }

    boolean draining() {
        lock.lock();
        try {
            return draining;
        } finally {
            lock.unlock();
        }
    }

    /** Lets nobody in any more; done when all have left or the grace is over, with those that have not. */
    Future<List<Job>> drain(Duration grace) {
        boolean idle;
        lock.lock();
        try {
            draining = true;
            idle = calls.isEmpty();
        } finally {
            lock.unlock();
        }
        if (idle) {
            empty.tryComplete();
        }
        long timer = vertx.setTimer(Math.max(1, grace.toMillis()), expired -> empty.tryComplete());
        return empty.future().map(ended -> {
            vertx.cancelTimer(timer);
            return unfinished();
        });
    }

    private List<Job> unfinished() {
        lock.lock();
        try {
            return calls.stream().map(LiveCall::job).toList();
        } finally {
            lock.unlock();
        }
    }
}
