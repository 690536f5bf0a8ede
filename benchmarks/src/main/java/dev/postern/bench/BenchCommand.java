package dev.postern.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures everything, or some parts, and prints a table. */
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Measures how fast Postern is, in turns with its peers and the limits of this machine:"
                + " docs/performance.md. Needs Linux and Node; peers for Node come by npm.")
final class BenchCommand implements Callable<Integer> {

    private final Path home;
    private final InstantSource clock;

    @Option(
            names = "--quick",
            description = "At most three minutes instead of about an hour: three parts, one turn, more noise.")
    boolean quick;

    @Option(names = "--only", paramLabel = "PART", split = ",", description = "Some parts; --list names them.")
    List<String> only = List.of();

    @Option(names = "--list", description = "Names the parts and leaves.")
    boolean list;

    @Option(names = "--turns", paramLabel = "N", description = "Turns of each contender; 3, or 1 with --quick.")
    @Nullable
    Integer turns;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where results, logs and peers go; .postern/bench beside the launcher if left out.")
    @Nullable
    Path out;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    BenchCommand(Path home, InstantSource clock) {
        this.home = home;
        this.clock = clock;
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintStream console = System.out;
        if (list) {
            Bench.PARTS.forEach(console::println);
            return 0;
        }
        List<String> unknown = new ArrayList<>(only);
        unknown.removeAll(Bench.PARTS);
        if (!unknown.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "no part is called " + unknown + "; there are " + Bench.PARTS);
        }
        int wished = turns == null ? (quick ? 1 : 3) : turns;
        if (wished < 1) {
            throw new ParameterException(spec.commandLine(), "--turns is at least 1, not " + wished);
        }
        if (!Files.isReadable(Path.of("/proc/self/stat"))) {
            throw new BenchException("processor time and memory are read from /proc, which only Linux has");
        }
        Path directory = (out == null ? home.resolve(".postern/bench") : out)
                .toAbsolutePath()
                .normalize();
        Progress progress = new Progress(System.err, onTerminal(), clock);
        Bench bench = new Bench(home, directory, clock.instant().truncatedTo(ChronoUnit.SECONDS), progress);
        List<String> parts = !only.isEmpty() ? only : quick ? Bench.QUICK_PARTS : Bench.FULL_PARTS;
        Report report = bench.run(quick ? Size.quick(wished) : Size.full(wished), parts);
        progress.end();
        console.print(report.table());
        report.write(directory).forEach(file -> console.println("written: " + file));
        return 0;
    }

    // System.console() tells of input and output together, and not the same in every JDK.
    private static boolean onTerminal() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString().matches("/dev/(pts/|tty).*");
        } catch (IOException e) {
            return false;
        }
    }
}
