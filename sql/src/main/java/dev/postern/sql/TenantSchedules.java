package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A tenant's schedules within a transaction of {@link TenantStore}; what is answered is JSON text of {@code schedule_document}. */
public final class TenantSchedules {

    private static final String VALUES = "identifier => $2, payload => $3::text::json,"
            + " schedule_info => $4::text::json, job_key => $5, queue_name => $6, max_attempts => $7, priority => $8,"
            + " missed_ticks => $9, missed_ticks_max => $10, overlap => $11,"
            + " jitter => make_interval(secs => $12::int)";

    private final SqlConnection connection;
    private final String schema;
    private final Acting acting;

    TenantSchedules(SqlConnection connection, String schema, Acting acting) {
        this.connection = connection;
        this.schema = schema;
        this.acting = acting;
    }

    /**
     * What can be asked for of a schedule.
     *
     * @param payload JSON text
     * @param rule JSON text of {@code schedule_info}
     * @param missedTicks skip, latest or all
     * @param missedTicksMax how many of them when it is all
     * @param overlap skip or allow
     * @param jitterSeconds within which time after a tick its job is due
     */
    public record NewSchedule(
            String jobType,
            String payload,
            String rule,
            @Nullable String key,
            @Nullable String queue,
            int maxAttempts,
            int priority,
            String missedTicks,
            int missedTicksMax,
            String overlap,
            int jitterSeconds) {}

    /** Those that were added last. */
    public Future<List<String>> list(@Nullable Long beforeId, @Nullable String jobType, int limit) {
        return call(
                        "select " + schema + ".schedule_document(s)::text from " + schema
                                + ".scheduled_jobs s where s.database_id = $1 and ($2::bigint is null or s.id < $2)"
                                + " and ($3::text is null or s.task_identifier = $3) order by s.id desc limit $4",
                        Tuple.tuple()
                                .addValue(acting.tenant())
                                .addValue(beforeId)
                                .addValue(jobType)
                                .addValue(limit))
                .map(rows -> {
                    List<String> schedules = new ArrayList<>(rows.size());
                    rows.forEach(row -> schedules.add(row.getString(0)));
                    return schedules;
                });
    }

    /** The schedule, or empty when there is none. */
    public Future<Optional<String>> find(long id) {
        return document("scheduled_jobs s where s.id = $1", Tuple.of(id));
    }

    /** As {@link #find}; nobody else changes it until the end of the transaction. */
    public Future<Optional<String>> hold(long id) {
        return document("lock_schedule($1) s where s.id is not null", Tuple.of(id));
    }

    /** Adds it, or replaces the tenant's schedule of its key. */
    public Future<String> add(NewSchedule schedule) {
        return document("add_scheduled_job(db_id => $1, " + VALUES + ") s", arguments(acting.tenant(), schedule))
                .map(Optional::orElseThrow);
    }

    /** Replaces it; as it is now, or empty when there is none. */
    public Future<Optional<String>> replace(long id, NewSchedule schedule) {
        return document(
                "replace_schedule(schedule_id => $1, " + VALUES + ") s where s.id is not null",
                arguments(id, schedule));
    }

    private static Tuple arguments(Object first, NewSchedule schedule) {
        return Tuple.tuple()
                .addValue(first)
                .addValue(schedule.jobType())
                .addValue(schedule.payload())
                .addValue(schedule.rule())
                .addValue(schedule.key())
                .addValue(schedule.queue())
                .addValue(schedule.maxAttempts())
                .addValue(schedule.priority())
                .addValue(schedule.missedTicks())
                .addValue(schedule.missedTicksMax())
                .addValue(schedule.overlap())
                .addValue(schedule.jitterSeconds());
    }

    /** Pauses it; as it is now, or empty when there is none. */
    public Future<Optional<String>> pause(long id, String by) {
        return document("pause_schedule($1, $2) s where s.id is not null", Tuple.of(id, by));
    }

    /** Ends a pause; as it is now, or empty when there is none. */
    public Future<Optional<String>> resume(long id) {
        return document("resume_schedule($1) s where s.id is not null", Tuple.of(id));
    }

    /** Deletes it; as it was, or empty when there is none. */
    public Future<Optional<String>> delete(long id) {
        return document("delete_schedule($1) s where s.id is not null", Tuple.of(id));
    }

    /** Makes a job now; its id, or empty when there is no such schedule. */
    public Future<Optional<Long>> run(long id, boolean allowOverlap) {
        return call(
                        "select j.id from " + schema + ".run_schedule($1, $2) j where j.id is not null",
                        Tuple.of(id, allowOverlap))
                .map(rows -> {
                    var row = rows.iterator();
                    return row.hasNext() ? Optional.of(row.next().getLong(0)) : Optional.empty();
                });
    }

    private Future<Optional<String>> document(String from, Tuple arguments) {
        return call("select " + schema + ".schedule_document(s)::text from " + schema + "." + from, arguments)
                .map(rows -> {
                    var row = rows.iterator();
                    return row.hasNext() ? Optional.of(row.next().getString(0)) : Optional.empty();
                });
    }

    private Future<RowSet<Row>> call(String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }
}
