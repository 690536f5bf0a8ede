package dev.postern.scheduler;

import dev.postern.sql.JobStore;
import io.vertx.core.Future;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps history, ticks, requests and dead letters within their retention and has the history's coming days made. They are made three
 * days ahead, so an hour between passes leaves room for a long absence. A pass is one small step, a transaction of its
 * own, so that nobody waits for it for long; while there is more to remove the next one follows at once. Any number may
 * run on one database.
 */
final class JobPruner {

    private static final Logger log = LoggerFactory.getLogger(JobPruner.class);
    private static final Duration INTERVAL = Duration.ofHours(1);

    /** Each try can hold up outcomes for 200 ms, so they must be rare; of these, many fit into three days. */
    private static final Duration INTERVAL_WHEN_BLOCKED = Duration.ofMinutes(1);

    /** Long enough for a quarter's review. */
    private static final Duration AUDIT_KEPT = Duration.ofDays(90);

    private static final int ROWS = 1000;

    private final JobStore store;
    private final SchedulerListener listener;

    JobPruner(JobStore store, SchedulerListener listener) {
        this.store = store;
        this.listener = listener;
    }

    /** A step over the history of a state. Answers after which time the next one is due, as all of these do. */
    Future<Duration> history(String state, Duration kept) {
        return store.pruneHistory(state, kept).map(pruned -> {
            if (pruned.dropped() > 0) {
                log.info("dropped a day of {} jobs, older than {} days", state, kept.toDays());
                listener.pruned(state, pruned.dropped());
            }
            if (pruned.blocked()) {
                log.warn("put off pruning the history of {} jobs: somebody uses it for long", state);
                listener.pruningPutOff(state);
                return RepeatedPass.jittered(INTERVAL_WHEN_BLOCKED);
            }
            return next(pruned.dropped() + pruned.deleted() > 0);
        });
    }

    /** A step over the ticks that were taken. */
    Future<Duration> ticks(Duration kept) {
        return store.pruneTicks(kept, ROWS).map(forgotten -> next(forgotten == ROWS));
    }

    /** A step over what the HTTP API keeps of requests. */
    Future<Duration> requests() {
        return store.pruneRequests(AUDIT_KEPT, ROWS).map(forgotten -> next(forgotten >= ROWS));
    }

    /** A step over the dead letters. */
    Future<Duration> deadLetters(Duration kept) {
        return store.pruneDeadLetters(kept, ROWS).map(purged -> {
            if (purged > 0) {
                log.info("purged {} dead letters, older than {} days", purged, kept.toDays());
                listener.purged(purged);
            }
            return next(purged == ROWS);
        });
    }

    private static Duration next(boolean more) {
        return more ? Duration.ZERO : RepeatedPass.jittered(INTERVAL);
    }
}
