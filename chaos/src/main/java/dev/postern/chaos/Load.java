package dev.postern.chaos;

import dev.postern.chaos.Event.Added;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Sessions that add jobs of all sorts: plain, of queues, with keys, for later, many at once; of several tenants and
 * priorities. What they add is the seed's; what arrives depends on the faults. While the database is away they try
 * again, and make up for nothing.
 */
final class Load implements AutoCloseable {

    private static final int SESSIONS = 4;
    private static final int TENANTS = 4;
    private static final int QUEUES = 5;
    private static final int KEYS = 15;
    private static final int BATCH = 12;
    /** What one round adds on average, by the shares below. */
    private static final double JOBS_A_ROUND = 0.94 + 0.06 * BATCH;

    private static final String ADD = """
            select a.id
            from app_jobs.add_job(
              db_id => ?, identifier => ?, payload => ?::json, job_key => ?, queue_name => ?,
              run_at => now() + make_interval(secs => ?), max_attempts => ?, priority => ?) a""";
    private static final String ADD_MANY = """
            with numbers (low, high, tenant, attempts) as (values (?::bigint, ?::bigint, ?::uuid, ?::int))
            select a.job_id as id, s.low + a.element - 1 as n
            from numbers s
            cross join lateral app_jobs.add_jobs(
              s.tenant,
              (select json_agg(
                json_build_object(
                  'task', 'many', 'payload', json_build_object('n', n), 'max_attempts', s.attempts)
                order by n)
              from generate_series(s.low, s.high) as n)) a""";

    private final ChaosPostgres postgres;
    private final long seed;
    private final Recorder recorder;
    private final InstantSource clock;
    private final long pauseMs;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    Load(ChaosPostgres postgres, long seed, int jobsPerSecond, Recorder recorder, InstantSource clock) {
        this.postgres = postgres;
        this.seed = seed;
        this.recorder = recorder;
        this.clock = clock;
        this.pauseMs = Math.max(1, (long) (1_000 * SESSIONS * JOBS_A_ROUND / jobsPerSecond));
    }

    void start() {
        for (int i = 0; i < SESSIONS; i++) {
            int session = i + 1;
            threads.add(Thread.ofVirtual().name("load-" + session).start(() -> add(session)));
        }
    }

    private void add(int session) {
        SplittableRandom random = new SplittableRandom(seed * 31 + session);
        long number = session * 100_000_000L;
        try (SqlSession sql = new SqlSession(postgres)) {
            while (!stopped) {
                int sort = random.nextInt(100);
                if (sort < 6) {
                    addMany(sql, random, number);
                    number += BATCH;
                } else {
                    addOne(sql, random, sort, ++number);
                }
                Thread.sleep(pauseMs / 2 + random.nextLong(pauseMs + 1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void addMany(SqlSession sql, SplittableRandom random, long number) {
        sql.tried(
                        row -> new Added(clock.instant(), row.getLong(1), row.getLong(2)),
                        ADD_MANY,
                        number + 1,
                        number + BATCH,
                        SqlSession.tenant(1 + random.nextInt(TENANTS)),
                        maxAttempts(random))
                .ifPresent(added -> added.forEach(recorder::saw));
    }

    private void addOne(SqlSession sql, SplittableRandom random, int sort, long number) {
        @Nullable String queue = sort >= 6 && sort < 28 ? "queue-" + random.nextInt(QUEUES) : null;
        @Nullable String key = sort >= 28 && sort < 40 ? "key-" + random.nextInt(KEYS) : null;
        double delay = sort >= 40 && sort < 52 || key != null ? random.nextDouble() * 8 : 0;
        sql.tried(
                        row -> new Added(clock.instant(), row.getLong(1), number),
                        ADD,
                        SqlSession.tenant(1 + random.nextInt(TENANTS)),
                        queue != null ? "queued" : key != null ? "keyed" : delay > 0 ? "delayed" : "plain",
                        "{\"n\": " + number + "}",
                        key,
                        queue,
                        delay,
                        maxAttempts(random),
                        random.nextInt(4) - 1)
                .ifPresent(added -> added.forEach(recorder::saw));
    }

    private static int maxAttempts(SplittableRandom random) {
        return 2 + random.nextInt(4);
    }

    /** Adds no more; returns when the sessions have ended. */
    @Override
    public void close() {
        stopped = true;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
