package dev.postern.chaos;

import dev.postern.service.config.Setting;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.TcpProxy;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The place of one job-service process: its ports, its line to the database, its log. Processes come and go; the place
 * stays. Who breaks something about it holds its {@link #breaking} lock.
 */
final class WorkerSlot implements AutoCloseable {

    /** A JVM on a machine that is very busy. */
    private static final Duration STARTUP = Duration.ofMinutes(5);

    private static final long LOOK_MS = 100;

    /** Held while a fault of this slot lasts, so that another one waits for its turn. */
    final ReentrantLock breaking = new ReentrantLock();

    private final String name;
    private final TcpProxy line;
    private final Map<String, String> environment;
    private final Optional<Path> wrongClock;
    private final Path log;
    private final int httpPort;
    private final HttpClient client = HttpClient.newHttpClient();
    private volatile @Nullable Process process;
    private volatile boolean closed;

    /** An end by SIGTERM. */
    record Exit(int code, Duration took) {}

    /**
     * Starts nothing yet.
     *
     * @param settings of the process, without those that the slot knows
     * @param wrongClock library that gives it a clock which is minutes late; empty for the machine's
     */
    WorkerSlot(
            String name,
            TcpProxy line,
            DatabaseConfig database,
            Map<String, String> settings,
            Optional<Path> wrongClock,
            Path logs) {
        this.name = name;
        this.line = line;
        this.wrongClock = wrongClock;
        this.log = logs.resolve(name + ".log");
        this.httpPort = StablePort.any();
        this.environment = new HashMap<>(settings);
        environment.putAll(Map.of(
                "HOSTNAME",
                name,
                "DATABASE_URL",
                "postgres://" + database.user() + "@127.0.0.1:" + line.port() + "/" + database.database()
                        + "?sslmode=disable",
                "POSTERN_HTTP_PORT",
                Integer.toString(httpPort),
                "POSTERN_BIND_HOST",
                "127.0.0.1",
                "POSTERN_LOG",
                "text",
                "POSTERN_MIGRATE",
                "false"));
    }

    String name() {
        return name;
    }

    /** Its connections to the database. */
    TcpProxy line() {
        return line;
    }

    /** Where its processes write. */
    Path log() {
        return log;
    }

    /** Starts a process; the slot must be empty. Does not wait for it to be ready. */
    void start() {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx192m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.postern.service.Main",
                "serve"));
        ProcessBuilder builder = new ProcessBuilder(command);
        // What the user has set is for another system.
        Setting.ALL.forEach(setting -> builder.environment().remove(setting.name()));
        builder.environment().putAll(environment);
        wrongClock.ifPresent(library -> builder.environment().putAll(sevenMinutesBehind(library)));
        File out = log.toFile();
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(out));
        try {
            Process started = builder.start();
            process = started;
            if (closed) {
                started.destroyForcibly();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + name, e);
        }
    }

    /** Waits until {@code /readyz} says so. */
    void awaitReady() throws InterruptedException {
        long deadline = System.nanoTime() + STARTUP.toNanos();
        while (!ready()) {
            Process running = running();
            if (running.waitFor(LOOK_MS, TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException(
                        name + " ended with " + running.exitValue() + " instead of starting; its log is " + log);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException(name + " does not become ready; its log is " + log);
            }
        }
    }

    private boolean ready() throws InterruptedException {
        return answers("/readyz", Duration.ofSeconds(5));
    }

    /** Whether it says that it lives, however long it takes. */
    boolean alive() throws InterruptedException {
        return answers("/healthz", Duration.ofMinutes(1));
    }

    private boolean answers(String path, Duration patience) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + path))
                .timeout(patience)
                .build();
        try {
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** {@code kill -9}, and waits until it is gone. */
    void kill() throws InterruptedException {
        running().destroyForcibly().waitFor();
    }

    /** SIGTERM; empty when it has not ended in that time, and was killed. */
    Optional<Exit> terminate(Duration grace) throws InterruptedException {
        Process ending = running();
        long began = System.nanoTime();
        ending.destroy();
        if (!ending.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
            ending.destroyForcibly().waitFor();
            return Optional.empty();
        }
        return Optional.of(new Exit(ending.exitValue(), Duration.ofNanos(System.nanoTime() - began)));
    }

    /** SIGSTOP. */
    void freeze() {
        Signals.send("STOP", running().pid());
    }

    /** SIGCONT. */
    void thaw() {
        Signals.send("CONT", running().pid());
    }

    private Process running() {
        Process running = process;
        if (running == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return running;
    }

    @Override
    public void close() {
        closed = true;
        Process running = process;
        if (running != null) {
            running.destroyForcibly();
            try {
                running.waitFor(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        line.close();
    }

    // The wall clock only. Without the last one every wait with a time-out returns at once and a processor is kept
    // busy.
    private static Map<String, String> sevenMinutesBehind(Path library) {
        return Map.of(
                "LD_PRELOAD", library.toString(),
                "FAKETIME", "-7m",
                "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                "FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }
}
