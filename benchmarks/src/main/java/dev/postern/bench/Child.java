package dev.postern.bench;

import dev.postern.service.config.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A process that is measured. Its output goes to a log. Closing ends it. */
final class Child implements AutoCloseable {

    private static final Duration STARTUP = Duration.ofMinutes(2);
    private static final long LOOK_MS = 5;

    private final String name;
    private final Process process;
    private final Path log;

    private Child(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    static Child start(String name, List<String> command, Map<String, String> environment, Path log) {
        ProcessBuilder builder = new ProcessBuilder(command);
        // What the user has set is for another system.
        Setting.ALL.forEach(setting -> builder.environment().remove(setting.name()));
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true).redirectOutput(log.toFile());
        try {
            return new Child(name, builder.start(), log);
        } catch (IOException e) {
            throw new BenchException("cannot start " + name + ": " + e.getMessage(), e);
        }
    }

    long pid() {
        return process.pid();
    }

    void await(BooleanSupplier ready) throws InterruptedException {
        long deadline = System.nanoTime() + STARTUP.toNanos();
        while (!ready.getAsBoolean()) {
            if (process.waitFor(LOOK_MS, TimeUnit.MILLISECONDS)) {
                throw new BenchException(
                        name + " ended with " + process.exitValue() + " instead of starting; its log is " + log);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new BenchException(name + " does not become ready; its log is " + log);
            }
        }
    }

    /** Waits until it has printed this. */
    void awaitOutput(String text) throws InterruptedException {
        await(() -> {
            try {
                return Files.readString(log).contains(text);
            } catch (IOException e) {
                throw new BenchException("cannot read " + log, e);
            }
        });
    }

    /** Waits for its end. */
    void awaitEnd() throws InterruptedException {
        int code = process.waitFor();
        if (code != 0) {
            throw new BenchException(name + " ended with " + code + "; its log is " + log);
        }
    }

    /** Fails when it has ended by itself. */
    void checkAlive() {
        if (!process.isAlive()) {
            throw new BenchException(name + " has ended with " + process.exitValue() + "; its log is " + log);
        }
    }

    /** SIGSTOP: takes nothing until {@link #thaw}. */
    void freeze() {
        signal("STOP");
    }

    /** SIGCONT. */
    void thaw() {
        signal("CONT");
    }

    private void signal(String signal) {
        checkAlive();
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new BenchException("cannot send SIG" + signal + " to " + name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
