package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;

/** A function that answers 202 and reports by a second call: the way of Constructive's functions. */
final class CallbackPart implements Part {

    private static final String SECTION = "callback";

    private final Postern ours;

    CallbackPart(Postern ours) {
        this.ours = ours.with("POSTERN_ROLES", "worker,callback").calling("later");
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        List<Double> rates = new ArrayList<>();
        try (Child worker = ours.start(database)) {
            Drain drain = new Drain(lab, ours, database, List.of(worker));
            drain.all(size.warmUp() / 2);
            for (int turn = 1; turn <= size.repeats(); turn++) {
                lab.progress().say("turn " + turn + " of " + size.repeats());
                rates.add(drain.all(size.backlog() / 2).jobsPerSecond());
            }
        } finally {
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "Postern, 202 and a report", "jobs/s", new Series(rates));
    }
}
