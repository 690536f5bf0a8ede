package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Schedules and their ticks. Any context may call; the future completes on the caller's context and fails with a
 * {@link StoreException} only. Any number of schedulers may call the same.
 */
public final class ScheduleStore {

    private final Statements statements;
    private final String unplanned;
    private final String plan;
    private final String park;
    private final String due;
    private final String untilNextTick;
    private final String runTick;

    /** Reads and writes the schedules of the given schema through the pool, which stays the caller's to close. */
    public ScheduleStore(Pool pool, String schema) {
        this.statements = new Statements(pool);
        String table = schema + ".scheduled_jobs";
        // Asked for once a statement: as a volatile function in the condition it would keep the index from being used.
        String now = "(select " + schema + ".schedule_clock())";
        String columns = "s.id, s.task_identifier, s.schedule_info::text,"
                + " case when isfinite(s.next_tick_at) then s.next_tick_at end, " + now
                + ", s.missed_ticks, s.missed_ticks_max";
        this.unplanned = "select " + columns + " from " + table + " s where s.next_tick_at is null"
                + " and s.last_error is null and s.paused_at is null order by s.id limit $1";
        this.plan = "update " + table + " s set next_tick_at = coalesce($3::timestamptz, 'infinity')"
                + " where s.id = $1 and s.schedule_info::text = $2 and s.next_tick_at is null and s.paused_at is null";
        this.park = "update " + table + " s set last_error = $3, next_tick_at = null"
                + " where s.id = $1 and s.schedule_info::text = $2";
        this.due = "select " + columns + " from " + table + " s" + " where s.next_tick_at <= " + now
                + " order by s.next_tick_at, s.id limit $1";
        this.untilNextTick = "select extract(epoch from min(s.next_tick_at) - " + now + ")::double precision" + " from "
                + table + " s where isfinite(s.next_tick_at)";
        this.runTick = "select verdict, job_id from " + schema
                + ".run_schedule_tick($1, $2, coalesce($3::timestamptz, 'infinity'), $4)";
    }

    /** Up to {@code limit} schedules that wait to be planned. */
    public Future<List<Schedule>> unplanned(int limit) {
        return statements.call(unplanned, Tuple.of(limit), "read new schedules").map(ScheduleStore::schedules);
    }

    /**
     * Sets the first due moment of a schedule; nothing happens when it was planned or edited meanwhile.
     *
     * @param tick the moment, or empty when the rule has none left
     */
    public Future<Void> plan(Schedule schedule, Optional<Instant> tick) {
        return statements
                .call(plan, Tuple.of(schedule.id(), schedule.rule(), time(tick)), "plan schedule " + schedule.id())
                .mapEmpty();
    }

    /** Parks a schedule whose rule cannot be read, with the reason; nothing happens when it was edited meanwhile. */
    public Future<Void> park(Schedule schedule, String reason) {
        return statements
                .call(park, Tuple.of(schedule.id(), schedule.rule(), reason), "park schedule " + schedule.id())
                .mapEmpty();
    }

    /** Up to {@code limit} schedules whose moment has come, the most overdue first. */
    public Future<List<Schedule>> due(int limit) {
        return statements.call(due, Tuple.of(limit), "read due schedules").map(ScheduleStore::schedules);
    }

    /** After which time the next schedule is due; empty when none is planned. Never negative. */
    public Future<Optional<Duration>> untilNextTick() {
        return statements
                .call(untilNextTick, Tuple.tuple(), "ask for the next tick")
                .map(rows -> {
                    Double seconds = rows.iterator().next().getDouble(0);
                    return Optional.ofNullable(seconds)
                            .map(s -> Duration.ofMillis((long) Math.ceil(Math.max(0, s) * 1000)));
                });
    }

    /**
     * Takes one due moment and makes its job.
     *
     * @param planned the schedule's next tick as it was read; what lies between it and the taken one is passed over
     * @param tick the moment to take, at {@code planned} or after it; empty to take none
     * @param next the moment after it, or empty when the rule has none left
     */
    public Future<TickOutcome> runTick(
            long scheduleId, Instant planned, Optional<Instant> tick, Optional<Instant> next) {
        return statements
                .call(
                        runTick,
                        Tuple.of(scheduleId, time(tick), time(next), planned.atOffset(ZoneOffset.UTC)),
                        "run schedule " + scheduleId)
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new TickOutcome(
                            TickOutcome.Verdict.valueOf(row.getString(0).toUpperCase(Locale.ROOT)), row.getLong(1));
                });
    }

    private static @Nullable OffsetDateTime time(Optional<Instant> instant) {
        return instant.map(i -> i.atOffset(ZoneOffset.UTC)).orElse(null);
    }

    private static List<Schedule> schedules(RowSet<Row> rows) {
        List<Schedule> schedules = new ArrayList<>(rows.size());
        for (Row row : rows) {
            OffsetDateTime nextTick = row.getOffsetDateTime(3);
            schedules.add(new Schedule(
                    row.getLong(0),
                    row.getString(1),
                    row.getString(2),
                    nextTick == null ? null : nextTick.toInstant(),
                    row.getOffsetDateTime(4).toInstant(),
                    Schedule.MissedTicks.valueOf(row.getString(5).toUpperCase(Locale.ROOT)),
                    row.getInteger(6)));
        }
        return schedules;
    }
}
