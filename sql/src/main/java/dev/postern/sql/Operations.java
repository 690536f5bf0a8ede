package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;

/** What operators do across tenants, within a transaction of {@link TenantStore#unbound}. */
public final class Operations {

    private final SqlConnection connection;
    private final String schema;

    Operations(SqlConnection connection, String schema) {
        this.connection = connection;
        this.schema = schema;
    }

    /** Workers that have reported in the last minutes, by their ids; JSON text of {@code worker_document}. */
    public Future<List<String>> workers() {
        return call(
                        "select " + schema + ".worker_document(w)::text from " + schema
                                + ".workers w order by w.worker_id",
                        Tuple.tuple())
                .map(rows -> {
                    List<String> workers = new ArrayList<>(rows.size());
                    rows.forEach(row -> workers.add(row.getString(0)));
                    return workers;
                });
    }

    /** Pauses a task for all tenants, unless it is paused already. */
    public Future<Void> pauseTask(String task, String by) {
        return call("select " + schema + ".pause_jobs($1, task => $2)", Tuple.of(by, task))
                .mapEmpty();
    }

    /** Ends a task's pause; whether there was one. */
    public Future<Boolean> resumeTask(String task) {
        return call("select " + schema + ".resume_jobs(task => $1)", Tuple.of(task))
                .map(rows -> rows.iterator().next().getBoolean(0));
    }

    /** Writes a line of the audit log, for the tenant that the operator acts for. */
    public Future<Void> record(String actor, String action, String target, JsonObject details) {
        return call("select " + schema + ".record_change($1, $2, $3, $4)", Tuple.of(actor, action, target, details))
                .mapEmpty();
    }

    private Future<RowSet<Row>> call(String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }
}
