package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** A backlog drained through HTTP, by each contender in turn, between the limits of the machine. */
final class ThroughputPart implements Part {

    private static final String SECTION = "throughput";

    /** Until the compiler has seen enough of the client. */
    private static final int HTTP_WARM_UP = 50_000;

    private final List<Contender> contenders;

    /** The first is ours; the others are what it is compared with. */
    ThroughputPart(List<Contender> contenders) {
        this.contenders = List.copyOf(contenders);
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        List<Turns> all = contenders.stream().map(Turns::new).toList();
        List<Double> postgres = new ArrayList<>();
        List<Double> http = new ArrayList<>();
        try (Limits limits = new Limits(lab)) {
            lab.progress().say("warming up");
            limits.httpAlone(HTTP_WARM_UP);
            for (int turn = 1; turn <= size.turns(); turn++) {
                String when = ", turn " + turn + " of " + size.turns();
                for (Turns turns : all) {
                    lab.progress().say(turns.contender.name() + when);
                    turns.measure(lab, size, figures);
                }
                lab.progress().say("Postgres alone" + when);
                postgres.add(limits.postgresAlone(size.backlog()));
                lab.progress().say("HTTP alone" + when);
                http.add(limits.httpAlone(size.backlog()));
            }
        }
        List<Turns> measured =
                all.stream().filter(turns -> !turns.measured.isEmpty()).toList();
        if (measured.isEmpty() || measured.getFirst() != all.getFirst()) {
            throw new BenchException("Postern was not measured; the notes say why");
        }
        report(measured, new Series(postgres), new Series(http), figures);
    }

    /** @param deadTuples that updates and deletes left, per job */
    private record Measured(Drain.Result drain, double deadTuples) {}

    private static Measured turn(Lab lab, Contender contender, Size size, Figures figures) throws InterruptedException {
        Database database = contender.prepare();
        try {
            Drain drain;
            Drain.Result result;
            try (Child worker = contender.start(database)) {
                drain = new Drain(lab, contender, database, List.of(worker));
                drain.all(contender.backlog(size.warmUp()));
                result = drain.all(contender.backlog(size.backlog()));
            }
            if (result.calls() > contender.backlog(size.backlog())) {
                figures.note(contender.name() + " called the function for "
                        + (result.calls() - contender.backlog(size.backlog())) + " jobs twice");
            }
            return new Measured(result, deadTuples(database) / drain.added());
        } finally {
            lab.postgres().drop(database);
        }
    }

    // Sessions tell what they have done when they end.
    private static double deadTuples(Database database) throws InterruptedException {
        while (database.holds("exists (select 1 from pg_stat_activity a where a.datname = current_database()"
                + " and a.pid <> pg_backend_pid() and a.backend_type = 'client backend')")) {
            Thread.sleep(20);
        }
        return database.number("select sum(t.n_tup_upd + t.n_tup_del) from pg_stat_user_tables t");
    }

    /** What one contender did. */
    private static final class Turns {

        private final Contender contender;
        private final List<Measured> measured = new ArrayList<>();
        private boolean failed;

        Turns(Contender contender) {
            this.contender = contender;
        }

        /** One turn; who fails once has no more turns, and the others go on. */
        void measure(Lab lab, Size size, Figures figures) throws InterruptedException {
            if (failed) {
                return;
            }
            try {
                measured.add(turn(lab, contender, size, figures));
            } catch (BenchException e) {
                failed = true;
                figures.note(contender.name() + ": " + e.getMessage());
            }
        }

        Series series(ToDoubleFunction<Measured> value) {
            return Series.of(measured.stream().mapToDouble(value).toArray());
        }

        Series rate() {
            return series(turn -> turn.drain().jobsPerSecond());
        }

        void cost(Figures figures, String what, String unit, ToDoubleFunction<Measured> value) {
            figures.add("cost", contender.name() + ", " + what, unit, series(value));
        }
    }

    private static void report(List<Turns> all, Series postgres, Series http, Figures figures) {
        for (Turns turns : all) {
            figures.add(SECTION, turns.contender.name(), "jobs/s", turns.rate());
        }
        Series limit = postgres.after(http);
        figures.add(SECTION, "Postgres alone", "jobs/s", postgres);
        figures.add(SECTION, "HTTP alone", "jobs/s", http);
        figures.add(SECTION, "combined limit", "jobs/s", limit);
        Turns ours = all.getFirst();
        for (Turns peer : all.subList(1, all.size())) {
            String name = ours.contender.name() + " / " + peer.contender.name();
            Series ratio = ours.rate().over(peer.rate());
            target(peer.contender)
                    .ifPresentOrElse(
                            bound -> figures.add(SECTION, name, "×", ratio, bound),
                            () -> figures.add(SECTION, name, "×", ratio));
        }
        figures.add(
                SECTION,
                ours.contender.name() + " / combined limit",
                "×",
                ours.rate().over(limit),
                Target.atLeast(0.6));
        for (Turns turns : all) {
            turns.cost(figures, "CPU worker", "s/1k jobs", turn -> turn.drain().workerCpu());
            turns.cost(
                    figures, "CPU functions", "s/1k jobs", turn -> turn.drain().functionsCpu());
            turns.cost(
                    figures, "CPU Postgres", "s/1k jobs", turn -> turn.drain().postgresCpu());
            turns.cost(figures, "memory", "MB", turn -> turn.drain().residentMb());
            turns.cost(figures, "WAL", "bytes/job", turn -> turn.drain().walBytes());
            turns.cost(figures, "dead tuples", "per job", Measured::deadTuples);
        }
    }

    private static Optional<Target> target(Contender peer) {
        return switch (peer.name()) {
            case NodePeer.GRAPHILE, NodePeer.PG_BOSS, DbScheduler.NAME ->
                Optional.of(Target.atLeast(1).noting("goal 1.2"));
            case NodePeer.CONSTRUCTIVE -> Optional.of(Target.atLeast(35));
            default -> Optional.empty();
        };
    }
}
