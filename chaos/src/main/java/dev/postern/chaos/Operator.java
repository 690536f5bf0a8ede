package dev.postern.chaos;

import dev.postern.chaos.Event.Cancelled;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What people do meanwhile: cancel jobs in every state, try dead letters again, keep schedules. */
final class Operator implements AutoCloseable {

    private static final long PAUSE_MS = 250;

    private static final String CANCEL = """
            select c.id
            from app_jobs.cancel_job((
              select j.id from app_jobs.jobs j
              where app_jobs.job_state(j) = ?
              order by hashint8(j.id + ?)
              limit 1)) c
            where c.id is not null""";
    private static final String TRY_AGAIN = """
            select r.job_id as id
            from app_jobs.replay_dead_letters(replayed_by => 'chaos', max_jobs => 3) r""";
    private static final String SCHEDULE = """
            select s.id
            from app_jobs.add_scheduled_job(
              ?, 'scheduled', '{}'::json,
              json_build_object('rule', ?::text, 'start', now(), 'end', now() + interval '1 day')) s""";

    private final ChaosPostgres postgres;
    private final long seed;
    private final Recorder recorder;
    private final InstantSource clock;
    private final AtomicInteger replayed = new AtomicInteger();
    private volatile boolean stopped;
    private @Nullable Thread thread;

    Operator(ChaosPostgres postgres, long seed, Recorder recorder, InstantSource clock) {
        this.postgres = postgres;
        this.seed = seed;
        this.recorder = recorder;
        this.clock = clock;
    }

    void start() throws SQLException {
        try (SqlSession sql = new SqlSession(postgres)) {
            sql.number(SCHEDULE, SqlSession.tenant(1), "*/2 * * * * *");
            sql.number(SCHEDULE, SqlSession.tenant(2), "*/3 * * * * *");
        }
        thread = Thread.ofVirtual().name("operator").start(this::operate);
    }

    /** How many dead letters were tried again. */
    int replayed() {
        return replayed.get();
    }

    private void operate() {
        SplittableRandom random = new SplittableRandom(seed * 37);
        try (SqlSession sql = new SqlSession(postgres)) {
            while (!stopped) {
                switch (random.nextInt(8)) {
                    case 0, 1 -> cancel(sql, "running", random);
                    case 2 -> cancel(sql, "waiting", random);
                    case 3 -> cancel(sql, "retrying", random);
                    case 4 -> cancel(sql, "scheduled", random);
                    case 5 -> cancel(sql, "ready", random);
                    case 6 -> cancel(sql, "dead", random);
                    default ->
                        sql.tried(row -> row.getLong(1), TRY_AGAIN)
                                .ifPresent(again -> replayed.addAndGet(again.size()));
                }
                Thread.sleep(PAUSE_MS + random.nextLong(PAUSE_MS));
            }
            sql.tried(row -> row.getLong(1), "delete from app_jobs.scheduled_jobs returning id");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void cancel(SqlSession sql, String state, SplittableRandom random) {
        sql.tried(row -> new Cancelled(clock.instant(), row.getLong(1)), CANCEL, state, random.nextLong(1_000_000))
                .ifPresent(cancelled -> cancelled.forEach(recorder::saw));
    }

    /** Does no more, and takes the schedules away. */
    @Override
    public void close() {
        stopped = true;
        Thread operating = thread;
        if (operating != null) {
            try {
                operating.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
