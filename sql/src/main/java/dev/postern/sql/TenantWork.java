package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's queues and tasks, and what was changed there, within a transaction of {@link TenantStore}; what is answered is
 * JSON text.
 */
public final class TenantWork {

    /** Lines of the audit log that a page looks at, however few of them match. */
    private static final int LOOKED_AT = 2_000;

    private final SqlConnection connection;
    private final String schema;
    private final Acting acting;

    TenantWork(SqlConnection connection, String schema, Acting acting) {
        this.connection = connection;
        this.schema = schema;
        this.acting = acting;
    }

    /** A queue or a task with its counts. */
    public record Summary(String name, String document) {}

    /** Queues behind a name, or the one of a name; only jobs of the owner count, or of all users where it is null. */
    public Future<List<Summary>> queues(
            @Nullable UUID owner, @Nullable String only, @Nullable String after, int limit) {
        return summaries(true, owner, only, after, limit);
    }

    /** Tasks, in the same way. */
    public Future<List<Summary>> tasks(@Nullable UUID owner, @Nullable String only, @Nullable String after, int limit) {
        return summaries(false, owner, only, after, limit);
    }

    private Future<List<Summary>> summaries(
            boolean byQueue, @Nullable UUID owner, @Nullable String only, @Nullable String after, int limit) {
        return call(
                        "select s.name, s.document::text from " + schema + ".summarize_jobs($1, $2, $3, $4, $5, $6) s",
                        Tuple.tuple()
                                .addValue(acting.tenant())
                                .addValue(byQueue)
                                .addValue(owner)
                                .addValue(only)
                                .addValue(after)
                                .addValue(limit))
                .map(rows -> {
                    List<Summary> summaries = new ArrayList<>(rows.size());
                    rows.forEach(row -> summaries.add(new Summary(row.getString(0), row.getString(1))));
                    return summaries;
                });
    }

    /** Pauses a queue, unless it is paused already. */
    public Future<Void> pauseQueue(String queue, String by) {
        return call(
                        "select " + schema + ".pause_jobs($1, db_id => $2, queue => $3)",
                        Tuple.of(by, acting.tenant(), queue))
                .mapEmpty();
    }

    /** Ends a queue's pause; whether there was one. */
    public Future<Boolean> resumeQueue(String queue) {
        return call("select " + schema + ".resume_jobs(db_id => $1, queue => $2)", Tuple.of(acting.tenant(), queue))
                .map(rows -> rows.iterator().next().getBoolean(0));
    }

    /**
     * Lines of the audit log.
     *
     * @param documents the newest first
     * @param nextBefore where the next page begins, or null at the end
     */
    public record Lines(List<String> documents, @Nullable Long nextBefore) {

        /** Copies the documents. */
        public Lines {
            documents = List.copyOf(documents);
        }
    }

    /** Lines of the audit log, of the owner or all users, the newest first; null filters nothing. A page looks at a bounded number of lines. */
    public Future<Lines> audit(
            @Nullable UUID owner,
            @Nullable Long beforeId,
            @Nullable String action,
            @Nullable String target,
            int limit) {
        int scan = owner == null && action == null && target == null ? limit + 1 : LOOKED_AT;
        return call(
                        "select a.id, case when a.action = coalesce($3, a.action) and a.target = coalesce($4, a.target)"
                                + " and ($5::uuid is null or a.actor_id = $5) then " + schema
                                + ".audit_document(a)::text end from " + schema
                                + ".audit_log a where a.database_id = $1 and ($2::bigint is null or a.id < $2)"
                                + " order by a.id desc limit $6",
                        Tuple.tuple()
                                .addValue(acting.tenant())
                                .addValue(beforeId)
                                .addValue(action)
                                .addValue(target)
                                .addValue(owner)
                                .addValue(scan))
                .map(rows -> page(rows, limit, scan));
    }

    private static Lines page(RowSet<Row> rows, int limit, int scan) {
        List<String> documents = new ArrayList<>(limit);
        Long last = null;
        for (Row row : rows) {
            if (documents.size() == limit) {
                return new Lines(documents, last);
            }
            String document = row.getString(1);
            if (document != null) {
                documents.add(document);
            }
            last = row.getLong(0);
        }
        return new Lines(documents, rows.size() == scan ? last : null);
    }

    private Future<RowSet<Row>> call(String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }
}
