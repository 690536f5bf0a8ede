package dev.postern.bench;

import java.util.List;

/**
 * A backlog that is worked off: workers are stopped (SIGSTOP) while it is added, so that all find it whole and warm.
 * Counted from the first call to the last outcome in the database.
 */
final class Drain {

    private static final long LOOK_MS = 5;
    private static final long SAY_EVERY = 200;

    private final Lab lab;
    private final Contender contender;
    private final Database database;
    private final List<Child> workers;
    private int added;

    /**
     * What it took.
     *
     * @param workerCpu seconds per 1,000 jobs, of all workers together; the others alike
     * @param walBytes per job, from the first claim to the last outcome
     * @param calls of the function; more than jobs when some were made twice
     */
    record Result(
            double jobsPerSecond,
            double workerCpu,
            double functionsCpu,
            double postgresCpu,
            double walBytes,
            double residentMb,
            long calls) {}

    Drain(Lab lab, Contender contender, Database database, List<Child> workers) {
        this.lab = lab;
        this.contender = contender;
        this.database = database;
        this.workers = List.copyOf(workers);
    }

    /** How many jobs it has added so far. */
    int added() {
        return added;
    }

    /** Adds so many and measures until the last has its outcome. */
    Result all(int jobs) throws InterruptedException {
        return part(jobs, 0, jobs);
    }

    /**
     * Adds so many, lets some pass and measures those after them; the workers go on with those left. What they do right
     * after they were stopped for long is no figure: the JVM compiles anew, on one processor of two.
     */
    Result part(int jobs, int passed, int measured) throws InterruptedException {
        workers.forEach(Child::freeze);
        try {
            contender.enqueue(database, added, jobs);
            added += jobs;
            // Nobody shall be measured with a plan that knows nothing; what that costs is a part of its own.
            database.execute("analyze");
            database.execute("checkpoint");
            lab.functions().reset(false);
        } catch (RuntimeException e) {
            workers.forEach(Child::thaw);
            throw e;
        }
        Spent before = spent();
        workers.forEach(Child::thaw);
        if (passed > 0) {
            awaitCalls(passed);
            lab.functions().reset(false);
            before = spent();
        }
        FunctionServer.Count count = awaitCalls(measured);
        if (measured == jobs) {
            rest();
        }
        double seconds = (System.nanoTime() - count.firstNanos()) / 1e9;
        long done = measured == jobs ? jobs : count.received();
        double thousands = done / 1_000.0;
        Spent after = spent();
        return new Result(
                done / seconds,
                (after.workerCpu - before.workerCpu) / thousands,
                (after.functionsCpu - before.functionsCpu) / thousands,
                (after.postgresCpu - before.postgresCpu) / thousands,
                (after.walBytes - before.walBytes) / done,
                workers.stream()
                        .mapToDouble(worker -> Proc.residentMb(worker.pid()))
                        .max()
                        .orElseThrow(),
                count.received());
    }

    /** Waits until all that was added has its outcome. */
    void rest() throws InterruptedException {
        while (database.holds(contender.unfinished())) {
            Thread.sleep(LOOK_MS);
            workers.forEach(Child::checkAlive);
        }
    }

    private FunctionServer.Count awaitCalls(int jobs) throws InterruptedException {
        long before = -1;
        int still = 0;
        for (long look = 1; ; look++) {
            FunctionServer.Count count = lab.functions().count();
            if (count.received() >= jobs) {
                return count;
            }
            workers.forEach(Child::checkAlive);
            if (look % SAY_EVERY == 0) {
                lab.progress().say(contender.name() + " " + count.received() + " of " + jobs + " jobs");
                still = count.received() == before ? still + 1 : 0;
                before = count.received();
                if (still > 30) {
                    throw new BenchException(contender.name() + " stands still at " + before + " of " + jobs + " jobs");
                }
            }
            Thread.sleep(LOOK_MS);
        }
    }

    /** So far: seconds of processor time, and bytes. */
    private record Spent(double workerCpu, double functionsCpu, double postgresCpu, double walBytes) {}

    private Spent spent() {
        return new Spent(
                workers.stream()
                        .mapToDouble(worker -> Proc.cpuSeconds(worker.pid()))
                        .sum(),
                Proc.cpuSeconds(lab.functions().pid()),
                lab.postgres().cpuSeconds(),
                database.number("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"));
    }
}
