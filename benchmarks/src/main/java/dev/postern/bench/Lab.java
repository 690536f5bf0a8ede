package dev.postern.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a run stands on: a Postgres, the functions, directories, and every process that it has started. */
final class Lab implements AutoCloseable {

    private final Path home;
    private final Path out;
    private final Path logs;
    private final Progress progress;
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Postgres postgres;
    private final FunctionServer functions;
    private int started;
    private boolean closed;

    private Lab(Path home, Path out, Path run, Progress progress) throws InterruptedException {
        this.home = home;
        this.out = out;
        this.progress = progress;
        this.logs = directory(run.resolve("logs"));
        // Before anything runs that it would have to end.
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "bench-shutdown"));
        Path data = run.resolve("postgres");
        // Pushed first, so that it goes last.
        keep(() -> remove(data));
        this.postgres = keep(Postgres.start(data));
        this.functions =
                keep(FunctionServer.start(resource("functions.mjs", directory(run)), logs.resolve("functions.log")));
    }

    /**
     * Starts what every part needs.
     *
     * @param home the checkout
     * @param out where peers are installed, for this run and later ones
     * @param run for what this run alone leaves
     */
    static Lab open(Path home, Path out, Path run, Progress progress) throws InterruptedException {
        return new Lab(home, out, run, progress);
    }

    Path home() {
        return home;
    }

    Path out() {
        return out;
    }

    Progress progress() {
        return progress;
    }

    Postgres postgres() {
        return postgres;
    }

    FunctionServer functions() {
        return functions;
    }

    /** A file of this run's own, beside its logs. */
    Path scratch(String name) {
        return logs.resolveSibling(name);
    }

    /** The command that starts a jar of the checkout. */
    List<String> java(List<String> flags, String jar) {
        Path file = home.resolve(jar);
        if (!Files.isRegularFile(file)) {
            throw new BenchException(file + " is missing; './postern' builds it, or 'mvn package' does");
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-jar", file.toString()));
        return command;
    }

    /** Starts a process whose log is named after it. */
    Child start(String name, List<String> command, Map<String, String> environment) {
        return keep(Child.start(name, command, environment, logs.resolve(name + "-" + ++started + ".log")));
    }

    private synchronized <T extends AutoCloseable> T keep(T thing) {
        open.push(thing);
        return thing;
    }

    /** Writes a file of the class path into a directory. */
    static Path resource(String name, Path directory) {
        Path file = directory.resolve(name);
        try (InputStream in = Lab.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new BenchException(name + " is not on the class path");
            }
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        } catch (IOException e) {
            throw new BenchException("cannot write " + file, e);
        }
    }

    private static void remove(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    static Path directory(Path directory) {
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw new BenchException("cannot make " + directory, e);
        }
    }

    /** Ends everything, the last that was started first; twice is fine. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                // The others must be ended all the same.
                System.err.println("postern: " + e.getMessage());
            }
        }
    }
}
