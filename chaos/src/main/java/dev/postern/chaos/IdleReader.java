package dev.postern.chaos;

import dev.postern.chaos.Event.Dispatched;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * What a transaction costs that somebody opened and forgot: dead rows cannot be taken away while it may still want to
 * see them. Measures, and asserts nothing: throughput with a backlog that never ends, and the buffers that one claim of
 * ten jobs touches, before, during and after. The claims that are measured are rolled back.
 */
final class IdleReader {

    private static final int BACKLOG = 1_000;
    private static final int SAMPLE_EVERY_MS = 2_000;

    /** Enough for autovacuum to have come by some times. */
    private static final Duration AROUND_MOST = Duration.ofMinutes(5);

    private static final String FEED = """
            select count(added.id)
            from (
              select greatest(0, %d - count(*)) as missing
              from app_jobs.jobs j
              where j.locked_at is null) room
            cross join lateral generate_series(1, room.missing) as n
            -- The payload makes the call depend on n: else it is made once and its row repeated.
            cross join lateral app_jobs.add_job(?, 'idle-reader', json_build_object('reader', n)) as added""".formatted(BACKLOG);
    private static final String CLAIM = """
            explain (analyze, buffers, format json)
            select * from app_jobs.claim_jobs('idle-reader', null, 10, interval '1 minute')""";
    private static final String DEAD_ROWS = """
            select s.n_dead_tup from pg_stat_user_tables s where s.relid = 'app_jobs.jobs'::regclass""";

    private final ChaosSystem system;
    private final Recorder recorder;
    private final InstantSource clock;
    private final PrintStream out;

    private IdleReader(ChaosSystem system, Recorder recorder, InstantSource clock, PrintStream out) {
        this.system = system;
        this.recorder = recorder;
        this.clock = clock;
        this.out = out;
    }

    /** One look at the database. */
    private record Sample(long buffers, long microseconds) {}

    static int run(Path directory, Duration open, InstantSource clock, PrintStream out)
            throws InterruptedException, IOException, SQLException {
        Recorder recorder = new Recorder();
        try (ChaosSystem system = ChaosSystem.create(directory, 0, Duration.ofSeconds(30), recorder, clock)) {
            Runtime.getRuntime().addShutdownHook(new Thread(system::close, "shutdown"));
            system.function().behave();
            out.println("starting three processes; their logs are in " + directory.resolve("logs"));
            system.start();
            new IdleReader(system, recorder, clock, out).measure(open);
            return 0;
        }
    }

    private void measure(Duration open) throws InterruptedException, SQLException {
        Duration around = open.dividedBy(2).compareTo(AROUND_MOST) < 0 ? open.dividedBy(2) : AROUND_MOST;
        out.printf(
                "%-10s %8s %10s %22s %22s %12s%n",
                "reader", "seconds", "jobs/s", "claim buffers med/max", "claim us med/max", "dead rows");
        phase("before", around);
        try (Connection reader = system.postgres().connect();
                Statement statement = reader.createStatement()) {
            reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            reader.setAutoCommit(false);
            statement.execute("select count(*) from app_jobs.jobs");
            phase("open", open);
        }
        phase("after", around);
    }

    private void phase(String name, Duration length) throws InterruptedException, SQLException {
        List<Sample> samples = new ArrayList<>();
        long dispatchedBefore = recorder.count(Dispatched.class);
        Instant began = clock.instant();
        Instant end = began.plus(length);
        Instant nextSample = began;
        long deadRows = 0;
        try (SqlSession sql = new SqlSession(system.postgres())) {
            while (clock.instant().isBefore(end)) {
                sql.number(FEED, SqlSession.tenant(1));
                if (!clock.instant().isBefore(nextSample)) {
                    samples.add(sample());
                    deadRows = sql.number(DEAD_ROWS);
                    nextSample = nextSample.plusMillis(SAMPLE_EVERY_MS);
                }
                Thread.sleep(50);
            }
        }
        double seconds = Duration.between(began, clock.instant()).toMillis() / 1000.0;
        long dispatched = recorder.count(Dispatched.class) - dispatchedBefore;
        out.printf(
                "%-10s %8.0f %10.0f %22s %22s %12d%n",
                name,
                seconds,
                dispatched / seconds,
                medianAndMax(samples.stream().map(Sample::buffers).sorted().toList()),
                medianAndMax(samples.stream().map(Sample::microseconds).sorted().toList()),
                deadRows);
    }

    private Sample sample() throws SQLException {
        try (Connection connection = system.postgres().connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            // The first claim of a session reads the catalogue and plans.
            statement.execute(CLAIM);
            connection.rollback();
            StringBuilder json = new StringBuilder();
            try (var rows = statement.executeQuery(CLAIM)) {
                while (rows.next()) {
                    json.append(rows.getString(1));
                }
            }
            connection.rollback();
            JsonObject explained = new JsonArray(json.toString()).getJsonObject(0);
            JsonObject plan = explained.getJsonObject("Plan");
            return new Sample(plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks"), (long)
                    (explained.getDouble("Execution Time") * 1000));
        }
    }

    private static String medianAndMax(List<Long> sorted) {
        return sorted.get(sorted.size() / 2) + " / " + sorted.getLast();
    }
}
