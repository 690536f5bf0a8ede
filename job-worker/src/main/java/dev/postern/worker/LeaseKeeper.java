package dev.postern.worker;

import dev.postern.sql.JobStore;
import dev.postern.sql.Verdict;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews all leases in one statement at a third of their length, and gives up those that cannot be trusted. A lease is
 * trusted from the moment its claim or renewal was <em>sent</em>, minus a margin: the database may have counted from any
 * later moment, never from an earlier one. After a failed renewal the next follows soon, until trust ends; its end is
 * watched apart from the renewals, because a silent connection holds one up for longer than a lease may last.
 */
final class LeaseKeeper {

    private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

    private final Vertx vertx;
    private final JobStore store;
    private final InFlight inFlight;
    private final Duration lease;
    private final Consumer<InFlight.Entry> onLost;
    private long renewal = -1;
    private long watch = -1;
    private boolean stopped;

    LeaseKeeper(Vertx vertx, JobStore store, InFlight inFlight, Duration lease, Consumer<InFlight.Entry> onLost) {
        this.vertx = vertx;
        this.store = store;
        this.inFlight = inFlight;
        this.lease = lease;
        this.onLost = onLost;
    }

    /** Until when a lease is trusted whose claim was sent at the given nano time. */
    long trustedUntil(long sentAtNanos) {
        return sentAtNanos + lease.minus(margin()).toNanos();
    }

    // Twice the step of the watch, so that trust never ends unnoticed.
    private Duration margin() {
        return step().multipliedBy(2);
    }

    private Duration step() {
        return lease.dividedBy(12);
    }

    void start() {
        arm(lease.dividedBy(3));
        watch();
    }

    void stop() {
        stopped = true;
        vertx.cancelTimer(renewal);
        vertx.cancelTimer(watch);
    }

    private void watch() {
        giveUpUntrusted();
        if (!stopped) {
            watch = vertx.setTimer(Math.max(1, step().toMillis()), ignored -> watch());
        }
    }

    private void arm(Duration delay) {
        if (!stopped) {
            renewal = vertx.setTimer(
                    Math.max(1, delay.toMillis()),
                    ignored -> tick().onComplete(next -> arm(next.succeeded() ? next.result() : step())));
        }
    }

    /** One renewal of everything held. The future has the time until the next. */
    Future<Duration> tick() {
        List<InFlight.Entry> held = inFlight.held();
        if (held.isEmpty()) {
            return Future.succeededFuture(lease.dividedBy(3));
        }
        long sentAt = System.nanoTime();
        return store.renew(held.stream().map(entry -> entry.job.attempt()).toList(), lease)
                .map(Set::copyOf)
                .compose(kept -> {
                    List<InFlight.Entry> gone = new ArrayList<>();
                    for (InFlight.Entry entry : held) {
                        if (kept.contains(entry.job.attempt().jobId())) {
                            entry.trustedUntilNanos = trustedUntil(sentAt);
                        } else if (!entry.answered) {
                            gone.add(entry);
                        }
                    }
                    return lose(gone).map(lease.dividedBy(3));
                })
                .recover(cause -> {
                    log.warn("cannot renew {} leases, trying again: {}", held.size(), cause.getMessage());
                    return Future.succeededFuture(step());
                });
    }

    // They are lost in any case; only what to call it is asked for.
    private Future<Void> lose(List<InFlight.Entry> gone) {
        if (gone.isEmpty()) {
            return Future.succeededFuture();
        }
        return store.lost(gone.stream().map(entry -> entry.job.attempt()).toList())
                .otherwise(Map.of())
                .map(verdicts -> {
                    for (InFlight.Entry entry : gone) {
                        Verdict verdict = verdicts.get(entry.job.attempt().jobId());
                        if (verdict == Verdict.CANCELLED) {
                            cancelled(entry);
                        } else {
                            lose(entry, "the database no longer knows it");
                        }
                    }
                    return null;
                });
    }

    /**
     * The database says that an attempt is no longer the worker's. One that has ended by the function's own report is
     * left alone: its answer is on the way.
     */
    void taken(InFlight.Entry entry, Verdict verdict) {
        switch (verdict) {
            case CANCELLED -> cancelled(entry);
            case STALE, UNKNOWN -> lose(entry, "it was taken away");
            case ACCEPTED, REPLAY, CONFLICT -> {}
        }
    }

    private void cancelled(InFlight.Entry entry) {
        if (entry.answered || entry.lost) {
            return;
        }
        entry.lost = true;
        entry.cancelled = true;
        onLost.accept(entry);
    }

    private void giveUpUntrusted() {
        long now = System.nanoTime();
        for (InFlight.Entry entry : inFlight.held()) {
            if (now - entry.trustedUntilNanos >= 0) {
                lose(entry, "it could not be renewed in time");
            }
        }
    }

    // What has been answered is renewed until its outcome is stored, and that may be why the lease is gone: there is
    // nothing to break off, and the fence judges the outcome.
    private void lose(InFlight.Entry entry, String why) {
        if (entry.answered || entry.lost) {
            return;
        }
        log.atWarn()
                .addKeyValue("job", entry.job.attempt().jobId())
                .addKeyValue("task", entry.job.task())
                .addKeyValue("attempt", entry.job.attempt().number())
                .addKeyValue("tenant", entry.job.databaseId())
                .log(
                        "lease lost of job {} (task {}, attempt {}): {}; the attempt continues elsewhere",
                        entry.job.attempt().jobId(),
                        entry.job.task(),
                        entry.job.attempt().number(),
                        why);
        entry.lost = true;
        onLost.accept(entry);
    }
}
