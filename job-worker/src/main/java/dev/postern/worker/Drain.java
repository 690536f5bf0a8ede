package dev.postern.worker;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The end of a worker: claim no more, wait for what runs, break off and give back the rest. Happens once. */
final class Drain {

    private static final Logger log = LoggerFactory.getLogger(Drain.class);

    /** Outcomes that are on their way when a drain ends get so long to arrive. */
    private static final Duration FLUSH_GRACE = Duration.ofSeconds(2);

    private final Vertx vertx;
    private final InFlight inFlight;
    private final ClaimLoop claims;
    private final Attempts attempts;
    private final LeaseKeeper leases;
    private final String workerId;

    private @Nullable Promise<Void> idle;
    private @Nullable Future<List<Long>> drained;

    Drain(Vertx vertx, InFlight inFlight, ClaimLoop claims, Attempts attempts, LeaseKeeper leases, String workerId) {
        this.vertx = vertx;
        this.inFlight = inFlight;
        this.claims = claims;
        this.attempts = attempts;
        this.leases = leases;
        this.workerId = workerId;
    }

    /** Drains, or answers the drain under way. The future has the ids of the jobs that were given back. */
    Future<List<Long>> start(Duration grace) {
        if (drained != null) {
            return drained;
        }
        log.info("worker {} drains {} jobs", workerId, inFlight.size());
        // Nobody has called those that wait, or that a claim under way brings: another worker can at once.
        attempts.callNoMore();
        Future<List<Long>> draining = claims.stop()
                .compose(stopped -> giveBack(inFlight.removeWaiting()))
                .compose(early -> waitUntilIdle(grace)
                        .compose(waited -> breakOff())
                        .map(late ->
                                Stream.concat(early.stream(), late.stream()).toList()))
                .onComplete(ended -> leases.stop());
        drained = draining;
        return draining;
    }

    /** A job has left the worker: the last one ends the waiting. */
    void jobGone() {
        if (idle != null && inFlight.size() == 0) {
            idle.tryComplete();
        }
    }

    private Future<Void> waitUntilIdle(Duration grace) {
        if (inFlight.size() == 0 || grace.isZero()) {
            return Future.succeededFuture();
        }
        Promise<Void> waiting = Promise.promise();
        idle = waiting;
        long timer = vertx.setTimer(grace.toMillis(), ignored -> waiting.tryComplete());
        return waiting.future().onComplete(done -> vertx.cancelTimer(timer));
    }

    private Future<List<Long>> breakOff() {
        // What has been answered is on its way to the database; giving it back too would repeat it.
        List<InFlight.Entry> left =
                inFlight.held().stream().filter(entry -> !entry.answered).toList();
        for (InFlight.Entry entry : left) {
            entry.lost = true;
            if (entry.exchange != null) {
                entry.exchange.abort();
            }
        }
        return giveBack(left).compose(released -> waitUntilIdle(FLUSH_GRACE).map(released));
    }

    private Future<List<Long>> giveBack(List<InFlight.Entry> left) {
        return attempts.giveBack(left.stream().map(entry -> entry.job).toList()).onSuccess(released -> {
            if (!released.isEmpty()) {
                log.info("worker {} gave back {} jobs", workerId, released.size());
            }
        });
    }
}
