package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A tenant's jobs within a transaction of {@link TenantStore}; one line per function. */
public final class TenantJobs {

    private static final String STATE = "a.id, a.user_id, a.status, a.progress, a.retry_count, a.max_retries,"
            + " a.can_cancel, a.can_retry, a.version, ";

    /** Of a payload that goes with each state of a job; results are no larger. */
    private static final int LARGEST_SHOWN = 65_536;

    private final SqlConnection connection;
    private final String schema;
    private final Acting acting;

    TenantJobs(SqlConnection connection, String schema, Acting acting) {
        this.connection = connection;
        this.schema = schema;
        this.acting = acting;
    }

    /**
     * A job, alive or ended.
     *
     * @param owner the user that it belongs to, or null
     * @param status queued, running, succeeded, failed, cancelled or retrying
     * @param version changes with status, attempt and progress
     * @param document the JSON text of {@code job_summary}, or of {@code job_document} where all was asked for
     */
    public record Found(
            long id,
            @Nullable UUID owner,
            String status,
            int progress,
            int retryCount,
            int maxRetries,
            boolean canCancel,
            boolean canRetry,
            String version,
            String document) {}

    /**
     * What became of a job that was to be added.
     *
     * @param id the job that stands for it now
     * @param outcome inserted, replaced or deduplicated
     * @param at when, in the format of the API
     */
    public record Added(long id, String outcome, String at) {}

    /** What a list is asked for; null filters nothing. */
    public record Filter(
            @Nullable UUID owner,
            @Nullable List<String> statuses,
            @Nullable String jobType,
            @Nullable String key,
            @Nullable String queue,
            @Nullable String errorContains,
            @Nullable OffsetDateTime createdAfter,
            @Nullable OffsetDateTime createdBefore) {}

    /**
     * A page of a list.
     *
     * @param matching how many match, among those looked at
     * @param complete whether all were looked at
     * @param nextBefore where the next page begins, or null at the end
     * @param documents a JSON array of the jobs' documents
     */
    public record Page(
            int matching, boolean complete, @Nullable Long nextBefore, String documents) {}

    /** The job without a payload beyond 64 KiB, or empty when nobody of the tenant remembers it. */
    public Future<Optional<Found>> find(long jobId) {
        return find(jobId, columns(schema));
    }

    /** The job with all of its payload, or empty when nobody of the tenant remembers it. */
    public Future<Optional<Found>> findWhole(long jobId) {
        return find(jobId, STATE + schema + ".job_document(a)::text");
    }

    private Future<Optional<Found>> find(long jobId, String columns) {
        return call(
                        "select " + columns + " from " + schema
                                + ".api_jobs a where a.id = $1 and a.organization_id = $2 limit 1",
                        Tuple.of(jobId, acting.tenant()))
                .map(rows -> first(rows).map(TenantJobs::found));
    }

    /** Jobs, the newest first. */
    public Future<Page> list(Filter filter, @Nullable Long beforeId, int skip, int limit, int scan) {
        Tuple arguments = arguments(filter)
                .addValue(beforeId)
                .addValue(skip)
                .addValue(limit)
                .addValue(scan);
        return call(
                        "select matching, complete, next_before, documents::text from " + schema
                                + ".list_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                        arguments)
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Page(row.getInteger(0), row.getBoolean(1), row.getLong(2), row.getString(3));
                });
    }

    /** Of these keys, one that belongs to a job of somebody else than the acting user; empty when none does. */
    public Future<Optional<String>> keyOfAnother(List<String> keys) {
        return call(
                        "select a.key from " + schema + ".api_live_jobs a where a.organization_id = $1"
                                + " and a.key = any ($2) and a.user_id is distinct from $3 limit 1",
                        Tuple.tuple()
                                .addValue(acting.tenant())
                                .addValue(keys.toArray(String[]::new))
                                .addValue(acting.actor()))
                .map(rows -> first(rows).map(row -> row.getString(0)));
    }

    /**
     * Adds jobs, all or none.
     *
     * @param jobs a JSON array of objects as {@code add_jobs} reads them
     * @return what became of each, in their order
     */
    public Future<List<Added>> add(String jobs) {
        return call(
                        "select job_id, outcome, " + schema + ".json_time(now()) from " + schema
                                + ".add_jobs($1, $2::text::json) order by element",
                        Tuple.of(acting.tenant(), jobs))
                .map(rows -> {
                    List<Added> added = new ArrayList<>(rows.size());
                    rows.forEach(row -> added.add(new Added(row.getLong(0), row.getString(1), row.getString(2))));
                    return added;
                });
    }

    /** Cancels a job that has not ended; what it was, or empty when it had ended. */
    public Future<Optional<String>> cancel(long jobId, String reason) {
        return call(
                        "select former_state from " + schema + ".cancel_jobs(array[$1::bigint], $2)",
                        Tuple.of(jobId, reason))
                .map(rows -> first(rows).map(row -> row.getString(0)));
    }

    /** Replays a dead letter for this request; the trace that it had before, or empty when it is none. */
    public Future<Optional<String>> retry(long jobId, String by) {
        return call("select " + schema + ".retry_job($1, $2)", Tuple.of(jobId, by))
                .map(rows -> Optional.ofNullable(rows.iterator().next().getString(0)));
    }

    /**
     * Jobs that a filter names.
     *
     * @param matching how many match, among those looked at
     * @param jobIds the newest of them
     * @param more whether there may be others
     */
    public record Chosen(int matching, List<Long> jobIds, boolean more) {
        /** Copies the ids. */
        public Chosen {
            jobIds = List.copyOf(jobIds);
        }
    }

    /** The newest jobs that a filter names, at most {@code limit}. */
    public Future<Chosen> choose(Filter filter, int limit) {
        return call(
                        "select l.matching, l.next_before is not null, array(select (d ->> 'id')::bigint"
                                + " from json_array_elements(l.documents) d) from " + schema
                                + ".list_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9, max_jobs => $10) l",
                        arguments(filter).addValue(limit))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Chosen(row.getInteger(0), List.of(row.getArrayOfLongs(2)), row.getBoolean(1));
                });
    }

    /**
     * Of the newest 10,000 dead letters those that a filter names and whose retries are not used up, at most
     * {@code limit}. The filter's statuses say nothing here.
     */
    public Future<Chosen> chooseRetryable(Filter filter, int limit) {
        return call(
                        "with dead as (select a.* from " + schema + ".api_live_jobs a where a.organization_id = $1"
                                + " and ($2::uuid is null or a.user_id = $2) and a.completed_at is not null"
                                + " order by a.id desc limit 10000), found as (select d.id from dead d where d.can_retry"
                                + " and ($3::text is null or d.job_type = $3) and ($4::text is null or d.key = $4)"
                                + " and ($5::text is null or d.queue_name = $5)"
                                + " and ($6::text is null or d.error_message ilike $6)"
                                + " and ($7::timestamptz is null or d.created_at >= $7)"
                                + " and ($8::timestamptz is null or d.created_at < $8))"
                                + " select (select count(*) from found)::int,"
                                + " array(select f.id from found f order by f.id desc limit $9)",
                        conditions(Tuple.tuple().addValue(acting.tenant()).addValue(filter.owner()), filter)
                                .addValue(limit))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    int matching = row.getInteger(0);
                    return new Chosen(matching, List.of(row.getArrayOfLongs(1)), matching > limit);
                });
    }

    /** Cancels those that have not ended; their ids. */
    public Future<List<Long>> cancelAll(List<Long> jobIds, String reason) {
        return call(
                        "select job_id from " + schema + ".cancel_jobs($1, $2)",
                        Tuple.tuple()
                                .addArrayOfLong(jobIds.toArray(Long[]::new))
                                .addString(reason))
                .map(TenantJobs::ids);
    }

    /** Replays those that are dead letters; their ids. */
    public Future<List<Long>> replayAll(List<Long> jobIds, String by) {
        return call(
                        "select job_id from " + schema + ".replay_jobs($1, $2) job_id order by 1",
                        Tuple.tuple()
                                .addArrayOfLong(jobIds.toArray(Long[]::new))
                                .addString(by))
                .map(TenantJobs::ids);
    }

    /** The tenant's schedules, in this transaction. */
    public TenantSchedules schedules() {
        return new TenantSchedules(connection, schema, acting);
    }

    /** Forgets those that are dead letters or have ended; their ids. */
    public Future<List<Long>> purge(List<Long> jobIds) {
        return call(
                        "select job_id from " + schema + ".purge_jobs($1) job_id order by 1",
                        Tuple.tuple().addArrayOfLong(jobIds.toArray(Long[]::new)))
                .map(TenantJobs::ids);
    }

    /** The tenant's queues, tasks and audit log, in this transaction. */
    public TenantWork work() {
        return new TenantWork(connection, schema, acting);
    }

    /** The schemas of payloads that hold for the tenant, in this transaction. */
    public TaskSchemas taskSchemas() {
        return new TaskSchemas(connection, schema, acting);
    }

    private static List<Long> ids(RowSet<Row> rows) {
        List<Long> ids = new ArrayList<>(rows.size());
        rows.forEach(row -> ids.add(row.getLong(0)));
        return ids;
    }

    /**
     * Writes a line of the audit log.
     *
     * @param actor the user as people know him
     * @param action such as {@code jobs.cancel}
     * @param target such as {@code job/12}
     */
    public Future<Void> record(String actor, String action, String target, JsonObject details) {
        return call("select " + schema + ".record_change($1, $2, $3, $4)", Tuple.of(actor, action, target, details))
                .mapEmpty();
    }

    /**
     * What is known of a request that may be sent again.
     *
     * @param first whether it is the first of its key
     * @param answer what the first one was answered; null when that one asked for something else
     */
    public record Begun(boolean first, @Nullable String answer) {}

    /** Begins a request of a key; the first one's answer is to be kept by {@link #end}. */
    public Future<Begun> begin(String key, String hash) {
        return call("select answer::text from " + schema + ".begin_request($1, $2)", Tuple.of(key, hash))
                .map(rows -> first(rows)
                        .map(row -> new Begun(false, row.getString(0)))
                        .orElse(new Begun(true, null)));
    }

    /** Keeps the answer to the first request of a key, JSON text. */
    public Future<Void> end(String key, String answer) {
        return call("select " + schema + ".end_request($1, $2::text::json)", Tuple.of(key, answer))
                .mapEmpty();
    }

    private Tuple arguments(Filter filter) {
        String[] statuses = filter.statuses() == null ? null : filter.statuses().toArray(String[]::new);
        return conditions(
                Tuple.tuple().addValue(acting.tenant()).addValue(filter.owner()).addValue(statuses), filter);
    }

    private static Tuple conditions(Tuple arguments, Filter filter) {
        return arguments
                .addValue(filter.jobType())
                .addValue(filter.key())
                .addValue(filter.queue())
                .addValue(filter.errorContains() == null ? null : pattern(filter.errorContains()))
                .addValue(filter.createdAfter())
                .addValue(filter.createdBefore());
    }

    private Future<RowSet<Row>> call(String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }

    /** What {@link #found} reads, of a row {@code a} of {@code api_jobs}. */
    static String columns(String schema) {
        return STATE + schema + ".job_summary(a, " + LARGEST_SHOWN + ")::text";
    }

    private static Optional<Row> first(RowSet<Row> rows) {
        var row = rows.iterator();
        return row.hasNext() ? Optional.of(row.next()) : Optional.empty();
    }

    static Found found(Row row) {
        return new Found(
                row.getLong(0),
                row.getUUID(1),
                row.getString(2),
                row.getInteger(3),
                row.getInteger(4),
                row.getInteger(5),
                row.getBoolean(6),
                row.getBoolean(7),
                row.getString(8),
                row.getString(9));
    }

    // Whoever searches for 100% means the sign.
    private static String pattern(String words) {
        return "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%";
    }
}
