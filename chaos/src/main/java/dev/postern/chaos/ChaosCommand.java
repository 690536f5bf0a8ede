package dev.postern.chaos;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Starts a system of its own, breaks it, and judges what is left. */
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Starts a system of its own (Postgres, three processes, a function server that misbehaves), loads and"
                        + " breaks it by a seed, and checks the history of what happened: docs/reliability.md.")
final class ChaosCommand implements Callable<Integer> {

    private final Path data;
    private final InstantSource clock;
    private final RandomGenerator random;

    @Option(names = "--minutes", paramLabel = "N", description = "How long things are broken; 1 if left out.")
    double minutes = 1;

    @Option(
            names = "--faults",
            paramLabel = "N",
            description = "Instead: so many faults; 12 are every kind once and two kills.")
    int faults;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description =
                    "Decides load, faults and behaviour of functions, not how threads interleave; random if left out.")
    @Nullable
    Long seed;

    @Option(names = "--jobs-per-second", paramLabel = "R", description = "How many jobs are added; 50 if left out.")
    int jobsPerSecond = 50;

    @Option(
            names = "--rolling",
            paramLabel = "N",
            description = "Instead: N restarts by SIGTERM, one process after the other, and no other fault.")
    int rolling;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            description = "How long a process may take from SIGTERM to its end; 30, as in Kubernetes, if left out.")
    int grace = 30;

    @Option(
            names = "--idle-reader",
            paramLabel = "MINUTES",
            description = "Instead: what an idle transaction costs that stays open so long.")
    double idleReader;

    ChaosCommand(Path data, InstantSource clock, RandomGenerator random) {
        this.data = data;
        this.clock = clock;
        this.random = random;
    }

    @Override
    public Integer call() throws Exception {
        PrintStream out = System.out;
        long chosen = seed == null ? random.nextInt(1, 1_000_000) : seed;
        out.println("seed " + chosen);
        Path directory = data.resolve("seed-" + chosen + "-" + clock.millis());
        if (idleReader > 0) {
            return IdleReader.run(directory, Duration.ofMillis((long) (idleReader * 60_000)), clock, out);
        }
        String repeat = "./postern chaos " + what() + " --seed " + chosen + " --jobs-per-second " + jobsPerSecond;
        ChaosRun.Settings settings =
                new ChaosRun.Settings(chosen, jobsPerSecond, Duration.ofSeconds(grace), directory, repeat);
        try (ChaosRun run = new ChaosRun(settings, clock, out::println)) {
            ChaosRun.Result result = rolling > 0
                    ? run.restartTimes(rolling)
                    : faults > 0 ? run.breakTimes(faults) : run.breakFor(Duration.ofMillis((long) (minutes * 60_000)));
            out.print(result.report());
            out.println("logs: " + directory.resolve("logs"));
            return result.violations().isEmpty() ? 0 : 1;
        }
    }

    private String what() {
        if (rolling > 0) {
            return "--rolling " + rolling;
        }
        return faults > 0 ? "--faults " + faults : "--minutes " + minutes;
    }
}
