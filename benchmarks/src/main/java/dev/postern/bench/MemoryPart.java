package dev.postern.bench;

/** Resident memory of a worker with 1,000 jobs in flight, payloads of 10 KB, and a function that takes a second. */
final class MemoryPart implements Part {

    private static final String SECTION = "memory";
    private static final int IN_FLIGHT = 1_000;
    private static final long LOOK_MS = 50;

    private final Postern ours;

    MemoryPart(Postern ours) {
        this.ours = busy(ours, "hold");
    }

    /** A worker that has 1,000 calls open as long as there are jobs, of a function that takes its time. */
    static Postern busy(Postern ours, String function) {
        return ours.with("POSTERN_CONCURRENCY", Integer.toString(IN_FLIGHT)).calling(function);
    }

    /** Adds jobs with payloads of 10 KB. */
    static void enqueueLarge(Postern ours, Database database, int first, int jobs) {
        ours.enqueue(database, first, jobs, "json_build_object('n', n, 'filler', repeat('x', 10000))");
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        int jobs = IN_FLIGHT * size.seconds();
        ResidentMemory memory;
        FunctionServer.Count count;
        try (Child worker = ours.start(database)) {
            lab.functions().reset(false);
            memory = new ResidentMemory(worker);
            enqueueLarge(ours, database, 0, jobs);
            do {
                Thread.sleep(LOOK_MS);
                memory.look();
                count = lab.functions().count();
            } while (count.received() < jobs || database.holds(ours.unfinished()));
        } finally {
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "Postern, started", "MB", Series.of(memory.started()));
        figures.add(SECTION, "Postern, most of " + jobs + " jobs", "MB", Series.of(memory.most()), Target.atMost(250));
        figures.add(SECTION, "calls open at once", "calls", Series.of(count.mostInFlight()));
    }
}
