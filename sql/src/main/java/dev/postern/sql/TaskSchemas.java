package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** JSON Schemas of tasks' payloads, as one tenant has them, within a transaction of {@link TenantStore}. */
public final class TaskSchemas {

    private final SqlConnection connection;
    private final String schema;
    private final Acting acting;

    TaskSchemas(SqlConnection connection, String schema, Acting acting) {
        this.connection = connection;
        this.schema = schema;
        this.acting = acting;
    }

    /**
     * A schema that holds for the tenant.
     *
     * @param version another one after each change, and never the same again
     * @param own whether it is the tenant's own and not the one for every tenant
     * @param document JSON text of {@code task_schema_document}
     */
    public record Registered(String jobType, long version, boolean own, String document) {}

    /** Those that hold for these tasks; nothing for tasks without one. */
    public Future<List<Registered>> of(Collection<String> tasks) {
        return call(
                        holding(" and s.task_identifier = any ($2)"),
                        Tuple.tuple().addUUID(acting.tenant()).addArrayOfString(tasks.toArray(String[]::new)))
                .map(TaskSchemas::all);
    }

    /** Those that hold, by the names of their tasks, behind a name. */
    public Future<List<Registered>> list(@Nullable String after, int limit) {
        return call(
                        holding(" and ($2::text is null or s.task_identifier > $2)") + " limit $3",
                        Tuple.tuple().addValue(acting.tenant()).addValue(after).addValue(limit))
                .map(TaskSchemas::all);
    }

    /**
     * Registers the tenant's own.
     *
     * @param text JSON text of the schema
     * @param expected the version that is to be replaced, 0 for none, null for whatever is there
     * @return empty when another one is there
     */
    public Future<Optional<Registered>> set(String task, String text, String by, @Nullable Long expected) {
        return call(
                        "select " + columns() + " from " + schema
                                + ".set_task_schema($1, $2, $3::text::json, $4, $5) s",
                        Tuple.of(acting.tenant(), task, text, by).addValue(expected))
                .map(rows -> all(rows).stream().findFirst());
    }

    /** Takes the tenant's own away; empty when there is none of that version. */
    public Future<Optional<Registered>> delete(String task, @Nullable Long expected) {
        return call(
                        "select " + columns() + " from " + schema + ".delete_task_schema($1, $2, $3) s",
                        Tuple.of(acting.tenant(), task).addValue(expected))
                .map(rows -> all(rows).stream().findFirst());
    }

    // The tenant's own comes before the one for every tenant.
    private String holding(String condition) {
        return "select distinct on (s.task_identifier) " + columns() + " from " + schema
                + ".task_schemas s where s.database_id in ($1, '" + JobLimits.EVERY_TENANT + "')" + condition
                + " order by s.task_identifier, s.database_id = $1 desc";
    }

    private String columns() {
        return "s.task_identifier, s.version, s.database_id <> '" + JobLimits.EVERY_TENANT + "', " + schema
                + ".task_schema_document(s)::text";
    }

    private static List<Registered> all(RowSet<Row> rows) {
        List<Registered> found = new ArrayList<>(rows.size());
        rows.forEach(row ->
                found.add(new Registered(row.getString(0), row.getLong(1), row.getBoolean(2), row.getString(3))));
        return found;
    }

    private Future<RowSet<Row>> call(String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }
}
