package dev.postern.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Default settings beside others that somebody might hope for: nobody should need to tune. */
final class SettingsPart implements Part {

    private static final String SECTION = "settings";

    private final Map<String, Postern> variants = new LinkedHashMap<>();

    SettingsPart(Postern ours) {
        variants.put("default", ours);
        for (String concurrency : List.of("128", "256")) {
            variants.put("concurrency " + concurrency, ours.with("POSTERN_CONCURRENCY", concurrency));
        }
        variants.put(
                "concurrency 256, pool 12",
                ours.with("POSTERN_CONCURRENCY", "256").with("POSTERN_POOL_SIZE", "12"));
        variants.put("targets not protected", ours.with("POSTERN_PROTECT_TARGETS", "false"));
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        for (int turn = 1; turn <= size.repeats(); turn++) {
            for (Map.Entry<String, Postern> variant : variants.entrySet()) {
                lab.progress().say(variant.getKey() + ", turn " + turn + " of " + size.repeats());
                Postern postern = variant.getValue();
                Database database = postern.prepare();
                try (Child worker = postern.start(database)) {
                    Drain drain = new Drain(lab, postern, database, List.of(worker));
                    drain.all(size.warmUp());
                    rates.computeIfAbsent(variant.getKey(), ignored -> new ArrayList<>())
                            .add(drain.all(size.backlog()).jobsPerSecond());
                } finally {
                    lab.postgres().drop(database);
                }
            }
        }
        List<Series> all = new ArrayList<>();
        rates.forEach((name, turns) -> {
            all.add(new Series(turns));
            figures.add(SECTION, "Postern, " + name, "jobs/s", all.getLast());
        });
        // The settings that are fastest on the whole, not the luckiest of each turn.
        Series fastest = Collections.max(all, Comparator.comparingDouble(Series::median));
        figures.add(SECTION, "default / fastest", "×", all.getFirst().over(fastest), Target.atLeast(0.7));
    }
}
