package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Schedules, for the people who look after them: listed, paused, resumed, run by hand, deleted. Any context may call; the
 * future completes on the caller's context and fails with a {@link StoreException} only.
 */
public final class ScheduleDirectory {

    private final Statements statements;
    private final String list;
    private final String pause;
    private final String resume;
    private final String run;
    private final String delete;

    /** Calls the functions of the given schema through the pool, which stays the caller's to close. */
    public ScheduleDirectory(Pool pool, String schema) {
        this.statements = new Statements(pool);
        String columns = "s.id, s.database_id, s.task_identifier, s.key, " + schema + ".schedule_state(s) as state,"
                + " s.schedule_info::text as rule, (select " + schema + ".schedule_clock()) as now,"
                + " case when isfinite(s.next_tick_at) then s.next_tick_at end as next_tick_at, s.missed_ticks,"
                + " s.missed_ticks_max, s.overlap, extract(epoch from s.jitter)::bigint as jitter, s.paused_at,"
                + " s.paused_by, s.last_scheduled, s.last_scheduled_id, s.last_error";
        this.list = "select " + columns + " from " + schema + ".scheduled_jobs s"
                + " where ($1::uuid is null or s.database_id = $1) and ($2::text is null or s.task_identifier = $2)"
                + " and ($3::bigint[] is null or s.id = any ($3)) order by s.id limit $4";
        this.pause = "select " + columns + " from " + schema + ".pause_schedule($1, $2) s where s.id is not null";
        this.resume = "select " + columns + " from " + schema + ".resume_schedule($1) s where s.id is not null";
        this.run = "select j.id from " + schema + ".run_schedule($1, $2) j where j.id is not null";
        this.delete = "select " + columns + " from " + schema + ".delete_schedule($1) s where s.id is not null";
    }

    /**
     * A schedule.
     *
     * @param key its key among the tenant's schedules, or null
     * @param state active, new, paused, parked or over; docs/schedules.md tells them apart
     * @param rule the JSON text of {@code schedule_info}
     * @param now the time that schedules go by, when the row was read
     * @param nextTick the tick that a scheduler will take next, or null when none is planned
     * @param missedTicks skip, latest or all
     * @param missedTicksMax the bound of all
     * @param overlap skip or allow
     * @param jitterSeconds within which time after a tick its job is due
     * @param lastMadeAt when it made its last job, or null
     * @param lastJobId that job, or null
     * @param lastError why it is parked, or null
     */
    public record Listed(
            long id,
            UUID databaseId,
            String task,
            @Nullable String key,
            String state,
            String rule,
            Instant now,
            @Nullable Instant nextTick,
            String missedTicks,
            int missedTicksMax,
            String overlap,
            long jitterSeconds,
            @Nullable Instant pausedAt,
            @Nullable String pausedBy,
            @Nullable Instant lastMadeAt,
            @Nullable Long lastJobId,
            @Nullable String lastError) {}

    /**
     * Those that were added first.
     *
     * @param databaseId only this tenant's, or null
     * @param task only of this task, or null
     * @param ids only these; empty for all
     */
    public Future<List<Listed>> list(@Nullable UUID databaseId, @Nullable String task, List<Long> ids, int limit) {
        Tuple arguments = Tuple.tuple()
                .addValue(databaseId)
                .addValue(task)
                .addValue(ids.isEmpty() ? null : ids.toArray(Long[]::new))
                .addValue(limit);
        return statements.call(list, arguments, "list schedules").map(ScheduleDirectory::listed);
    }

    /** Pauses a schedule, unless it is paused already; as it is now, or empty when there is none. */
    public Future<Optional<Listed>> pause(long id, String by) {
        return one(pause, Tuple.of(id, by), "pause schedule " + id);
    }

    /** Ends a pause; the schedule as it is now, or empty when there is none. */
    public Future<Optional<Listed>> resume(long id) {
        return one(resume, Tuple.of(id), "resume schedule " + id);
    }

    /**
     * Makes a job now; its id, or empty when there is no such schedule. Fails with {@link StoreError#INVALID} while the
     * schedule's last job has not ended.
     *
     * @param allowOverlap not to care about that one
     */
    public Future<Optional<Long>> run(long id, boolean allowOverlap) {
        return statements
                .call(run, Tuple.of(id, allowOverlap), "run schedule " + id)
                .map(rows -> {
                    var row = rows.iterator();
                    return row.hasNext() ? Optional.of(row.next().getLong(0)) : Optional.empty();
                });
    }

    /** Deletes a schedule; as it was, or empty when there is none. */
    public Future<Optional<Listed>> delete(long id) {
        return one(delete, Tuple.of(id), "delete schedule " + id);
    }

    private Future<Optional<Listed>> one(String sql, Tuple arguments, String what) {
        return statements
                .call(sql, arguments, what)
                .map(rows -> listed(rows).stream().findFirst());
    }

    private static List<Listed> listed(RowSet<Row> rows) {
        List<Listed> listed = new ArrayList<>(rows.size());
        for (Row row : rows) {
            listed.add(new Listed(
                    row.getLong("id"),
                    row.getUUID("database_id"),
                    row.getString("task_identifier"),
                    row.getString("key"),
                    row.getString("state"),
                    row.getString("rule"),
                    row.getOffsetDateTime("now").toInstant(),
                    instant(row, "next_tick_at"),
                    row.getString("missed_ticks"),
                    row.getInteger("missed_ticks_max"),
                    row.getString("overlap"),
                    row.getLong("jitter"),
                    instant(row, "paused_at"),
                    row.getString("paused_by"),
                    instant(row, "last_scheduled"),
                    row.getLong("last_scheduled_id"),
                    row.getString("last_error")));
        }
        return listed;
    }

    private static @Nullable Instant instant(Row row, String column) {
        OffsetDateTime time = row.getOffsetDateTime(column);
        return time == null ? null : time.toInstant();
    }
}
