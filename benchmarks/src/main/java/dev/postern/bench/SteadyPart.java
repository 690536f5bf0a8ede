package dev.postern.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * An open load at half of what the same worker did with a backlog: jobs are added at planned moments, whether earlier
 * ones are done or not. Every 5 ms one add_jobs: a commit for each job would measure the disk's flushes.
 */
final class SteadyPart implements Part {

    private static final String SECTION = "steady load";
    private static final int SENDERS = 8;
    private static final long TICK_NANOS = 5_000_000;
    private static final double SHARE = 0.5;

    private final Postern ours;

    SteadyPart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return "steady";
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        List<Double> rates = new ArrayList<>();
        List<Latency> receipts = new ArrayList<>();
        List<Latency> outcomes = new ArrayList<>();
        Database database = ours.prepare();
        try (Child worker = ours.start(database)) {
            Drain drain = new Drain(lab, ours, database, List.of(worker));
            drain.all(size.warmUp());
            double most = drain.all(size.backlog()).jobsPerSecond();
            int jobsATick = (int) Math.max(1, Math.round(most * SHARE * TICK_NANOS / 1e9));
            load(lab, database, jobsATick, Math.max(2, size.seconds() / 4), new Latency(), new Latency());
            for (int turn = 1; turn <= size.repeats(); turn++) {
                lab.progress().say(jobsATick * 200 + " jobs/s, turn " + turn + " of " + size.repeats());
                Latency receipt = new Latency();
                Latency outcome = new Latency();
                rates.add(load(lab, database, jobsATick, size.seconds(), receipt, outcome));
                receipts.add(receipt);
                outcomes.add(outcome);
            }
        } finally {
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "offered, half of the most", "jobs/s", new Series(rates));
        for (double percent : new double[] {50, 95, 99}) {
            String p = ", p" + (int) percent;
            Series receipt = percentiles(receipts, percent);
            if (percent == 99) {
                figures.add(SECTION, "Postern, commit to receipt" + p, "ms", receipt, Target.atMost(25));
            } else {
                figures.add(SECTION, "Postern, commit to receipt" + p, "ms", receipt);
            }
            figures.add(SECTION, "Postern, commit to accepted outcome" + p, "ms", percentiles(outcomes, percent));
        }
    }

    private static Series percentiles(List<Latency> turns, double percent) {
        return Series.of(turns.stream()
                .mapToDouble(latency -> latency.percentile(percent))
                .toArray());
    }

    /** Returns the jobs a second that were really added. */
    private static double load(Lab lab, Database database, int jobsATick, int seconds, Latency receipt, Latency outcome)
            throws InterruptedException {
        lab.functions().reset(true);
        int ticks = (int) (seconds * 1_000_000_000L / TICK_NANOS);
        Plan plan = new Plan(database, ticks, jobsATick, System.nanoTime() + 100_000_000L);
        List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < SENDERS; i++) {
            int first = i;
            senders.add(Thread.ofPlatform().name("sender-" + i).start(() -> plan.send(first)));
        }
        for (Thread sender : senders) {
            sender.join();
        }
        plan.check();
        lab.functions().await((long) ticks * jobsATick);
        while (database.holds("exists (select 1 from app_jobs.jobs)")) {
            Thread.sleep(20);
        }
        Map<Long, Long> stamps = lab.functions().stamps();
        stamps.forEach((n, at) -> receipt.add(plan.corrected((int) (n / jobsATick), at)));
        for (Map.Entry<Long, Long> accepted : accepted(database, plan.run).entrySet()) {
            outcome.add(plan.corrected((int) (accepted.getKey() / jobsATick), accepted.getValue()));
        }
        if (outcome.count() != (long) ticks * jobsATick) {
            throw new BenchException(
                    outcome.count() + " of " + (long) ticks * jobsATick + " jobs have an accepted outcome");
        }
        return (double) ticks * jobsATick / seconds;
    }

    // By the commit of the row's transaction; the flush, which the worker waits for too, comes just after.
    private static Map<Long, Long> accepted(Database database, String run) {
        long ahead = Clocks.wallAhead();
        Map<Long, Long> accepted = new HashMap<>();
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select (h.payload ->> 'n')::bigint,"
                        + " (extract(epoch from pg_xact_commit_timestamp(h.xmin)) * 1000000)::bigint"
                        + " from app_jobs.job_history h where h.payload ->> 'run' = '" + run + "'")) {
            while (rows.next()) {
                accepted.put(rows.getLong(1), rows.getLong(2) * 1_000 - ahead);
            }
            return accepted;
        } catch (SQLException e) {
            throw new BenchException("cannot read the history: " + e.getMessage(), e);
        }
    }

    /** Which jobs are added when, and when they were. Each tick belongs to one sender. */
    private static final class Plan {

        private final Database database;
        private final int jobsATick;
        private final long begin;
        private final String run;
        private final long[] sent;
        private final long[] committed;
        private volatile String failure = "";

        Plan(Database database, int ticks, int jobsATick, long begin) {
            this.database = database;
            this.jobsATick = jobsATick;
            this.begin = begin;
            this.run = Long.toString(begin);
            this.sent = new long[ticks];
            this.committed = new long[ticks];
        }

        void send(int first) {
            try (Connection connection = database.connect();
                    PreparedStatement add = connection.prepareStatement("""
                            select count(*) from app_jobs.add_jobs(?::uuid, (
                              select json_agg(json_build_object(
                                'task', 'noop', 'payload', json_build_object('n', n, 'run', ?::text)))
                              from generate_series(?::int, ?::int) n))""")) {
                add.setString(1, Postern.TENANT);
                add.setString(2, run);
                for (int tick = first; tick < sent.length; tick += SENDERS) {
                    add.setInt(3, tick * jobsATick);
                    add.setInt(4, (tick + 1) * jobsATick - 1);
                    long planned = begin + tick * TICK_NANOS;
                    for (long now = System.nanoTime(); now < planned; now = System.nanoTime()) {
                        LockSupport.parkNanos(planned - now);
                    }
                    sent[tick] = System.nanoTime();
                    add.execute();
                    committed[tick] = System.nanoTime();
                }
            } catch (SQLException e) {
                failure = e.toString();
            }
        }

        void check() {
            if (!failure.isEmpty()) {
                throw new BenchException("cannot add jobs: " + failure);
            }
        }

        long corrected(int tick, long at) {
            return Latency.corrected(begin + tick * TICK_NANOS, sent[tick], committed[tick], at);
        }
    }
}
