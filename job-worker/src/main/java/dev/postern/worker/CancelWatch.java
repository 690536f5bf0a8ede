package dev.postern.worker;

import dev.postern.sql.JobStore;
import dev.postern.sql.Verdict;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out soon which leases were taken away from this worker; the next renewal would be a third of a lease later. A
 * notification only raises a suspicion: it carries no fence, and anybody may send one. One read says what is true of it.
 *
 * <pre>
 *   a notification names a held job ─────────────────┐
 *   one came while the job's claim was on its way ───┤
 *   the listening connection is new: all ────────────┼──▶ suspected ──▶ lost_leases ──▶ told to the lease keeper,
 *   nobody listens: all, once a second ──────────────┘        ▲            │            or still held
 *                                                             └─ failed ───┘ again within a second
 * </pre>
 */
final class CancelWatch {

    private static final Logger log = LoggerFactory.getLogger(CancelWatch.class);
    private static final long STEP_MS = 1_000;

    private final Vertx vertx;
    private final JobStore store;
    private final InFlight inFlight;
    private final BooleanSupplier listening;
    private final BiConsumer<InFlight.Entry, Verdict> onTaken;

    private final Set<InFlight.Entry> suspected = new LinkedHashSet<>();
    private @Nullable Long heardAtNanos;
    private boolean asking;
    private boolean stopped;
    private long timer = -1;

    CancelWatch(
            Vertx vertx,
            JobStore store,
            InFlight inFlight,
            BooleanSupplier listening,
            BiConsumer<InFlight.Entry, Verdict> onTaken) {
        this.vertx = vertx;
        this.store = store;
        this.inFlight = inFlight;
        this.listening = listening;
        this.onTaken = onTaken;
    }

    void start() {
        timer = vertx.setTimer(
                STEP_MS,
                ignored -> tick().onComplete(done -> {
                    if (!stopped) {
                        start();
                    }
                }));
    }

    void stop() {
        stopped = true;
        vertx.cancelTimer(timer);
    }

    /** A notification came; its payload should be a job's id. */
    void heard(String payload) {
        heardAtNanos = System.nanoTime();
        try {
            inFlight.holding(Long.parseLong(payload)).ifPresent(suspected::add);
        } catch (NumberFormatException e) {
            log.warn("a notification of a cancelled job names '{}', which is no id", payload);
        }
        ask();
    }

    /** Notifications may have been missed. */
    void missed() {
        heardAtNanos = System.nanoTime();
        suspected.addAll(inFlight.held());
        ask();
    }

    /** A job came in; what was heard since its claim was sent may have been about it. */
    void claimed(InFlight.Entry entry, long sentAtNanos) {
        if (heardAtNanos != null && heardAtNanos - sentAtNanos >= 0) {
            suspected.add(entry);
            ask();
        }
    }

    /** One look. The future completes when its question, if there was one, has been answered or has failed. */
    Future<Void> tick() {
        if (!listening.getAsBoolean()) {
            suspected.addAll(inFlight.held());
        }
        return ask();
    }

    private Future<Void> ask() {
        if (asking || stopped) {
            return Future.succeededFuture();
        }
        suspected.retainAll(inFlight.held());
        suspected.removeIf(entry -> entry.answered);
        if (suspected.isEmpty()) {
            return Future.succeededFuture();
        }
        asking = true;
        List<InFlight.Entry> asked = List.copyOf(suspected);
        suspected.clear();
        return store.lost(asked.stream().map(entry -> entry.job.attempt()).toList())
                .transform(answer -> {
                    asking = false;
                    if (answer.failed()) {
                        log.debug("cannot ask for {} leases", asked.size(), answer.cause());
                        suspected.addAll(asked);
                        return Future.succeededFuture();
                    }
                    for (InFlight.Entry entry : asked) {
                        Verdict verdict =
                                answer.result().get(entry.job.attempt().jobId());
                        if (verdict != null) {
                            onTaken.accept(entry, verdict);
                        }
                    }
                    return ask();
                });
    }
}
