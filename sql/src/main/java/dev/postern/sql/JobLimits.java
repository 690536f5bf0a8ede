package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What holds jobs back: pauses, caps, rates, weights and priority classes. For people.
 * Any context may call; the future completes on the caller's context and fails with a {@link StoreException} only.
 */
public final class JobLimits {

    /** The tenant whose settings speak for every tenant that has none of its own; a pause of it is nobody's. */
    public static final UUID EVERY_TENANT = new UUID(0, 0);

    private static final int LIMITS_MAX = 100;

    private final Statements statements;
    private final String pause;
    private final String paused;
    private final String resume;
    private final String limits;
    private final String classes;

    /** Uses the given schema through the pool, which stays the caller's to close. */
    public JobLimits(Pool pool, String schema) {
        this.statements = new Statements(pool);
        this.pause = "select " + schema + ".pause_jobs($1, $2, $3, $4)";
        this.paused = "select p.paused_by, p.paused_at from ("
                + "select s.paused_by, s.paused_at from " + schema + ".task_settings s where s.task_identifier = $1"
                + " union all select q.paused_by, q.paused_at from " + schema
                + ".paused_queues q where q.database_id = $2 and q.queue_name = $3"
                + " union all select t.paused_by, t.paused_at from " + schema
                + ".tenant_settings t where t.database_id = $2 and $3::text is null"
                + ") as p where p.paused_at is not null";
        this.resume = "select " + schema + ".resume_jobs($1, $2, $3)";
        // A tenant whose row only keeps the bucket of everybody's rate has no setting of its own.
        this.limits =
                "select l.task, l.tenant, l.queue, l.paused_at, l.paused_by, l.weight, l.max_running, l.rate, l.burst"
                        + " from (select s.task_identifier as task, null::uuid as tenant, null::text as queue, s.paused_at,"
                        + " s.paused_by, null::double precision as weight, s.max_running, s.rate_per_second as rate,"
                        + " s.rate_burst as burst from " + schema + ".task_settings s"
                        + " union all select null, t.database_id, null, t.paused_at, t.paused_by, t.weight, t.max_running,"
                        + " t.rate_per_second, t.rate_burst from " + schema + ".tenant_settings t"
                        + " union all select null, q.database_id, q.queue_name, q.paused_at, q.paused_by, null, null, null, null"
                        + " from " + schema + ".paused_queues q) as l"
                        + " where coalesce(l.paused_at::text, l.weight::text, l.max_running::text, l.rate::text) is not null"
                        + " order by l.paused_at is null, l.task, l.tenant, l.queue limit $1";
        this.classes = "select c.name, c.up_to, c.weight from " + schema + ".priority_classes c order by c.up_to";
    }

    /**
     * What may be paused or limited: a task, or a tenant, or a queue of a tenant.
     *
     * @param tenant null with a task
     * @param queue null unless it is a queue of the tenant
     */
    public record Scope(
            @Nullable String task,
            @Nullable UUID tenant,
            @Nullable String queue) {

        @Override
        public String toString() {
            if (task != null) {
                return "task " + task;
            }
            if (queue != null) {
                return "queue " + queue + " of tenant " + tenant;
            }
            return "tenant " + tenant;
        }
    }

    /** Who paused something, and when. */
    public record Pause(String by, OffsetDateTime at) {}

    /**
     * What is set for a scope; what is null is not.
     *
     * @param maxRunning how many of its jobs may be leased at once
     * @param ratePerSecond how many may start a second
     * @param burst how many may start at once after a quiet time; the rate, at least 1, where it is null
     */
    public record Limit(
            Scope scope,
            @Nullable Pause pause,
            @Nullable Double weight,
            @Nullable Integer maxRunning,
            @Nullable Double ratePerSecond,
            @Nullable Integer burst) {}

    /** A range of priorities that shares the claims by weight. */
    public record PriorityClass(String name, int upTo, double weight) {}

    /**
     * Pauses, unless it is paused already.
     *
     * @return the pause that holds now, perhaps an earlier one of somebody else; empty when one was ended meanwhile
     */
    public Future<Optional<Pause>> pause(Scope scope, String by) {
        Tuple arguments =
                Tuple.of(by).addValue(scope.task()).addValue(scope.tenant()).addValue(scope.queue());
        return statements
                .call(pause, arguments, "pause " + scope)
                .compose(done -> statements.call(paused, tuple(scope), "look up the pause of " + scope))
                .map(rows -> rows.iterator().hasNext()
                        ? Optional.of(new Pause(
                                rows.iterator().next().getString(0),
                                rows.iterator().next().getOffsetDateTime(1)))
                        : Optional.empty());
    }

    /** Ends a pause; whether there was one. */
    public Future<Boolean> resume(Scope scope) {
        return statements
                .call(resume, tuple(scope), "resume " + scope)
                .map(rows -> rows.iterator().next().getBoolean(0));
    }

    /** What is paused, then what is limited or weighed; the first hundred. */
    public Future<List<Limit>> limits() {
        return statements.call(limits, Tuple.of(LIMITS_MAX), "look up limits").map(rows -> {
            List<Limit> result = new ArrayList<>(rows.size());
            rows.forEach(row -> result.add(new Limit(
                    new Scope(row.getString(0), row.getUUID(1), row.getString(2)),
                    row.getOffsetDateTime(3) == null ? null : new Pause(row.getString(4), row.getOffsetDateTime(3)),
                    row.getDouble(5),
                    row.getInteger(6),
                    row.getDouble(7),
                    row.getInteger(8))));
            return result;
        });
    }

    /** The priority classes, the most urgent first. */
    public Future<List<PriorityClass>> priorityClasses() {
        return statements
                .call(classes, Tuple.tuple(), "look up priority classes")
                .map(rows -> {
                    List<PriorityClass> result = new ArrayList<>(rows.size());
                    rows.forEach(row ->
                            result.add(new PriorityClass(row.getString(0), row.getInteger(1), row.getDouble(2))));
                    return result;
                });
    }

    private static Tuple tuple(Scope scope) {
        return Tuple.tuple().addValue(scope.task()).addValue(scope.tenant()).addValue(scope.queue());
    }
}
