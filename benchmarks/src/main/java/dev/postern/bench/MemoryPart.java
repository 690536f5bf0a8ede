package dev.postern.bench;

/** Resident memory of a worker with 1,000 jobs in flight, payloads of 10 KB, and a function that takes a second. */
final class MemoryPart implements Part {

    private static final String SECTION = "memory";
    private static final int IN_FLIGHT = 1_000;
    private static final long LOOK_MS = 50;

    private final Postern ours;

    MemoryPart(Postern ours) {
        this.ours =
                ours.with("POSTERN_CONCURRENCY", Integer.toString(IN_FLIGHT)).calling("hold");
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        int jobs = IN_FLIGHT * size.seconds();
        double most = 0;
        double idle;
        FunctionServer.Count count;
        try (Child worker = ours.start(database)) {
            idle = Proc.residentMb(worker.pid());
            ours.enqueue(database, 0, jobs, "json_build_object('n', n, 'filler', repeat('x', 10000))");
            do {
                Thread.sleep(LOOK_MS);
                most = Math.max(most, Proc.residentMb(worker.pid()));
                count = lab.functions().count();
            } while (count.received() < jobs || database.holds(ours.unfinished()));
        } finally {
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "Postern, started", "MB", Series.of(idle));
        figures.add(SECTION, "Postern, most of " + jobs + " jobs", "MB", Series.of(most), Target.atMost(250));
        figures.add(SECTION, "calls open at once", "calls", Series.of(count.mostInFlight()));
    }
}
