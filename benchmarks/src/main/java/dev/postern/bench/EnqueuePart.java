package dev.postern.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** What it costs to add jobs: by one session, by 64, in batches; the trigger's NOTIFY in turns with none. */
final class EnqueuePart implements Part {

    private static final String SECTION = "enqueue";
    private static final int MANY = 64;
    private static final int BATCH = 1_000;
    private static final String ONE =
            "select (app_jobs.add_job('" + Postern.TENANT + "', 'noop', json_build_object('n', 1))).id";
    private static final String BATCHED = "select count(*) from app_jobs.add_jobs('" + Postern.TENANT
            + "', (select json_agg(json_build_object('task', 'noop', 'payload', json_build_object('n', n)))"
            + " from generate_series(1, " + BATCH + ") n))";

    private final Postern ours;

    EnqueuePart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return "enqueue";
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        try {
            measure(lab, size, database, figures, "no worker");
            database.execute("truncate app_jobs.jobs");
            try (Child worker = ours.start(database)) {
                new Drain(lab, ours, database, List.of(worker)).all(size.warmUp());
                measure(lab, size, database, figures, "worker beside");
            }
        } finally {
            lab.postgres().drop(database);
        }
    }

    private static void measure(Lab lab, Size size, Database database, Figures figures, String where)
            throws InterruptedException {
        for (int writers : new int[] {1, MANY}) {
            InTurns found = inTurns(lab, size, database, writers, ONE, 1, where);
            String name = writers + (writers == 1 ? " writer" : " writers") + ", " + where;
            found.report(figures, name, writers == MANY);
        }
        inTurns(lab, size, database, 1, BATCHED, BATCH, where)
                .report(figures, "batches of " + BATCH + ", " + where, false);
    }

    private record InTurns(Series with, Series without) {

        void report(Figures figures, String name, boolean judged) {
            figures.add(SECTION, name, "jobs/s", with);
            figures.add(SECTION, name + ", no NOTIFY", "jobs/s", without);
            if (judged) {
                figures.add(SECTION, name + ", with / without", "×", with.over(without), Target.atLeast(0.95));
            }
        }
    }

    private static InTurns inTurns(
            Lab lab, Size size, Database database, int writers, String statement, int jobs, String where)
            throws InterruptedException {
        List<Double> with = new ArrayList<>();
        List<Double> without = new ArrayList<>();
        // Many short turns: the ratio that is asked for is finer than the noise of one.
        int turns = Math.max(4, 2 * size.repeats());
        try (Writers load = new Writers(database, writers, statement)) {
            load.count(500);
            for (int turn = 0; turn < turns; turn++) {
                lab.progress().say(writers + " x " + jobs + ", " + where + ", turn " + (turn + 1) + " of " + turns);
                // Each goes first as often: tables grow from turn to turn.
                for (boolean notify : turn % 2 == 0 ? new boolean[] {true, false} : new boolean[] {false, true}) {
                    load.between(() -> database.execute(
                            "alter table app_jobs.jobs " + (notify ? "enable" : "disable") + " trigger notify_jobs"));
                    load.count(150);
                    (notify ? with : without).add(jobs * load.count(size.seconds() * 50));
                }
            }
        } finally {
            database.execute("alter table app_jobs.jobs enable trigger notify_jobs");
        }
        return new InTurns(new Series(with), new Series(without));
    }

    /** Sessions that run one statement again and again, each in a transaction of its own. */
    private static final class Writers implements AutoCloseable {

        private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock(true);
        private final LongAdder done = new LongAdder();
        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean stopped;
        private volatile String failure = "";

        Writers(Database database, int writers, String statement) {
            for (int i = 0; i < writers; i++) {
                threads.add(Thread.ofPlatform().name("writer-" + i).start(() -> write(database, statement)));
            }
        }

        private void write(Database database, String statement) {
            try (Connection connection = database.connect();
                    PreparedStatement add = connection.prepareStatement(statement)) {
                while (!stopped) {
                    gate.readLock().lock();
                    try {
                        add.execute();
                    } finally {
                        gate.readLock().unlock();
                    }
                    done.increment();
                }
            } catch (SQLException e) {
                failure = e.toString();
            }
        }

        /** Statements a second over so many milliseconds. */
        double count(int ms) throws InterruptedException {
            long before = done.sum();
            long began = System.nanoTime();
            Thread.sleep(ms);
            if (!failure.isEmpty()) {
                throw new BenchException("cannot add jobs: " + failure);
            }
            return (done.sum() - before) / ((System.nanoTime() - began) / 1e9);
        }

        /** Does it while none runs a statement; a change of the table would wait for all of them, and they for it. */
        void between(Runnable change) {
            gate.writeLock().lock();
            try {
                change.run();
            } finally {
                gate.writeLock().unlock();
            }
        }

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
}
