package dev.postern.sql;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes outcomes in as few transactions as possible without making a lone one wait. While a batch is on its way the
 * next one gathers; when nothing is on its way an outcome leaves at once.
 *
 * <pre>
 *   offer ──▶ backlog ──(nothing on its way)──▶ batch ──▶ finish_jobs ──▶ verdicts
 *     ▲          │ full: refused                  │ database away: back to the front, tried again
 *     └──────────┘ older than maxAge: failed      │ refused as a whole: each element alone
 * </pre>
 *
 * <p>Bounded three ways: a batch by its 200 outcomes, an outcome's wait by {@code maxAge}, the backlog by
 * {@code maxBacklog}. All fields belong to the context that is given; {@link #offer} may be called from any thread.
 */
public final class OutcomeBatcher {

    /** About three times a worker's default slots, so that its backlog mostly fits into one. Not measured yet. */
    private static final int MAX_BATCH = 200;

    private static final Logger log = LoggerFactory.getLogger(OutcomeBatcher.class);
    private static final long RETRY_MS = 200;

    private final Vertx vertx;
    private final Context context;
    private final JobStore store;
    private final long maxAgeNanos;
    private final int maxBacklog;
    private final Consumer<Duration> stored;

    private final Deque<Entry> backlog = new ArrayDeque<>();
    private boolean flushing;

    private record Entry(OfferedOutcome offer, long offeredAt, Promise<Verdict> verdict) {}

    /**
     * Starts idle; there is nothing to close.
     *
     * @param context the event-loop context that owns the batcher
     * @param maxAge how long an outcome may wait for the database before its future fails
     * @param maxBacklog how many may wait; an offer beyond that fails at once
     * @param stored told on the context how long each batch took, from sending until the database had committed it
     */
    public OutcomeBatcher(
            Vertx vertx, Context context, JobStore store, Duration maxAge, int maxBacklog, Consumer<Duration> stored) {
        this.vertx = vertx;
        this.context = context;
        this.store = store;
        this.maxAgeNanos = maxAge.toNanos();
        this.maxBacklog = maxBacklog;
        this.stored = stored;
    }

    /**
     * Offers an outcome. The future completes once the database has committed or refused it; it fails with a
     * {@link StoreException} when the database stayed away for {@code maxAge}, when the backlog is full, or when the
     * values themselves were refused.
     */
    public Future<Verdict> offer(Attempt attempt, Outcome outcome) {
        Promise<Verdict> verdict = Promise.promise();
        context.runOnContext(ignored -> {
            if (backlog.size() >= maxBacklog) {
                verdict.fail(StoreException.of(
                        "store the outcome of job " + attempt.jobId(),
                        new IllegalStateException(maxBacklog + " outcomes already wait for the database")));
                return;
            }
            backlog.addLast(new Entry(new OfferedOutcome(attempt, outcome), System.nanoTime(), verdict));
            flush();
        });
        return verdict.future();
    }

    private void flush() {
        if (flushing || backlog.isEmpty()) {
            return;
        }
        List<Entry> batch = new ArrayList<>(Math.min(backlog.size(), MAX_BATCH));
        while (batch.size() < MAX_BATCH && !backlog.isEmpty()) {
            batch.add(backlog.removeFirst());
        }
        flushing = true;
        write(batch).onComplete(done -> {
            flushing = false;
            flush();
        });
    }

    private Future<Void> write(List<Entry> batch) {
        long sentAt = System.nanoTime();
        return store.finish(batch.stream().map(Entry::offer).toList())
                .map(verdicts -> {
                    stored.accept(Duration.ofNanos(System.nanoTime() - sentAt));
                    for (int i = 0; i < batch.size(); i++) {
                        batch.get(i).verdict().complete(verdicts.get(i));
                    }
                    return (Void) null;
                })
                .recover(cause -> keepOrFail(batch, StoreException.of("store outcomes", cause)));
    }

    private Future<Void> keepOrFail(List<Entry> batch, StoreException cause) {
        if (cause.retryable()) {
            List<Entry> waiting = new ArrayList<>(batch);
            waiting.addAll(backlog);
            backlog.clear();
            backlog.addAll(failOld(waiting, cause));
            log.warn("{} outcomes wait for the database: {}", backlog.size(), cause.getMessage());
            return vertx.timer(RETRY_MS).mapEmpty();
        }
        if (batch.size() == 1) {
            batch.getFirst().verdict().fail(cause);
            return Future.succeededFuture();
        }
        // One element spoils the transaction of all; alone each gets its own answer.
        Future<Void> each = Future.succeededFuture();
        for (Entry entry : batch) {
            each = each.compose(done -> write(List.of(entry)));
        }
        return each;
    }

    private List<Entry> failOld(List<Entry> batch, StoreException cause) {
        long now = System.nanoTime();
        List<Entry> young = new ArrayList<>(batch.size());
        for (Entry entry : batch) {
            if (now - entry.offeredAt() > maxAgeNanos) {
                entry.verdict().fail(cause);
            } else {
                young.add(entry);
            }
        }
        return young;
    }
}
