package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClientOptions;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.data.Interval;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Claims, leases and outcomes: one line per {@code app_jobs} function. Any context may call; the future completes on the
 * caller's context and fails with a {@link StoreException} only. Nothing is retried here.
 */
public final class JobStore {

    /** Characters of an error message that are kept. */
    private static final int MESSAGE_LENGTH = 2000;

    private static final int CONNECT_TIMEOUT_MS = 5_000;

    /** A connection silent for so long is closed: an idle one costs a reconnect, a half-open one stops being believed. */
    private static final int SILENCE_SECONDS = 60;

    /** Has something to commit, so that its commit waits for the disk, and with it whatever was committed before. */
    private static final String FLUSH = "pg_logical_emit_message(true, 'postern', '') is null";

    private static final String WAKE_OTHERS = "select pg_notify('" + JobNotifications.JOBS_CHANNEL + "', '')";

    private final Statements statements;
    private final String claimJobs;
    private final String wakeWorkers;
    private final String nextDue;
    private final String nextDueBehindClaim;
    private final String finishJobs;
    private final String renewLeases;
    private final String lostLeases;
    private final String releaseLeases;
    private final String reapLeases;
    private final String reportProgress;
    private final String pruneHistory;
    private final String pruneTicks;
    private final String pruneDeadLetters;
    private final String pruneRequests;
    private final String reportWorker;
    private final String forgetWorker;

    /** Calls the functions of the given schema through the pool, which stays the caller's to close. */
    public JobStore(Pool pool, String schema) {
        this.statements = new Statements(pool);
        this.claimJobs = "select c.id, c.attempt, c.lease_token, c.database_id, c.queue_name, c.task_identifier,"
                + " c.payload, c.max_attempts, c.actor_id, c.entity_id, c.request_id, c.traceparent,"
                + " c.priority, c.run_at"
                + " from " + schema + ".claim_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true) as c";
        this.wakeWorkers = "select " + schema + ".wake_workers()";
        this.nextDue = "select " + schema + ".next_due()";
        this.nextDueBehindClaim = nextDue + ", " + FLUSH;
        this.finishJobs = "select element, verdict from " + schema + ".finish_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        this.renewLeases = "select job_id from " + schema + ".renew_leases($1, $2, $3, $4)";
        this.lostLeases = "select job_id, verdict from " + schema + ".lost_leases($1, $2, $3)";
        this.releaseLeases = "select released from " + schema + ".release_leases($1, $2, $3) as released";
        this.reapLeases =
                "select job_id, task_identifier, attempt, worker_id, waited, dead from " + schema + ".reap_leases($1)";
        this.reportProgress =
                "select verdict, lease_expires_at from " + schema + ".report_progress($1, $2, $3, $4, $5)";
        this.pruneHistory =
                "select dropped, deleted, blocked from " + schema + ".prune_history($1, make_interval(secs => $2))";
        this.pruneTicks = "select " + schema + ".prune_ticks(make_interval(secs => $1), $2)";
        this.pruneDeadLetters = "select count(*) from " + schema
                + ".purge_dead_letters(died_before => clock_timestamp() - make_interval(secs => $1), max_jobs => $2)";
        this.pruneRequests = "select " + schema + ".prune_requests(make_interval(secs => $1), $2)";
        this.reportWorker = "select " + schema + ".report_worker($1, $2, $3, $4, $5)";
        this.forgetWorker = "select " + schema + ".forget_worker($1)";
    }

    /** A pool for the stores of one process. It connects on first use and reconnects by itself. */
    public static Pool pool(Vertx vertx, DatabaseConfig config, String applicationName) {
        return PgBuilder.pool()
                .with(new PoolOptions().setMaxSize(config.poolSize()).setConnectionTimeout(10))
                .with(new NetClientOptions()
                        .setConnectTimeout(CONNECT_TIMEOUT_MS)
                        .setTcpKeepAlive(true)
                        .setIdleTimeout(SILENCE_SECONDS))
                .connectingTo(config.connectOptions(applicationName))
                .using(vertx)
                .build();
    }

    /**
     * Claims up to {@code limit} due jobs for a worker. A claim that is not full may be taken back by a crash of Postgres
     * until a later commit has reached the disk, that of {@link #nextDueBehindClaim} at the latest: its jobs are then
     * claimed again, with the same attempt and another lease token. Last attempts are on disk when they are handed over.
     *
     * @param worker id of this incarnation of the worker, at least 4 characters
     * @param tasks the task identifiers it takes; empty for all
     * @param limit how many at most, at least 1
     * @param lease how long they are its own unless renewed
     * @param allowances how many at most of single tasks, 0 for none; tasks that are not named are not restricted
     * @param after where to go on in a long line of jobs; null to begin anew, which must happen now and then, because
     *     what lies before that place may be passed by
     * @param awake within what time the worker promises to claim again, though nobody wakes it; null to promise nothing.
     *     A claim that comes back full has promised nothing
     */
    public Future<List<ClaimedJob>> claim(
            String worker,
            Optional<List<String>> tasks,
            int limit,
            Duration lease,
            Map<String, Integer> allowances,
            @Nullable ClaimPlace after,
            @Nullable Duration awake) {
        List<String> held = List.copyOf(allowances.keySet());
        Tuple arguments = Tuple.of(worker, array(tasks), limit, interval(lease))
                .addArrayOfString(held.isEmpty() ? null : held.toArray(String[]::new))
                .addArrayOfInteger(
                        held.isEmpty()
                                ? null
                                : held.stream().map(allowances::get).toArray(Integer[]::new))
                .addUUID(after == null ? null : after.databaseId())
                .addString(after == null ? null : after.task())
                .addInteger(after == null ? null : after.priority())
                .addOffsetDateTime(after == null ? null : after.runAt())
                .addLong(after == null ? null : after.jobId())
                .addValue(awake == null ? null : interval(awake));
        return statements
                .call(claimJobs, arguments, "claim jobs")
                .map(rows -> {
                    List<ClaimedJob> jobs = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        jobs.add(claimedJob(row));
                    }
                    return jobs;
                })
                .compose(jobs -> jobs.size() < limit && jobs.stream().anyMatch(JobStore::isLastAttempt)
                        ? statements
                                .call("select " + FLUSH, Tuple.tuple(), "flush a claim")
                                .map(jobs)
                        : Future.succeededFuture(jobs));
    }

    private static boolean isLastAttempt(ClaimedJob job) {
        return job.attempt().number() >= job.maxAttempts();
    }

    /** Wakes all workers, and leaves what any of them promised by {@code awake} as it is. */
    public Future<Void> wakeOthers() {
        return statements.call(WAKE_OTHERS, Tuple.tuple(), "wake other workers").mapEmpty();
    }

    /** Wakes all workers and takes back what any of them promised by {@code awake}. */
    public Future<Void> wakeWorkers() {
        return statements.call(wakeWorkers, Tuple.tuple(), "wake workers").mapEmpty();
    }

    /**
     * After which time there may be something to claim that there is not now, of whatever task; empty when nothing waits
     * for its time. Never negative.
     */
    public Future<Optional<Duration>> nextDue() {
        return nextDue(nextDue);
    }

    /** As {@link #nextDue}; every claim that was answered before is on disk when it is done. */
    public Future<Optional<Duration>> nextDueBehindClaim() {
        return nextDue(nextDueBehindClaim);
    }

    private Future<Optional<Duration>> nextDue(String statement) {
        return statements
                .call(statement, Tuple.tuple(), "ask for the next due job")
                .map(rows -> {
                    Double seconds = rows.iterator().next().getDouble(0);
                    return Optional.ofNullable(seconds)
                            .map(s -> Duration.ofMillis((long) Math.ceil(Math.max(0, s) * 1000)));
                });
    }

    /**
     * Offers outcomes, in one round trip and one transaction.
     *
     * @return a verdict for each, in the order of the offers
     */
    public Future<List<Verdict>> finish(List<OfferedOutcome> offers) {
        int n = offers.size();
        Long[] ids = new Long[n];
        Integer[] attempts = new Integer[n];
        UUID[] leases = new UUID[n];
        String[] outcomes = new String[n];
        Integer[] statuses = new Integer[n];
        String[] messages = new String[n];
        Double[] delays = new Double[n];
        String[] results = new String[n];
        String[] followUps = new String[n];
        for (int i = 0; i < n; i++) {
            Attempt attempt = offers.get(i).attempt();
            ids[i] = attempt.jobId();
            attempts[i] = attempt.number();
            leases[i] = attempt.lease();
            switch (offers.get(i).outcome()) {
                case Outcome.Complete o -> {
                    outcomes[i] = "complete";
                    results[i] = o.result();
                    followUps[i] = o.followUps();
                }
                case Outcome.Retry o -> {
                    outcomes[i] = "retry";
                    statuses[i] = o.status();
                    messages[i] = text(o.error());
                    delays[i] = seconds(o.notBefore());
                }
                case Outcome.Missing o -> {
                    outcomes[i] = "missing";
                    statuses[i] = o.status();
                    messages[i] = text(o.error());
                    delays[i] = seconds(o.notBefore());
                }
                case Outcome.Dead o -> {
                    outcomes[i] = "dead";
                    statuses[i] = o.status();
                    messages[i] = text(o.error());
                }
                case Outcome.Infrastructure o -> {
                    outcomes[i] = "infrastructure";
                    statuses[i] = o.status();
                    messages[i] = text(o.error());
                    delays[i] = seconds(o.notBefore());
                }
                case Outcome.Backpressure o -> {
                    outcomes[i] = "backpressure";
                    statuses[i] = o.status();
                    messages[i] = text(o.error());
                    delays[i] = seconds(o.delay());
                }
                case Outcome.Snooze o -> {
                    outcomes[i] = "snooze";
                    delays[i] = seconds(o.delay());
                }
                case Outcome.Wait o -> {
                    outcomes[i] = "wait";
                    delays[i] = seconds(o.lease());
                }
            }
        }
        Tuple arguments = Tuple.tuple()
                .addArrayOfLong(ids)
                .addArrayOfInteger(attempts)
                .addArrayOfUUID(leases)
                .addArrayOfString(outcomes)
                .addArrayOfInteger(statuses)
                .addArrayOfString(messages)
                .addArrayOfDouble(delays)
                .addArrayOfString(results)
                .addArrayOfString(followUps);
        return statements.call(finishJobs, arguments, "store outcomes").map(rows -> {
            Verdict[] verdicts = new Verdict[n];
            for (Row row : rows) {
                verdicts[row.getInteger(0) - 1] = Verdict.of(row.getString(1));
            }
            return List.of(verdicts);
        });
    }

    /**
     * Renews leases.
     *
     * @return ids of the jobs whose lease was renewed; the others' attempts are over, and {@link #lost} knows why
     */
    public Future<List<Long>> renew(Collection<Attempt> attempts, Duration lease) {
        Tuple arguments = fences(attempts).addValue(interval(lease));
        return statements.call(renewLeases, arguments, "renew leases").map(JobStore::ids);
    }

    /**
     * Asks which attempts are no longer the worker's; a read.
     *
     * @return why not, by the job's id: cancelled, stale or unknown; replay or conflict when the attempt has ended
     *     otherwise
     */
    public Future<Map<Long, Verdict>> lost(Collection<Attempt> attempts) {
        return statements
                .call(lostLeases, fences(attempts), "ask for lost leases")
                .map(rows -> {
                    Map<Long, Verdict> lost = new HashMap<>();
                    rows.forEach(row -> lost.put(row.getLong(0), Verdict.of(row.getString(1))));
                    return lost;
                });
    }

    /**
     * Gives jobs back, uncharged.
     *
     * @return ids of those that were still held
     */
    public Future<List<Long>> release(Collection<Attempt> attempts) {
        return statements
                .call(releaseLeases, fences(attempts), "release leases")
                .map(JobStore::ids);
    }

    /** Takes back up to {@code limit} jobs whose lease has expired. */
    public Future<List<ReapedLease>> reap(int limit) {
        return statements.call(reapLeases, Tuple.of(limit), "reap leases").map(rows -> {
            List<ReapedLease> reaped = new ArrayList<>(rows.size());
            for (Row row : rows) {
                reaped.add(new ReapedLease(
                        row.getLong(0),
                        row.getString(1),
                        row.getInteger(2),
                        row.getString(3),
                        row.getBoolean(4),
                        row.getBoolean(5)));
            }
            return reaped;
        });
    }

    /**
     * A function's sign of life.
     *
     * @param progress how far it is, or null for a bare heartbeat
     */
    public Future<LeaseState> reportProgress(Attempt attempt, Duration lease, @Nullable Progress progress) {
        Tuple arguments = Tuple.of(attempt.jobId(), attempt.number(), attempt.lease(), interval(lease))
                .addValue(progress == null ? null : progress.toJson());
        return statements
                .call(reportProgress, arguments, "report progress of job " + attempt.jobId())
                .map(rows -> {
                    Row row = rows.iterator().next();
                    OffsetDateTime expiresAt = row.getOffsetDateTime(1);
                    return new LeaseState(
                            Verdict.of(row.getString(0)), expiresAt == null ? null : expiresAt.toInstant());
                });
    }

    /**
     * One step of pruning: makes the coming days' partitions of a state's history and drops the oldest one that ended
     * before the retention. Call again while it removes something and is not blocked.
     *
     * @param state succeeded or cancelled
     */
    public Future<PrunedHistory> pruneHistory(String state, Duration retention) {
        return statements
                .call(pruneHistory, Tuple.of(state, seconds(retention)), "prune the history of " + state + " jobs")
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new PrunedHistory(row.getInteger(0), row.getInteger(1), row.getBoolean(2));
                });
    }

    /** Forgets up to {@code limit} taken ticks older than the retention; how many it were. */
    public Future<Integer> pruneTicks(Duration retention, int limit) {
        return statements
                .call(pruneTicks, Tuple.of(seconds(retention), limit), "forget old ticks")
                .map(rows -> rows.iterator().next().getInteger(0));
    }

    /** Purges up to {@code limit} dead letters that died before the retention; how many it were. */
    public Future<Integer> pruneDeadLetters(Duration retention, int limit) {
        return statements
                .call(pruneDeadLetters, Tuple.of(seconds(retention), limit), "purge old dead letters")
                .map(rows -> rows.iterator().next().getInteger(0));
    }

    /**
     * Forgets up to {@code limit} answers to the HTTP API's requests that are older than a day, and as many lines of its
     * audit log older than the retention; how many it were.
     */
    public Future<Integer> pruneRequests(Duration auditRetention, int limit) {
        return statements
                .call(pruneRequests, Tuple.of(seconds(auditRetention), limit), "forget old requests")
                .map(rows -> rows.iterator().next().getInteger(0));
    }

    /** Says how a worker is. For people only: nothing depends on it. */
    public Future<Void> report(WorkerReport report) {
        Tuple arguments = Tuple.tuple()
                .addString(report.workerId())
                .addArrayOfString(array(report.tasks()))
                .addInteger(report.slots())
                .addInteger(report.running())
                .addValue(report.targetsAsJson());
        return statements
                .call(reportWorker, arguments, "report worker " + report.workerId())
                .mapEmpty();
    }

    /** Takes a worker's report back when it stops. */
    public Future<Void> forget(String workerId) {
        return statements
                .call(forgetWorker, Tuple.of(workerId), "forget worker " + workerId)
                .mapEmpty();
    }

    // In the order of the statement's columns: looking one up by its name costs more than reading it.
    private static ClaimedJob claimedJob(Row row) {
        return new ClaimedJob(
                new Attempt(row.getLong(0), row.getInteger(1), row.getUUID(2)),
                row.getUUID(3),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getInteger(7),
                row.getUUID(8),
                row.getUUID(9),
                row.getString(10),
                row.getString(11),
                row.getInteger(12),
                row.getOffsetDateTime(13));
    }

    private static Tuple fences(Collection<Attempt> attempts) {
        return Tuple.tuple()
                .addArrayOfLong(attempts.stream().map(Attempt::jobId).toArray(Long[]::new))
                .addArrayOfInteger(attempts.stream().map(Attempt::number).toArray(Integer[]::new))
                .addArrayOfUUID(attempts.stream().map(Attempt::lease).toArray(UUID[]::new));
    }

    private static List<Long> ids(RowSet<Row> rows) {
        List<Long> ids = new ArrayList<>(rows.size());
        rows.forEach(row -> ids.add(row.getLong(0)));
        return ids;
    }

    private static String @Nullable [] array(Optional<List<String>> tasks) {
        return tasks.map(list -> list.toArray(String[]::new)).orElse(null);
    }

    private static Interval interval(Duration duration) {
        return Interval.of(
                0,
                0,
                (int) duration.toDays(),
                duration.toHoursPart(),
                duration.toMinutesPart(),
                duration.toSecondsPart(),
                duration.toNanosPart() / 1000);
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    // Postgres has no NUL in text; what a broken function sends must not cost the batch that it travels in.
    private static String text(String message) {
        String clean = message.replace('\0', ' ');
        return clean.length() <= MESSAGE_LENGTH ? clean : clean.substring(0, MESSAGE_LENGTH);
    }
}
