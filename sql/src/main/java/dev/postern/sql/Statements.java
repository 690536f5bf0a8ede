package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.util.concurrent.TimeUnit;

/**
 * How every store of this package calls the database: prepared, bounded in time, and failing with a
 * {@link StoreException} only.
 */
record Statements(Pool pool) {

    /** A statement of these takes milliseconds; one that takes so long is on a dead connection or behind a lock. */
    private static final long ANSWER_SECONDS = 10;

    /** Runs a statement; {@code what} completes the sentence "cannot ...". */
    Future<RowSet<Row>> call(String sql, Tuple arguments, String what) {
        return pool.preparedQuery(sql)
                .execute(arguments)
                .timeout(ANSWER_SECONDS, TimeUnit.SECONDS)
                .recover(cause -> Future.failedFuture(StoreException.of(what, cause)));
    }
}
