package dev.postern.callback;

import dev.postern.callback.CallbackListener.Report;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobStore;
import dev.postern.sql.LeaseState;
import dev.postern.sql.Outcome;
import dev.postern.sql.OutcomeBatcher;
import dev.postern.sql.Progress;
import dev.postern.sql.StoreError;
import dev.postern.sql.StoreException;
import dev.postern.sql.Verdict;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes reports to the database and turns its verdict into an answer. A report that waits longer than
 * {@link CallbackConfig#outcomeWait} is answered 503 although it may still be committed: the function comes back, shows
 * the same token, and is told that its outcome was accepted before.
 */
final class OutcomeSink {

    private static final Logger log = LoggerFactory.getLogger(OutcomeSink.class);

    private final Vertx vertx;
    private final SignsOfLife signsOfLife;
    private final OutcomeBatcher outcomes;
    private final CallbackListener listener;
    private final long waitMs;

    OutcomeSink(Vertx vertx, JobStore store, OutcomeBatcher outcomes, Duration outcomeWait, CallbackListener listener) {
        this.vertx = vertx;
        this.signsOfLife = new SignsOfLife(store);
        this.outcomes = outcomes;
        this.listener = listener;
        this.waitMs = outcomeWait.toMillis();
    }

    /**
     * Offers an attempt's outcome.
     *
     * @return whether it had been accepted before; fails with a {@link ReportException} when it was refused
     */
    Future<Boolean> end(Report report, Attempt attempt, Outcome outcome) {
        return within(outcomes.offer(attempt, outcome), attempt)
                .map(verdict -> accepted(report, attempt, verdict) == Verdict.REPLAY);
    }

    /**
     * Extends an attempt's lease.
     *
     * @return the lease as it now stands; fails with a {@link ReportException} when the attempt is over
     */
    Future<LeaseState> extend(Report report, Attempt attempt, Duration lease, @Nullable Progress progress) {
        return within(signsOfLife.report(attempt, lease, progress), attempt).map(state -> {
            accepted(report, attempt, state.verdict());
            return state;
        });
    }

    private Verdict accepted(Report report, Attempt attempt, Verdict verdict) {
        listener.judged(report, attempt.jobId(), attempt.number(), verdict);
        record(report, attempt, verdict);
        boolean signOfLife = report == Report.PROGRESS || report == Report.HEARTBEAT;
        return switch (verdict) {
            case ACCEPTED, REPLAY -> verdict;
            case CONFLICT ->
                throw new ReportException(
                        Problem.OUTCOME_CONFLICT,
                        "attempt " + attempt.number() + " of job " + attempt.jobId()
                                + (signOfLife
                                        ? " has ended; stop working on it"
                                        : " has ended the other way; the first outcome stands"));
            case STALE ->
                throw new ReportException(
                        Problem.STALE_ATTEMPT,
                        "attempt " + attempt.number() + " of job " + attempt.jobId()
                                + " no longer holds the job: its lease expired, was given back, or the job was"
                                + " claimed again; stop working on it");
            case CANCELLED ->
                throw new ReportException(
                        Problem.CANCELLED, "job " + attempt.jobId() + " was cancelled; stop working on it");
            case UNKNOWN ->
                throw new ReportException(
                        Problem.UNKNOWN_JOB,
                        "there is no job " + attempt.jobId() + ", or its history has been dropped");
        };
    }

    private static void record(Report report, Attempt attempt, Verdict verdict) {
        var line = switch (verdict) {
            case ACCEPTED -> report == Report.PROGRESS || report == Report.HEARTBEAT ? log.atDebug() : log.atInfo();
            case REPLAY -> log.atDebug();
            case CONFLICT, CANCELLED, STALE, UNKNOWN -> log.atWarn();
        };
        line.addKeyValue("job", attempt.jobId())
                .addKeyValue("attempt", attempt.number())
                .addKeyValue("report", lower(report))
                .addKeyValue("verdict", lower(verdict))
                .log(
                        "callback for job {}, attempt {}: {} {}",
                        attempt.jobId(),
                        attempt.number(),
                        lower(report),
                        lower(verdict));
    }

    private <T> Future<T> within(Future<T> stored, Attempt attempt) {
        Promise<T> first = Promise.promise();
        long timer = vertx.setTimer(waitMs, fired -> {
            if (first.tryFail(away())) {
                log.warn(
                        "callback for job {}, attempt {}: no answer from the database in {} ms",
                        attempt.jobId(),
                        attempt.number(),
                        waitMs);
            }
        });
        stored.onComplete(done -> {
            vertx.cancelTimer(timer);
            if (done.succeeded()) {
                first.tryComplete(done.result());
            } else if (!first.tryFail(refusal(attempt, done.cause()))) {
                log.debug("late failure for job {}, which was told to come back", attempt.jobId(), done.cause());
            }
        });
        return first.future();
    }

    private static Throwable refusal(Attempt attempt, Throwable cause) {
        if (!(cause instanceof StoreException failure)) {
            return cause;
        }
        if (failure.retryable()) {
            return away();
        }
        if (failure.error() == StoreError.INVALID) {
            log.warn("callback for job {}, attempt {}: values refused", attempt.jobId(), attempt.number(), failure);
            return ReportException.invalid("the database refused a value of the report; nothing was stored");
        }
        return failure;
    }

    private static ReportException away() {
        return new ReportException(
                Problem.DATABASE_AWAY, "the report may or may not have been stored; send the same again");
    }

    private static String lower(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT);
    }
}
