package dev.postern.worker;

import dev.postern.sql.ClaimPlace;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims whenever there is room and a reason to look: a wake-up, the next due time, or the poll underneath.
 *
 * <pre>
 *            wake, timer, more room
 *   asleep ─────────────────────────▶ claiming ──▶ as many as asked: claiming again when few are left
 *      ▲                                 │
 *      └── until next due, at most pace ─┴── fewer: nothing more is due now, or it is held back from its target
 * </pre>
 *
 * <p>Passes never overlap: a wake-up during one means one more after it. What is held back is looked for again when a
 * pause or cool-down ends, and when a call to a restricted target does.
 */
final class ClaimLoop {

    private static final Logger log = LoggerFactory.getLogger(ClaimLoop.class);
    private static final long BACKOFF_FIRST_MS = 100;
    private static final long BACKOFF_MAX_MS = 5_000;
    private static final long HELD_BACK_MS = 100;

    /** So long claims go on from where the last one ended; then one begins anew and meets what was added before that. */
    private static final long GO_ON_NANOS = Duration.ofSeconds(1).toNanos();

    /** Or so many times longer than beginning anew took: a forgotten transaction makes a second of it in half an hour. */
    private static final long GO_ON_TIMES = 20;

    private static final long GO_ON_MOST_NANOS = Duration.ofSeconds(15).toNanos();

    /**
     * While the worker looks often by itself, a claim that left nothing is followed by one from so long before its last
     * job. A job whose transaction was open for longer is met when a claim begins anew; others at once. Beginning anew each
     * time passed by all that had been claimed since the last vacuum.
     */
    private static final Duration MARGIN = Duration.ofMillis(200);

    private final Vertx vertx;
    private final JobStore store;
    private final WorkerConfig config;
    private final WorkerListener listener;
    private final RandomGenerator random;
    private final PollPace pace;
    private final Targets targets;
    private final Slots slots;

    private boolean stopped;
    private boolean claiming;
    private boolean again;
    private boolean mayHaveMore;
    private @Nullable ClaimPlace place;
    private long beganAt;
    private long goOnNanos = GO_ON_NANOS;
    private long timer = -1;
    private long backoffMs;
    private Future<Void> pass = Future.succeededFuture();
    private Future<Void> othersWoken = Future.succeededFuture();

    ClaimLoop(
            Vertx vertx,
            JobStore store,
            WorkerConfig config,
            WorkerListener listener,
            RandomGenerator random,
            PollPace pace,
            Targets targets,
            Slots slots) {
        this.vertx = vertx;
        this.store = store;
        this.config = config;
        this.listener = listener;
        this.random = random;
        this.pace = pace;
        this.targets = targets;
        this.slots = slots;
    }

    /** Where claimed jobs go. */
    interface Slots {

        /** How many more jobs there is room for. */
        int room();

        /** Whether it is time to claim again, where there is more to claim. */
        boolean low();

        /** Takes jobs whose claim was sent at the given nano time. Done when those that are not wanted are given back. */
        Future<?> take(List<ClaimedJob> jobs, long sentAtNanos);
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
     * There is more room. That is a reason to look only when the last claim came back full and little is left of it, or
     * when the job that left may have made another one claimable.
     */
    void roomier(boolean mayWake) {
        if (mayWake || (mayHaveMore && slots.low())) {
            wake();
        }
    }

    /**
     * Claims no more, and takes back what it promised. The future completes when the pass under way, if any, has handed
     * over what it claimed.
     */
    Future<Void> stop() {
        stopped = true;
        vertx.cancelTimer(timer);
        return pass.compose(ended -> store.wakeWorkers()).recover(cause -> {
            log.debug("cannot wake the other workers", cause);
            return Future.succeededFuture();
        });
    }

    /** One pass. The future has the milliseconds to sleep when nobody wakes the loop before. */
    Future<Long> tick() {
        int free = slots.room();
        if (free <= 0) {
            mayHaveMore = true;
            wakeOthers();
            return Future.succeededFuture(pace.full(System.nanoTime()));
        }
        long sentAt = System.nanoTime();
        Map<String, Integer> allowances = targets.allowances();
        // Whoever takes some tasks only does not look for the others.
        Duration awake = config.tasks().isEmpty() ? pace.promise(sentAt) : null;
        if (sentAt - beganAt > goOnNanos || (passesBefore() && !pace.crowded(sentAt))) {
            place = null;
        }
        boolean anew = place == null;
        if (anew) {
            beganAt = sentAt;
        }
        return store.claim(config.workerId(), config.tasks(), free, config.lease(), allowances, place, awake)
                .compose(jobs -> {
                    listener.claimed(config.workerId(), jobs, Duration.ofNanos(System.nanoTime() - sentAt));
                    if (backoffMs > 0) {
                        log.info("the database is back, claiming again");
                        backoffMs = 0;
                    }
                    if (anew) {
                        long took = System.nanoTime() - sentAt;
                        goOnNanos = Math.clamp(GO_ON_TIMES * took, GO_ON_NANOS, GO_ON_MOST_NANOS);
                    }
                    place = nextPlace(jobs, jobs.size() == free);
                    pace.found(jobs.size(), System.nanoTime());
                    if (awake != null) {
                        pace.promised(awake, System.nanoTime());
                    }
                    return slots.take(jobs, sentAt).compose(taken -> sleep(jobs.size(), free, !allowances.isEmpty()));
                });
    }

    /** Not waited for: among many who notify it stands in line with them. */
    private void wakeOthers() {
        if (othersWoken.isComplete() && pace.mustWakeOthers(System.nanoTime())) {
            othersWoken = store.wakeOthers().onFailure(cause -> log.debug("cannot wake the other workers", cause));
        }
    }

    private @Nullable ClaimPlace nextPlace(List<ClaimedJob> jobs, boolean full) {
        if (full) {
            return ClaimPlace.behind(jobs.getLast());
        }
        if (!jobs.isEmpty()) {
            return ClaimPlace.before(jobs.getLast(), MARGIN);
        }
        return passesBefore() ? place : null;
    }

    /** Whether claims from the place leave out what lies before it. */
    private boolean passesBefore() {
        return place != null && place.jobId() == null;
    }

    private Future<Long> sleep(int claimed, int free, boolean heldBack) {
        mayHaveMore = claimed == free;
        if (mayHaveMore) {
            // More may be due; what is answered wakes the loop.
            again |= slots.low();
            wakeOthers();
            return Future.succeededFuture(pace.full(System.nanoTime()));
        }
        // What is held back comes due all the time, and must not have the loop look each time.
        long soonest = heldBack ? HELD_BACK_MS : 1;
        long sleep = pace.next(System.nanoTime());
        Future<Optional<Duration>> asked = claimed == 0 ? store.nextDue() : store.nextDueBehindClaim();
        return asked.map(due -> {
            long nextDue = Math.max(soonest, due.map(Duration::toMillis).orElse(Long.MAX_VALUE));
            long nextEnd = targets.nextEnd().map(Duration::toMillis).orElse(Long.MAX_VALUE);
            return Math.max(1, Math.min(sleep, Math.min(nextDue, nextEnd)));
        });
    }

    private long backoff(Throwable cause) {
        if (backoffMs == 0) {
            log.warn("{}; trying again until the database is back", cause.getMessage());
        }
        listener.claimFailed();
        backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_FIRST_MS, backoffMs * 2));
        return backoffMs / 2 + random.nextLong(backoffMs / 2 + 1);
    }
}
