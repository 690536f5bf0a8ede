package dev.postern.sql;

import dev.postern.sql.TenantJobs.Found;
import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What has changed of many jobs at once, of any tenant: whoever asks has decided who may see them. Any context may call;
 * the future completes on the caller's context and fails with a {@link StoreException} only.
 */
public final class LiveJobs {

    private final Statements statements;
    private final String changed;

    /** Reads the given schema through the pool, which stays the caller's to close. */
    public LiveJobs(Pool pool, String schema) {
        this.statements = new Statements(pool);
        this.changed = "select " + TenantJobs.columns(schema) + " from " + schema + ".watch_jobs($1, $2) a";
    }

    /**
     * Those that have changed.
     *
     * @param versions by job, what was seen last; an empty text for nothing yet
     */
    public Future<List<Found>> changed(Map<Long, String> versions) {
        List<Long> ids = new ArrayList<>(versions.keySet());
        Tuple arguments = Tuple.tuple()
                .addArrayOfLong(ids.toArray(Long[]::new))
                .addArrayOfString(ids.stream().map(versions::get).toArray(String[]::new));
        return statements.call(changed, arguments, "watch jobs").map(rows -> {
            List<Found> found = new ArrayList<>(rows.size());
            rows.forEach(row -> found.add(TenantJobs.found(row)));
            return found;
        });
    }
}
