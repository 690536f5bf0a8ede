package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims whenever there is a free slot and a reason to look: a wake-up, the next due time, or the poll underneath.
 *
 * <pre>
 *            wake, timer, free slot
 *   asleep ─────────────────────────▶ claiming ──▶ as many as asked: claiming again when a slot is free
 *      ▲                                 │
 *      └── until next due, at most pace ─┴── fewer: nothing more is due now
 * </pre>
 *
 * <p>Passes never overlap: a wake-up during one means one more after it.
 */
final class ClaimLoop {

    private static final Logger log = LoggerFactory.getLogger(ClaimLoop.class);
    private static final long BACKOFF_FIRST_MS = 100;
    private static final long BACKOFF_MAX_MS = 5_000;

    private final Vertx vertx;
    private final JobStore store;
    private final WorkerConfig config;
    private final WorkerListener listener;
    private final RandomGenerator random;
    private final PollPace pace;
    private final IntSupplier freeSlots;
    private final BiConsumer<ClaimedJob, Long> onClaimed;

    private boolean stopped;
    private boolean claiming;
    private boolean again;
    private boolean mayHaveMore;
    private long timer = -1;
    private long backoffMs;
    private Future<Void> pass = Future.succeededFuture();

    ClaimLoop(
            Vertx vertx,
            JobStore store,
            WorkerConfig config,
            WorkerListener listener,
            RandomGenerator random,
            PollPace pace,
            IntSupplier freeSlots,
            BiConsumer<ClaimedJob, Long> onClaimed) {
        this.vertx = vertx;
        this.store = store;
        this.config = config;
        this.listener = listener;
        this.random = random;
        this.pace = pace;
        this.freeSlots = freeSlots;
        this.onClaimed = onClaimed;
    }

    /** There may be something to claim: look now, or once more after the pass under way. */
    void wake() {
        if (stopped) {
            return;
        }
        if (claiming) {
            again = true;
            return;
        }
        vertx.cancelTimer(timer);
        claiming = true;
        again = false;
        pass = tick().transform(sleep -> {
            claiming = false;
            if (again) {
                wake();
            } else if (!stopped) {
                timer = vertx.setTimer(sleep.succeeded() ? sleep.result() : backoff(sleep.cause()), ignored -> wake());
            }
            return Future.succeededFuture();
        });
    }

    /**
     * A slot is free. That is a reason to look only when the last claim came back full, or when the job that left may
     * have made another one claimable.
     */
    void slotFreed(boolean mayWake) {
        if (mayHaveMore || mayWake) {
            wake();
        }
    }

    /** Claims no more. The future completes when the pass under way, if any, has handed over what it claimed. */
    Future<Void> stop() {
        stopped = true;
        vertx.cancelTimer(timer);
        return pass;
    }

    /** One pass. The future has the milliseconds to sleep when nobody wakes the loop before. */
    Future<Long> tick() {
        int free = freeSlots.getAsInt();
        if (free <= 0) {
            mayHaveMore = true;
            return Future.succeededFuture(pace.rest());
        }
        long sentAt = System.nanoTime();
        return store.claim(config.workerId(), config.tasks(), free, config.lease())
                .compose(jobs -> {
                    listener.claimed(config.workerId(), jobs, Duration.ofNanos(System.nanoTime() - sentAt));
                    if (backoffMs > 0) {
                        log.info("the database is back, claiming again");
                        backoffMs = 0;
                    }
                    return handOver(jobs, free, sentAt);
                });
    }

    private Future<Long> handOver(List<ClaimedJob> jobs, int free, long sentAt) {
        for (ClaimedJob job : jobs) {
            onClaimed.accept(job, sentAt);
        }
        if (!jobs.isEmpty()) {
            pace.found(System.nanoTime());
        }
        mayHaveMore = jobs.size() == free;
        if (mayHaveMore) {
            // More may be due; the next freed slot wakes the loop.
            again |= freeSlots.getAsInt() > 0;
            return Future.succeededFuture(pace.rest());
        }
        long sleep = pace.next(System.nanoTime());
        return store.nextDue()
                .map(due ->
                        Math.max(1, Math.min(sleep, due.map(Duration::toMillis).orElse(Long.MAX_VALUE))));
    }

    private long backoff(Throwable cause) {
        if (backoffMs == 0) {
            log.warn("{}; trying again until the database is back", cause.getMessage());
            listener.claimFailed();
        }
        backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_FIRST_MS, backoffMs * 2));
        return backoffMs / 2 + random.nextLong(backoffMs / 2 + 1);
    }
}
