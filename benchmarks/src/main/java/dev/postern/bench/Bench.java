package dev.postern.bench;

import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/** One run: its parts, one after the other, on one lab. */
final class Bench {

    /** In this order; each can be asked for alone. */
    static final List<String> PARTS = List.of(
            "throughput",
            "idle",
            "steady",
            "enqueue",
            "workers",
            "backlog",
            "claim",
            "history",
            "callback",
            "settings",
            "memory",
            "live",
            "start-up",
            "soak");

    /** Without the one that takes an hour alone. */
    static final List<String> FULL_PARTS =
            PARTS.stream().filter(part -> !part.equals("soak")).toList();

    /** What says most in three minutes: beside the fastest peers, a backlog and one job, and a claim from a full table. */
    static final List<String> QUICK_PARTS = List.of("throughput", "idle", "claim");

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Path home;
    private final Path out;
    private final Instant at;
    private final Progress progress;

    Bench(Path home, Path out, Instant at, Progress progress) {
        this.home = home;
        this.out = Lab.directory(out);
        this.at = at;
        this.progress = progress;
    }

    Report run(Size size, List<String> wished) throws InterruptedException {
        Figures figures = new Figures();
        Report report = new Report(figures, Machine.describe(home), at, size);
        Path run = Lab.directory(out.resolve("run-" + STAMP.format(at)));
        progress.say("starting Postgres and the functions");
        try (Lab lab = Lab.open(home, out, run, progress)) {
            List<NodePeer> peers = wished.contains("throughput") || wished.contains("idle")
                    ? NodePeer.install(lab, figures)
                    : List.of();
            List<Part> parts = parts(lab, peers, size).stream()
                    .filter(part -> wished.contains(part.name()))
                    .toList();
            for (int i = 0; i < parts.size(); i++) {
                Part part = parts.get(i);
                progress.step(i + 1, parts.size(), part.name());
                try {
                    part.run(lab, size, figures);
                } catch (BenchException e) {
                    // Half an hour of other figures shall not be lost for it.
                    progress.say("not measured: " + e.getMessage());
                    figures.note(part.name() + " not measured: " + e.getMessage());
                }
                // Nor for a run that is broken off.
                report.write(out);
            }
        }
        return report;
    }

    private static List<Part> parts(Lab lab, List<NodePeer> peers, Size size) {
        Postern ours = Postern.worker(lab);
        List<Contender> all = new ArrayList<>(List.of(ours));
        all.addAll(peers);
        if (size.slowPeers()) {
            all.add(new DbScheduler(lab));
        } else {
            all.removeIf(contender -> contender.name().equals(NodePeer.CONSTRUCTIVE));
        }
        return List.of(
                new ThroughputPart(all),
                new IdlePart(
                        ours,
                        peers.stream()
                                .filter(peer -> peer.kind() == NodePeer.Kind.GRAPHILE_WORKER)
                                .map(NodePeer::forLatency)
                                .findFirst()),
                new SteadyPart(ours),
                new EnqueuePart(ours),
                new WorkersPart(ours),
                new BacklogPart(ours),
                new ClaimPart(ours),
                new HistoryPart(ours),
                new CallbackPart(ours),
                new SettingsPart(ours),
                new MemoryPart(ours),
                new LivePart(ours),
                new StartupPart(),
                new SoakPart(ours));
    }
}
