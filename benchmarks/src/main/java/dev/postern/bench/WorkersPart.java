package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;

/** One, two and four workers on one backlog: do they stand in each other's way? */
final class WorkersPart implements Part {

    private static final String SECTION = "workers";

    private final Postern ours;

    WorkersPart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        List<Child> workers = new ArrayList<>();
        List<Series> rates = new ArrayList<>();
        try {
            int added = 0;
            for (int number : new int[] {1, 2, 4}) {
                while (workers.size() < number) {
                    workers.add(ours.start(database));
                }
                lab.progress().say(number + " of 4");
                Drain drain = new Drain(lab, ours, database, workers);
                // Each has its own compiler, and gets its share of the jobs only.
                drain.all(size.warmUp() * number);
                List<Double> turns = new ArrayList<>();
                for (int turn = 0; turn < size.repeats(); turn++) {
                    turns.add(drain.all(size.backlog()).jobsPerSecond());
                }
                rates.add(new Series(turns));
                figures.add(SECTION, number + (number == 1 ? " worker" : " workers"), "jobs/s", rates.getLast());
                added += drain.added();
            }
            long history = (long) database.number("select count(*) from app_jobs.job_history");
            if (history != added) {
                throw new BenchException("of " + added + " jobs " + history + " are in the history");
            }
        } finally {
            workers.forEach(Child::close);
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "4 workers / 1", "×", rates.get(2).over(rates.get(0)), Target.atLeast(1));
    }
}
