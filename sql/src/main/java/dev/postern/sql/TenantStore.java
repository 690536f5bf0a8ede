package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Transactions in which the database itself binds the caller to one tenant: each begins by becoming
 * {@code postern_tenant} for that tenant, until its end. What a request forgets to ask is then still refused, by row-level
 * security. Any context may call; futures complete on the caller's context and fail with a {@link StoreException} unless
 * the work fails with something else. Works behind a transaction pooler.
 */
public final class TenantStore {

    /** Longer than any statement here takes; shorter than callers wait. Then what holds the lock has won. */
    private static final String STATEMENT_TIMEOUT = "8s";

    private static final long ANSWER_SECONDS = 10;

    private static final String ACT =
            "set_config('jwt.claims.database_id', $1, true), set_config('jwt.claims.user_id', $2, true),"
                    + " set_config('postern.actor_id', $2, true), set_config('postern.request_id', $3, true),"
                    + " set_config('postern.traceparent', $4, true), set_config('statement_timeout', '"
                    + STATEMENT_TIMEOUT
                    + "', true)";

    private static final String BECOME_TENANT = "select set_config('role', 'postern_tenant', true), " + ACT;
    private static final String BECOME_OPERATOR = "select " + ACT;

    private final Pool pool;
    private final String schema;

    /** Works in the given schema through the pool, which stays the caller's to close. */
    public TenantStore(Pool pool, String schema) {
        this.pool = pool;
        this.schema = schema;
    }

    /**
     * Fails with a message for operators when the login role may not become {@code postern_tenant}, without which no
     * request can be served.
     */
    public Future<Void> check() {
        return pool.query(
                        "select current_setting('server_version_num')::int / 10000, current_setting('server_version')")
                .execute()
                .compose(rows -> {
                    Row server = rows.iterator().next();
                    return pool.query("select pg_catalog.set_config('role', 'postern_tenant', true)")
                            .execute()
                            .recover(cause -> Future.failedFuture(StoreException.of(
                                    "serve the API: the database role may not become postern_tenant; "
                                            + ServerVersion.withoutTenantRole(
                                                    server.getInteger(0), server.getString(1)),
                                    cause)));
                })
                .timeout(ANSWER_SECONDS, TimeUnit.SECONDS)
                .recover(cause -> Future.failedFuture(
                        cause instanceof StoreException ? cause : StoreException.of("serve the API", cause)))
                .mapEmpty();
    }

    /**
     * Runs a request's work in one transaction; a future that fails rolls it back.
     *
     * @param what completes the sentence "cannot ..."
     */
    public <T> Future<T> within(Acting acting, String what, Function<TenantJobs, Future<T>> work) {
        return transaction(
                acting, BECOME_TENANT, what, connection -> work.apply(new TenantJobs(connection, schema, acting)));
    }

    /**
     * Runs an operator's work in one transaction that no tenant binds: whoever calls has asked for the permission. The
     * audit log still says for whom it was.
     *
     * @param what completes the sentence "cannot ..."
     */
    public <T> Future<T> unbound(Acting acting, String what, Function<Operations, Future<T>> work) {
        return transaction(acting, BECOME_OPERATOR, what, connection -> work.apply(new Operations(connection, schema)));
    }

    private <T> Future<T> transaction(
            Acting acting, String become, String what, Function<SqlConnection, Future<T>> work) {
        return pool.withTransaction(
                        connection -> become(connection, become, acting).compose(bound -> work.apply(connection)))
                .timeout(ANSWER_SECONDS, TimeUnit.SECONDS)
                .recover(cause -> Future.failedFuture(
                        cause instanceof StoreException || StoreException.isDatabase(cause)
                                ? StoreException.of(what, cause)
                                : cause));
    }

    private static Future<Void> become(SqlConnection connection, String become, Acting acting) {
        String actor = acting.actor() == null ? "" : acting.actor().toString();
        return connection
                .preparedQuery(become)
                .execute(Tuple.of(acting.tenant().toString(), actor, acting.requestId(), acting.traceparent()))
                .mapEmpty();
    }
}
