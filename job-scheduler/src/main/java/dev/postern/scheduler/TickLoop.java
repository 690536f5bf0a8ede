package dev.postern.scheduler;

import dev.postern.sql.Schedule;
import dev.postern.sql.ScheduleStore;
import dev.postern.sql.StoreError;
import dev.postern.sql.StoreException;
import dev.postern.sql.TickOutcome;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Plans new schedules and takes due ticks, one {@link #tick()} a pass. The database's clock says what is due.
 *
 * <p>A tick that was missed (no scheduler ran, the database was away) goes the way that {@link MissedTicks} chooses. A
 * schedule added, edited or resumed is planned from that moment on: ticks before are none of its.
 *
 * <p>Any number of loops may run on one database. A tick that another one takes at this moment is left to it.
 */
final class TickLoop {

    private static final Logger log = LoggerFactory.getLogger(TickLoop.class);

    /** Statements under way at once; leaves most of the pool to others, and a slow one holds up a quarter only. */
    private static final int LANES = 4;

    /** How soon to look again at a tick that somebody else holds: long for a statement, short for a person. */
    private static final Duration TAKEN_RECHECK = Duration.ofMillis(50);

    private static final Duration SICK_RECHECK = Duration.ofSeconds(1);

    private final ScheduleStore store;
    private final CronCalendar calendar;
    private final MissedTicks missedTicks;
    private final SchedulerConfig config;
    private final SchedulerListener listener;

    /** Schedules that the database refuses to run or plan, so that each is logged once. */
    private final Set<Long> sick = new HashSet<>();

    TickLoop(ScheduleStore store, CronCalendar calendar, SchedulerConfig config, SchedulerListener listener) {
        this.store = store;
        this.calendar = calendar;
        this.missedTicks = new MissedTicks(config.tickGrace());
        this.config = config;
        this.listener = listener;
    }

    /** One pass. Answers after which time the next one is due; fails only when the database is away. */
    Future<Duration> tick() {
        // Sick schedules stay at the head of what is due; the others get a full batch behind them.
        int limit = config.batch() + sick.size();
        return store.unplanned(limit)
                .compose(fresh -> each(fresh, this::plan)
                        .compose(planned -> store.due(limit)
                                .compose(due -> each(due, this::run)
                                        .compose(results ->
                                                untilNext(results, fresh.size() == limit || due.size() == limit)))));
    }

    private enum Result {
        DONE,
        TAKEN,
        SICK
    }

    private Future<Result> plan(Schedule schedule) {
        return orPark(
                schedule,
                () -> store.plan(schedule, calendar.read(schedule.rule()).after(schedule.now()))
                        .map(Result.DONE));
    }

    private Future<Result> run(Schedule schedule) {
        Instant planned = Objects.requireNonNull(schedule.nextTick());
        return orPark(schedule, () -> {
            MissedTicks.Choice choice = missedTicks.choose(schedule, calendar.read(schedule.rule()));
            return store.runTick(schedule.id(), planned, choice.tick(), choice.next())
                    .map(outcome -> tell(schedule, choice, outcome));
        });
    }

    private Result tell(Schedule schedule, MissedTicks.Choice choice, TickOutcome outcome) {
        if (outcome.verdict() == TickOutcome.Verdict.TAKEN) {
            return Result.TAKEN;
        }
        if (choice.passedOver() > 0) {
            about(log.atWarn(), schedule)
                    .log(
                            "schedule {} (task {}) passed over {}{} ticks from {} on: nobody took them in time",
                            schedule.id(),
                            schedule.task(),
                            choice.passedOver() == MissedTicks.COUNTED ? "at least " : "",
                            choice.passedOver(),
                            schedule.nextTick());
            listener.passedOver(schedule.id(), schedule.task(), choice.passedOver());
        }
        choice.tick().ifPresent(tick -> tellOf(tick, schedule, outcome));
        return Result.DONE;
    }

    private void tellOf(Instant tick, Schedule schedule, TickOutcome outcome) {
        if (outcome.jobId() == null) {
            about(log.atInfo(), schedule)
                    .addKeyValue("tick", tick)
                    .log(
                            "schedule {} (task {}) made no job for tick {}: its previous job has not ended",
                            schedule.id(),
                            schedule.task(),
                            tick);
            listener.overlapped(schedule.id(), schedule.task(), tick);
            return;
        }
        long job = outcome.jobId();
        Duration lag = Duration.between(tick, schedule.now());
        about(log.atInfo(), schedule)
                .addKeyValue("tick", tick)
                .addKeyValue("job", job)
                .addKeyValue("ms", lag.toMillis())
                .log("schedule {} (task {}) made job {} for tick {}", schedule.id(), schedule.task(), job, tick);
        listener.ticked(schedule.id(), schedule.task(), tick, job, lag);
    }

    // The keys of docs/observability.md: one search finds the tick and its job.
    private static LoggingEventBuilder about(LoggingEventBuilder line, Schedule schedule) {
        return line.addKeyValue("schedule", schedule.id()).addKeyValue("task", schedule.task());
    }

    private interface Step {
        Future<Result> take();
    }

    private Future<Result> orPark(Schedule schedule, Step step) {
        try {
            return step.take();
        } catch (BadRuleException e) {
            String reason = Objects.requireNonNull(e.getMessage());
            return store.park(schedule, reason).map(parked -> {
                about(log.atWarn(), schedule)
                        .addKeyValue("error", reason)
                        .log("parked schedule {} (task {}): {}", schedule.id(), schedule.task(), reason);
                listener.parked(schedule.id(), schedule.task(), reason);
                return Result.DONE;
            });
        }
    }

    // All schedules, a few at once; one that fails does not stop the others, unless the database is away.
    private Future<List<Result>> each(List<Schedule> schedules, Function<Schedule, Future<Result>> step) {
        Iterator<Schedule> remaining = schedules.iterator();
        List<Result> results = new ArrayList<>(schedules.size());
        List<Future<Void>> lanes = new ArrayList<>();
        for (int lane = 0; lane < Math.min(LANES, schedules.size()); lane++) {
            lanes.add(lane(remaining, step, results));
        }
        return Future.join(lanes).map(results);
    }

    private Future<Void> lane(
            Iterator<Schedule> remaining, Function<Schedule, Future<Result>> step, List<Result> results) {
        if (!remaining.hasNext()) {
            return Future.succeededFuture();
        }
        Schedule schedule = remaining.next();
        return Future.succeededFuture(schedule)
                .compose(step)
                .map(result -> healthy(schedule, result))
                .recover(cause -> sick(schedule, cause))
                .compose(result -> {
                    results.add(result);
                    return lane(remaining, step, results);
                });
    }

    private Result healthy(Schedule schedule, Result result) {
        if (sick.remove(schedule.id())) {
            about(log.atInfo(), schedule).log("schedule {} (task {}) works again", schedule.id(), schedule.task());
        }
        return result;
    }

    private Future<Result> sick(Schedule schedule, Throwable cause) {
        if (isAway(cause)) {
            return Future.failedFuture(cause);
        }
        if (sick.add(schedule.id())) {
            about(log.atWarn(), schedule)
                    .setCause(cause)
                    .log(
                            "schedule {} (task {}) cannot run; trying again every {} ms: {}",
                            schedule.id(),
                            schedule.task(),
                            SICK_RECHECK.toMillis(),
                            cause.getMessage());
        }
        return Future.succeededFuture(Result.SICK);
    }

    // A single statement without an answer waits for a lock; were the database away, the next one would tell.
    private static boolean isAway(Throwable cause) {
        return cause instanceof StoreException e
                && e.error() == StoreError.UNAVAILABLE
                && !(e.getCause() instanceof TimeoutException);
    }

    private Future<Duration> untilNext(List<Result> results, boolean more) {
        sick.removeIf(ignored -> results.stream().noneMatch(result -> result == Result.SICK));
        if (more && results.contains(Result.DONE)) {
            return Future.succeededFuture(Duration.ZERO);
        }
        Duration least = results.contains(Result.SICK)
                ? SICK_RECHECK
                : results.contains(Result.TAKEN) ? TAKEN_RECHECK : Duration.ZERO;
        return store.untilNextTick().map(next -> {
            Duration poll = RepeatedPass.jittered(config.pollInterval());
            Duration wait = next.filter(until -> until.compareTo(poll) < 0).orElse(poll);
            return wait.compareTo(least) < 0 ? least : wait;
        });
    }
}
