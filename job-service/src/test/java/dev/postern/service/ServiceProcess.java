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

    private ServiceProcess(Process process) {
        this.process = process;
        Thread.ofVirtual().start(this::read);
    }

    /** {@code serve} on a database. */
    static ServiceProcess serve(DatabaseConfig database, Map<String, String> others) {
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
        return start(environment, "serve");
    }

    static ServiceProcess start(Map<String, String> environment, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.postern.service.Main"));
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
