package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;

/** As many jobs out of deeper and deeper backlogs, by one worker that is warm. */
final class BacklogPart implements Part {

    private static final String SECTION = "backlog";
    private static final int PASSED = 20_000;
    private static final int MEASURED = 18_000;

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
        List<List<Double>> rates =
                depths.stream().<List<Double>>map(depth -> new ArrayList<>()).toList();
        // The deepest takes a minute to add; its spread within a run is small.
        int turns = Math.min(2, size.repeats());
        for (int turn = 1; turn <= turns; turn++) {
            // One worker for all depths of a turn: how far the JVM has come decides more than the depth does.
            Database database = ours.prepare();
            try (Child worker = ours.start(database)) {
                Drain drain = new Drain(lab, ours, database, List.of(worker));
                drain.all(size.warmUp());
                for (int i = 0; i < depths.size(); i++) {
                    drain.rest();
                    lab.progress().say(depths.get(i) + " jobs, turn " + turn + " of " + turns);
                    rates.get(i)
                            .add(drain.part(PASSED + depths.get(i), PASSED, MEASURED)
                                    .jobsPerSecond());
                }
            } finally {
                lab.postgres().drop(database);
            }
        }
        List<Series> series = rates.stream().map(Series::new).toList();
        for (int i = 0; i < depths.size(); i++) {
            figures.add(SECTION, "Postern, " + MEASURED + " of " + depths.get(i), "jobs/s", series.get(i));
        }
        figures.add(
                SECTION,
                depths.getLast() + " / " + shallow,
                "×",
                series.getLast().over(series.getFirst()),
                Target.atLeast(0.95).noting("no fall"));
    }
}
