package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;

/** As many jobs from under deeper and deeper backlogs, by one worker that is warm. */
final class BacklogPart implements Part {

    private static final String SECTION = "backlog";

    private final Postern ours;

    BacklogPart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        int shallow = 20_000;
        List<Integer> depths = new ArrayList<>(List.of(shallow, 100_000));
        if (size.deepBacklog() > 100_000) {
            depths.add(size.deepBacklog());
        }
        List<Series> rates = new ArrayList<>();
        for (int depth : depths) {
            List<Double> turns = new ArrayList<>();
            // The deepest takes a minute to add; its spread within a run is small.
            int most = depth > 100_000 ? Math.min(2, size.repeats()) : size.repeats();
            for (int turn = 1; turn <= most; turn++) {
                lab.progress().say(depth + " jobs, turn " + turn + " of " + most);
                Database database = ours.prepare();
                try (Child worker = ours.start(database)) {
                    Drain drain = new Drain(lab, ours, database, List.of(worker));
                    drain.all(size.warmUp());
                    turns.add(drain.part(depth, shallow * 9 / 10).jobsPerSecond());
                } finally {
                    lab.postgres().drop(database);
                }
            }
            rates.add(new Series(turns));
            figures.add(SECTION, "Postern, the first 18,000 of " + depth, "jobs/s", rates.getLast());
        }
        figures.add(
                SECTION,
                depths.getLast() + " / " + shallow,
                "×",
                rates.getLast().over(rates.getFirst()),
                Target.atLeast(0.95).noting("no fall"));
    }
}
