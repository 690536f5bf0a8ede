package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What people and dashboards ask about jobs. Reads only, apart from {@link #add}, {@link #addAll} and {@link #cancel}, the
 * command line's.
 * Any context may call; the future completes on the caller's context and fails with a {@link StoreException} only.
 */
public final class JobDirectory {

    private final Statements statements;
    private final String counts;
    private final String endedCounts;
    private final String cancelledCounts;
    private final String oldestReady;
    private final String oldestTick;
    private final String tenants;
    private final String find;
    private final String add;
    private final String addAll;
    private final String cancel;
    private final String explain;
    private final String workers;

    /** Reads the given schema through the pool, which stays the caller's to close. */
    public JobDirectory(Pool pool, String schema) {
        this.statements = new Statements(pool);
        this.counts = "select j.task_identifier, " + schema + ".job_state(j) as state, count(*) from " + schema
                + ".jobs j group by 1, 2 order by 1, 2";
        this.endedCounts = "select h.task_identifier, h.state, count(*) from " + schema
                + ".job_history h where h.finished_at > now() - interval '1 day' group by 1, 2 order by 1, 2";
        this.cancelledCounts = "select h.task_identifier, h.state, count(*) from " + schema
                + ".job_history h where h.state = 'cancelled' and h.finished_at > now() - interval '1 hour'"
                + " group by 1, 2 order by 1, 2";
        this.oldestTick = "select coalesce(greatest(0, extract(epoch from " + schema
                + ".schedule_clock() - min(s.next_tick_at))), 0)::double precision from " + schema
                + ".scheduled_jobs s where isfinite(s.next_tick_at)";
        this.tenants =
                "with busiest as (select j.database_id, count(*) filter (where j.locked_at is null and j.attempts"
                        + " < j.max_attempts and j.run_at <= now()) as ready, count(*) filter (where j.locked_at is not null) as"
                        + " leased, count(*) filter (where j.locked_at is null and j.attempts >= j.max_attempts) as dead from "
                        + schema + ".jobs j group by j.database_id order by 2 + 3 desc, 4 desc, 1 limit $1)"
                        + " select b.database_id, s.state, s.jobs from busiest b cross join lateral (values ('ready', b.ready),"
                        + " ('leased', b.leased), ('dead', b.dead)) as s (state, jobs)";
        this.oldestReady = "select coalesce(extract(epoch from now() - min(j.run_at)), 0)::double precision from "
                + schema + ".jobs j where j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= now()";
        this.find = "select j.id, j.task_identifier, " + schema + ".job_state(j) as state, j.attempts, j.max_attempts,"
                + " j.infra_failures, j.run_at, j.locked_by, j.last_error, j.errors::text, j.progress::text,"
                + " null::text as result, j.updated_at, null::text as cancelled_by, null::text as cancel_reason"
                + " from " + schema + ".jobs j where j.id = $1"
                + " union all select h.id, h.task_identifier, h.state, h.attempts, h.max_attempts, h.infra_failures,"
                + " h.run_at, h.worker_id, h.last_error, h.errors::text, h.progress::text, h.result::text, h.finished_at,"
                + " h.cancelled_by, h.cancel_reason"
                + " from " + schema + ".job_history h where h.id = $1 order by updated_at desc limit 1";
        String answer = "select job_id, outcome from " + schema + ".add_jobs($1, ";
        this.add = answer + "json_build_array(json_build_object('task', $2::text, 'payload', $3::text::json,"
                + " 'key', $4::text, 'key_mode', $5::text, 'queue', $6::text, 'run_at', $7::timestamptz,"
                + " 'max_attempts', $8::int, 'priority', $9::int)))";
        this.addAll = answer + "$2::text::json) order by element";
        this.cancel = "select job_id, task_identifier, former_state, worker_id from " + schema + ".cancel_jobs($1, $2)";
        this.explain = "select reason, detail, until from " + schema + ".explain_job($1)";
        this.workers = "select w.worker_id, w.tasks, w.slots, w.running, w.targets,"
                + " extract(epoch from now() - w.seen_at)::double precision from " + schema
                + ".workers w order by w.worker_id";
    }

    /**
     * How many jobs of a task are in a state.
     *
     * @param task the task identifier
     * @param state scheduled, ready, running, waiting, retrying, dead, succeeded or cancelled
     * @param jobs how many
     */
    public record Count(String task, String state, long jobs) {}

    /**
     * How many jobs a tenant has in a state.
     *
     * @param tenant its database id
     * @param state ready, leased (running or waiting) or dead
     * @param jobs how many
     */
    public record TenantCount(UUID tenant, String state, long jobs) {}

    /** A job to be added. Values that are null take {@code add_job}'s defaults. */
    public record NewJob(
            UUID databaseId,
            String task,
            String payload,
            @Nullable String key,
            @Nullable String keyMode,
            @Nullable String queue,
            @Nullable OffsetDateTime runAt,
            @Nullable Integer maxAttempts,
            @Nullable Integer priority) {}

    /**
     * What became of a job that was to be added.
     *
     * @param id the job that stands for it now
     * @param outcome inserted, replaced or deduplicated
     */
    public record Added(long id, String outcome) {}

    /**
     * One job, alive or ended.
     *
     * @param at when it was last changed or ended
     * @param errors JSON text of its failed attempts
     * @param progress how far it says it is, or was
     * @param cancelledBy the database role that cancelled it
     * @param cancelReason the reason that was given
     */
    public record Job(
            long id,
            String task,
            String state,
            int attempts,
            int maxAttempts,
            int infraFailures,
            OffsetDateTime runAt,
            @Nullable String worker,
            @Nullable String lastError,
            String errors,
            @Nullable ReportedProgress progress,
            @Nullable String result,
            OffsetDateTime at,
            @Nullable String cancelledBy,
            @Nullable String cancelReason) {}

    /** Progress, and when it was reported. */
    public record ReportedProgress(Progress progress, String at) {}

    /**
     * A job that was cancelled.
     *
     * @param formerState what it was: scheduled, ready, running, waiting, retrying or dead
     * @param worker who held it, or null
     */
    public record Cancelled(
            long id,
            String task,
            String formerState,
            @Nullable String worker) {}

    /** All counts of jobs in the table that are not zero, by task and state. Reads the whole table. */
    public Future<List<Count>> counts() {
        return count(counts);
    }

    /** How many ended in the last day, by task and state. Reads a day of the history: for people. */
    public Future<List<Count>> endedCounts() {
        return count(endedCounts);
    }

    /**
     * How many were cancelled in the last hour, by task; whoever did it, and whether they ran or not. Reads what was
     * cancelled today and yesterday: for every few seconds.
     */
    public Future<List<Count>> cancelledCounts() {
        return count(cancelledCounts);
    }

    private Future<List<Count>> count(String statement) {
        return statements.call(statement, Tuple.tuple(), "count jobs").map(rows -> {
            List<Count> result = new ArrayList<>(rows.size());
            rows.forEach(row -> result.add(new Count(row.getString(0), row.getString(1), row.getLong(2))));
            return result;
        });
    }

    /** Counts of the tenants with the most ready and leased jobs. Reads the whole table: for every few seconds. */
    public Future<List<TenantCount>> busiestTenants(int most) {
        return statements.call(tenants, Tuple.of(most), "count tenants' jobs").map(rows -> {
            List<TenantCount> result = new ArrayList<>(rows.size());
            rows.forEach(row -> result.add(new TenantCount(row.getUUID(0), row.getString(1), row.getLong(2))));
            return result;
        });
    }

    /** Since how many seconds the oldest ready job has been due; 0 when none is. */
    public Future<Double> oldestReadySeconds() {
        return statements
                .call(oldestReady, Tuple.tuple(), "look for the oldest ready job")
                .map(rows -> rows.iterator().next().getDouble(0));
    }

    /** Since how many seconds the most overdue tick waits for a scheduler; 0 when none does. */
    public Future<Double> oldestTickSeconds() {
        return statements
                .call(oldestTick, Tuple.tuple(), "look for the most overdue tick")
                .map(rows -> rows.iterator().next().getDouble(0));
    }

    /** The job, or empty when nobody remembers it. */
    public Future<Optional<Job>> find(long jobId) {
        return statements.call(find, Tuple.of(jobId), "look up job " + jobId).map(rows -> {
            if (!rows.iterator().hasNext()) {
                return Optional.empty();
            }
            Row row = rows.iterator().next();
            return Optional.of(new Job(
                    row.getLong(0),
                    row.getString(1),
                    row.getString(2),
                    row.getInteger(3),
                    row.getInteger(4),
                    row.getInteger(5),
                    row.getOffsetDateTime(6),
                    row.getString(7),
                    row.getString(8),
                    row.getString(9),
                    progress(row.getString(10)),
                    row.getString(11),
                    row.getOffsetDateTime(12),
                    row.getString(13),
                    row.getString(14)));
        });
    }

    /**
     * One reason for which a job is not running, or what it does instead.
     *
     * @param reason a few words, always the same for the same reason
     * @param detail what a person wants to know about it
     * @param until when the reason ends; null when nobody can tell
     */
    public record Reason(
            String reason, String detail, @Nullable OffsetDateTime until) {}

    /** Why the job is where it is, the most telling reason first; empty when nobody remembers it. */
    public Future<List<Reason>> explain(long jobId) {
        return statements.call(explain, Tuple.of(jobId), "explain job " + jobId).map(rows -> {
            List<Reason> reasons = new ArrayList<>(rows.size());
            rows.forEach(row -> reasons.add(new Reason(row.getString(0), row.getString(1), row.getOffsetDateTime(2))));
            return reasons;
        });
    }

    /**
     * A worker that has reported.
     *
     * @param report what it said, its times reckoned from now; of its targets those that it sends less to than it could
     * @param seenAgo how long ago that was; much more than ten seconds means that it is gone or cut off
     */
    public record Worker(WorkerReport report, Duration seenAgo) {}

    /** The workers that have reported lately and did not take their leave. */
    public Future<List<Worker>> workers() {
        return statements.call(workers, Tuple.tuple(), "look for workers").map(rows -> {
            List<Worker> result = new ArrayList<>(rows.size());
            rows.forEach(row -> result.add(worker(row)));
            return result;
        });
    }

    private static Worker worker(Row row) {
        Duration ago = Duration.ofMillis((long) (Math.max(0, row.getDouble(5)) * 1000));
        String[] tasks = row.getArrayOfStrings(1);
        return new Worker(
                new WorkerReport(
                        row.getString(0),
                        Optional.ofNullable(tasks).map(List::of),
                        row.getInteger(2),
                        row.getInteger(3),
                        WorkerReport.targets(row.getJsonArray(4)).stream()
                                .map(target -> target.after(ago))
                                .toList()),
                ago);
    }

    /** Adds a job. */
    public Future<Added> add(NewJob job) {
        Tuple arguments = Tuple.of(job.databaseId(), job.task())
                .addValue(job.payload())
                .addValue(job.key())
                .addValue(job.keyMode())
                .addValue(job.queue())
                .addValue(job.runAt())
                .addValue(job.maxAttempts())
                .addValue(job.priority());
        return statements
                .call(add, arguments, "add a job for task '" + job.task() + "'")
                .map(rows -> added(rows).getFirst());
    }

    /**
     * Adds jobs, all or none.
     *
     * @param databaseId the tenant
     * @param jobs a JSON array of objects as {@code add_jobs} reads them
     * @return what became of each, in their order
     */
    public Future<List<Added>> addAll(UUID databaseId, String jobs) {
        return statements.call(addAll, Tuple.of(databaseId, jobs), "add jobs").map(JobDirectory::added);
    }

    private static List<Added> added(RowSet<Row> rows) {
        List<Added> added = new ArrayList<>(rows.size());
        rows.forEach(row -> added.add(new Added(row.getLong(0), row.getString(1))));
        return added;
    }

    /**
     * Cancels jobs that have not ended.
     *
     * @param reason why, for whoever looks later
     * @return those that it cancelled, by id; the others had ended, or never were
     */
    public Future<List<Cancelled>> cancel(List<Long> jobIds, @Nullable String reason) {
        Tuple arguments =
                Tuple.tuple().addArrayOfLong(jobIds.toArray(Long[]::new)).addValue(reason);
        return statements.call(cancel, arguments, "cancel jobs").map(rows -> {
            List<Cancelled> cancelled = new ArrayList<>(rows.size());
            rows.forEach(row ->
                    cancelled.add(new Cancelled(row.getLong(0), row.getString(1), row.getString(2), row.getString(3))));
            return cancelled;
        });
    }

    private static @Nullable ReportedProgress progress(@Nullable String stored) {
        if (stored == null) {
            return null;
        }
        JsonObject json = new JsonObject(stored);
        return new ReportedProgress(
                new Progress(
                        json.getDouble("percent"),
                        json.getInteger("step"),
                        json.getInteger("steps"),
                        json.getString("message")),
                json.getString("at", ""));
    }
}
