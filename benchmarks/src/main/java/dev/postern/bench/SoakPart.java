package dev.postern.bench;

import java.time.Duration;

/**
 * A worker that has 1,000 jobs in flight all the time, payloads of 10 KB and a function that takes ten seconds: does its
 * memory stay where it is, and is everything done in the end?
 */
final class SoakPart implements Part {

    private static final String SECTION = "soak";
    private static final int AT_ONCE = 500;
    private static final long LOOK_MS = 1_000;
    private static final int SAY_EVERY = 30;

    private final Postern ours;

    SoakPart(Postern ours) {
        this.ours = MemoryPart.busy(ours, "long");
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        ResidentMemory memory;
        FunctionServer.Count count;
        int added = 0;
        try (Child worker = ours.start(database)) {
            lab.functions().reset(false);
            memory = new ResidentMemory(worker);
            Duration length = Duration.ofMinutes(size.soakMinutes());
            long began = System.nanoTime();
            for (long look = 0; System.nanoTime() - began < length.toNanos(); look++) {
                count = lab.functions().count();
                if (added - count.received() < AT_ONCE) {
                    MemoryPart.enqueueLarge(ours, database, added, AT_ONCE);
                    added += AT_ONCE;
                }
                if (look % SAY_EVERY == 0) {
                    lab.progress()
                            .say(Duration.ofNanos(System.nanoTime() - began).toMinutes() + " of " + length.toMinutes()
                                    + " minutes, " + count.received() + " jobs called");
                }
                Thread.sleep(LOOK_MS);
                memory.look();
            }
            worker.await(() -> !database.holds(ours.unfinished()));
            count = lab.functions().count();
        } finally {
            lab.postgres().drop(database);
        }
        memory.report(figures, SECTION);
        figures.add(SECTION, "jobs", "jobs", Series.of(added));
        figures.add(SECTION, "calls", "calls", Series.of(count.received()));
        figures.add(SECTION, "calls open at once", "calls", Series.of(count.mostInFlight()));
    }
}
