package dev.postern.service;

import dev.postern.sql.DatabaseConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A command of {@code Main} as a real process, to be killed. */
final class ServiceProcess implements AutoCloseable {

    final List<String> output = new CopyOnWriteArrayList<>();
    private final Process process;
    private final CountDownLatch ready = new CountDownLatch(1);
    private final Thread reader;

    private ServiceProcess(Process process) {
        this.process = process;
        reader = Thread.ofVirtual().start(this::read);
    }

    /** {@code serve} on a database. */
    static ServiceProcess serve(DatabaseConfig database, Map<String, String> others) {
        return start(environment(database, others), "serve");
    }

    /** A command of another release, from its jar. */
    static ServiceProcess ofJar(Path jar, DatabaseConfig database, Map<String, String> others, String... arguments) {
        return start(List.of("-jar", jar.toString()), environment(database, others), arguments);
    }

    private static Map<String, String> environment(DatabaseConfig database, Map<String, String> others) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "PGHOST", database.host(),
                "PGPORT", Integer.toString(database.port()),
                "PGUSER", database.user(),
                "PGPASSWORD", database.password(),
                "PGDATABASE", database.database(),
                "POSTERN_HTTP_PORT", "0",
                "POSTERN_API_PORT", "0",
                "POSTERN_BIND_HOST", "127.0.0.1",
                "POSTERN_LOG", "text"));
        environment.putAll(others);
        return environment;
    }

    static ServiceProcess start(Map<String, String> environment, String... arguments) {
        return start(
                List.of("-cp", System.getProperty("java.class.path"), "dev.postern.service.Main"),
                environment,
                arguments);
    }

    private static ServiceProcess start(List<String> program, Map<String, String> environment, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(program);
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true);
        try {
            return new ServiceProcess(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(line -> {
                output.add(line);
                if (line.contains("ready: ") || line.contains("Postern is up")) {
                    ready.countDown();
                }
            });
        } catch (IOException | UncheckedIOException e) {
            output.add("(end of output: " + e.getMessage() + ")");
        }
    }

    ServiceProcess awaitReady() throws InterruptedException {
        if (!ready.await(60, TimeUnit.SECONDS)) {
            throw new AssertionError("not ready:\n" + String.join("\n", output));
        }
        return this;
    }

    /** The exit code, when it has ended by itself. */
    int await(Duration patience) throws InterruptedException {
        if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("did not end:\n" + String.join("\n", output));
        }
        return process.exitValue();
    }

    /** {@code kill -9}. */
    void kill() {
        process.destroyForcibly();
    }

    boolean runs() {
        return process.isAlive();
    }

    /** Waits until it has ended by itself and all it said is in {@link #output}. */
    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS) || !reader.join(Duration.ofSeconds(60))) {
            throw new AssertionError("did not end:\n" + String.join("\n", output));
        }
        return process.exitValue();
    }

    /** SIGTERM, and the exit code. */
    int terminate(Duration patience) throws InterruptedException {
        process.destroy();
        return await(patience);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
