package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters, for the people who look after them: listed, replayed, purged. Any context may call; the future completes
 * on the caller's context and fails with a {@link StoreException} only. What changes something does so in batches, a
 * transaction each: pass the last one's {@link Chosen#diedAt} on with {@link Filter#from} until a batch comes back short.
 */
public final class DeadLetters {

    private static final String FILTER = "db_id => $1, task => $2, error_like => $3, died_after => $4,"
            + " died_before => $5, job_ids => $6, max_jobs => $7";

    private final Statements statements;
    private final String now;
    private final String newest;
    private final String count;
    private final String replay;
    private final String purge;

    /** Calls the functions of the given schema through the pool, which stays the caller's to close. */
    public DeadLetters(Pool pool, String schema) {
        this.statements = new Statements(pool);
        this.now = "select clock_timestamp()";
        // The filter's function orders by death, oldest first; the newest of many are found from the other end.
        this.newest = "select d.id, d.database_id, d.task_identifier, d.queue_name, d.key, d.payload::text, d.attempts,"
                + " d.max_attempts, d.infra_failures, d.last_error, d.errors::text, d.died_at, d.created_at,"
                + " d.superseded_at, d.replayed_at, d.replayed_by"
                + " from " + schema + ".dead_letters d"
                + " where ($1::uuid is null or d.database_id = $1) and ($2::text is null or d.task_identifier = $2)"
                + " and ($3::text is null or d.last_error like $3)"
                + " and d.died_at >= coalesce($4::timestamptz, '-infinity')"
                + " and d.died_at < coalesce($5::timestamptz, 'infinity')"
                + " and ($6::bigint[] is null or d.id = any ($6))"
                + " order by d.died_at desc, d.id desc limit $7";
        this.count = "select count(*) from " + schema + ".choose_dead_letters(" + FILTER
                + ", superseded => $8, hold => false)";
        this.replay =
                "select job_id, died_at from " + schema + ".replay_dead_letters(" + FILTER + ", replayed_by => $8)";
        this.purge = "select id, died_at from " + schema + ".purge_dead_letters(" + FILTER + ")";
    }

    /**
     * Which dead letters; null filters nothing.
     *
     * @param databaseId the tenant
     * @param task the task identifier
     * @param errorLike a pattern of SQL's LIKE over the last error, such as {@code %time-out%}
     * @param diedAfter not before this
     * @param diedBefore before this
     * @param jobIds only these
     */
    public record Filter(
            @Nullable UUID databaseId,
            @Nullable String task,
            @Nullable String errorLike,
            @Nullable OffsetDateTime diedAfter,
            @Nullable OffsetDateTime diedBefore,
            @Nullable List<Long> jobIds) {

        /** Copies the ids. */
        public Filter {
            jobIds = jobIds == null ? null : List.copyOf(jobIds);
        }

        /** The same, from a moment of death on. */
        public Filter from(OffsetDateTime time) {
            return new Filter(databaseId, task, errorLike, time, diedBefore, jobIds);
        }

        /** The same, up to a moment of death unless it ends before that already. */
        public Filter upTo(OffsetDateTime time) {
            OffsetDateTime end = diedBefore != null && diedBefore.isBefore(time) ? diedBefore : time;
            return new Filter(databaseId, task, errorLike, diedAfter, end, jobIds);
        }

        Tuple arguments(@Nullable Integer limit) {
            return Tuple.tuple()
                    .addValue(databaseId)
                    .addValue(task)
                    .addValue(errorLike)
                    .addValue(diedAfter)
                    .addValue(diedBefore)
                    .addValue(jobIds == null ? null : jobIds.toArray(Long[]::new))
                    .addValue(limit);
        }
    }

    /**
     * A job that will not be tried any more.
     *
     * @param payload JSON text
     * @param errors JSON text of its failed attempts
     * @param supersededAt when a newer job took over its key, or null
     * @param replayedAt when it was replayed before, or null
     */
    public record DeadLetter(
            long id,
            UUID databaseId,
            String task,
            @Nullable String queue,
            @Nullable String key,
            String payload,
            int attempts,
            int maxAttempts,
            int infraFailures,
            @Nullable String lastError,
            String errors,
            OffsetDateTime diedAt,
            @Nullable OffsetDateTime createdAt,
            @Nullable OffsetDateTime supersededAt,
            @Nullable OffsetDateTime replayedAt,
            @Nullable String replayedBy) {}

    /**
     * One that was replayed or purged.
     *
     * @param diedAt when it had died
     */
    public record Chosen(long id, OffsetDateTime diedAt) {}

    /** The database's time. What dies after it is none of a replay's business that began then. */
    public Future<OffsetDateTime> now() {
        return statements
                .call(now, Tuple.tuple(), "ask for the time")
                .map(rows -> rows.iterator().next().getOffsetDateTime(0));
    }

    /** Those that died last, at most {@code limit}. */
    public Future<List<DeadLetter>> newest(Filter filter, int limit) {
        return statements
                .call(newest, filter.arguments(limit), "list dead letters")
                .map(rows -> {
                    List<DeadLetter> letters = new ArrayList<>(rows.size());
                    rows.forEach(row -> letters.add(deadLetter(row)));
                    return letters;
                });
    }

    /** How many a replay of the filter would revive now. */
    public Future<Long> countToReplay(Filter filter) {
        return count(filter, filter.jobIds() != null);
    }

    /** How many a purge of the filter would delete now. */
    public Future<Long> countToPurge(Filter filter) {
        return count(filter, true);
    }

    /** Revives those that died first, at most {@code limit}; superseded ones only when the filter has ids. */
    public Future<List<Chosen>> replay(Filter filter, String by, int limit) {
        return statements
                .call(replay, filter.arguments(limit).addString(by), "replay dead letters")
                .map(DeadLetters::chosen);
    }

    /** Deletes those that died first for good, at most {@code limit}. */
    public Future<List<Chosen>> purge(Filter filter, int limit) {
        return statements
                .call(purge, filter.arguments(limit), "purge dead letters")
                .map(DeadLetters::chosen);
    }

    private Future<Long> count(Filter filter, boolean superseded) {
        return statements
                .call(count, filter.arguments(null).addBoolean(superseded), "count dead letters")
                .map(rows -> rows.iterator().next().getLong(0));
    }

    private static List<Chosen> chosen(RowSet<Row> rows) {
        List<Chosen> chosen = new ArrayList<>(rows.size());
        rows.forEach(row -> chosen.add(new Chosen(row.getLong(0), row.getOffsetDateTime(1))));
        return chosen;
    }

    private static DeadLetter deadLetter(Row row) {
        return new DeadLetter(
                row.getLong("id"),
                row.getUUID("database_id"),
                row.getString("task_identifier"),
                row.getString("queue_name"),
                row.getString("key"),
                row.getString("payload"),
                row.getInteger("attempts"),
                row.getInteger("max_attempts"),
                row.getInteger("infra_failures"),
                row.getString("last_error"),
                row.getString("errors"),
                row.getOffsetDateTime("died_at"),
                row.getOffsetDateTime("created_at"),
                row.getOffsetDateTime("superseded_at"),
                row.getOffsetDateTime("replayed_at"),
                row.getString("replayed_by"));
    }
}
