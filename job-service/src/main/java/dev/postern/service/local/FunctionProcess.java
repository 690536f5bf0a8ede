package dev.postern.service.local;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A sample function (or the GraphQL stand-in) as a process of its own, on a free port. It watches this process and ends
 * with it, even when this one is killed. Blocking.
 */
public final class FunctionProcess implements AutoCloseable {

    private static final Duration STARTUP = Duration.ofSeconds(60);
    private static final Duration SHUTDOWN = Duration.ofSeconds(10);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

    private final String name;
    private final ProcessBuilder builder;
    private final int port;
    private final Path log;

    // Of whoever started it and of the JDK's thread that starts it again: under this object's lock.
    private Process process;
    private boolean closed;

    private FunctionProcess(String name, ProcessBuilder builder, int port, Path log) throws IOException {
        this.name = name;
        this.builder = builder;
        this.port = port;
        this.log = log;
        this.process = builder.start();
        // What it said before it ended is wanted afterwards.
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    }

    /**
     * Starts {@code functions/<name>/target/<name>.jar} and does not wait for it.
     *
     * @param home the checkout
     * @param logs directory that gets its output
     */
    public static FunctionProcess start(Path home, String name, Path logs, Map<String, String> environment) {
        Path jar = home.resolve("functions").resolve(name).resolve("target").resolve(name + ".jar");
        if (!Files.isRegularFile(jar)) {
            throw new LocalException(jar + " is missing; './postern' builds it, or 'mvn package' does", null);
        }
        try {
            Files.createDirectories(logs);
            Path log = logs.resolve(name + ".log");
            int port = FreePort.any();
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    // Starts in half the time; a laptop's functions are not asked for throughput.
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Xmx128m",
                    "--enable-native-access=ALL-UNNAMED",
                    "-jar",
                    jar.toString());
            builder.environment().putAll(environment);
            builder.environment().put("PORT", Integer.toString(port));
            builder.environment()
                    .put(
                            "POSTERN_PARENT_PID",
                            Long.toString(ProcessHandle.current().pid()));
            builder.redirectErrorStream(true).redirectOutput(log.toFile());
            return new FunctionProcess(name, builder, port, log);
        } catch (IOException e) {
            throw new LocalException("cannot start function " + name + ": " + e.getMessage(), e);
        }
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Where it answers. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Waits until it answers {@code /healthz}. */
    public void awaitHealthy(HttpClient client) {
        long deadline = System.nanoTime() + STARTUP.toNanos();
        while (System.nanoTime() < deadline) {
            Process running = current();
            if (!running.isAlive()) {
                throw new LocalException(
                        "function " + name + " ended with exit code " + running.exitValue() + "; its output is in "
                                + log,
                        null);
            }
            if (healthy(client)) {
                return;
            }
            pause(running);
        }
        throw new LocalException(
                "function " + name + " does not answer on " + url() + "; its output is in " + log, null);
    }

    /**
     * Starts it again whenever it ends, on the same port, after a pause that doubles from 1 s to 60 s and begins anew once
     * it has run for a minute. Call once.
     *
     * @param wanted asked when it has ended and before it is started; no is for good
     * @param say told of each end in one line, from a thread of the JDK's
     */
    public void keepRunning(BooleanSupplier wanted, Consumer<String> say) {
        watch(current(), FIRST_PAUSE, wanted, say);
    }

    private void watch(Process running, Duration pause, BooleanSupplier wanted, Consumer<String> say) {
        long since = System.nanoTime();
        var unused = running.onExit().thenAccept(ended -> {
            if (!wanted.getAsBoolean()) {
                return;
            }
            boolean ran = System.nanoTime() - since > LONGEST_PAUSE.toNanos();
            Duration now = ran ? FIRST_PAUSE : pause;
            say.accept("function " + name + " ended with exit code " + ended.exitValue() + " and is started again in "
                    + now.toSeconds() + " s; its output is in " + log);
            CompletableFuture.delayedExecutor(now.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(() -> startAgain(longer(now), wanted, say));
        });
    }

    private synchronized void startAgain(Duration next, BooleanSupplier wanted, Consumer<String> say) {
        if (closed || !wanted.getAsBoolean()) {
            return;
        }
        try {
            process = builder.start();
            watch(process, next, wanted, say);
        } catch (IOException e) {
            say.accept("function " + name + " cannot be started again: " + e.getMessage());
        }
    }

    private static Duration longer(Duration pause) {
        Duration doubled = pause.multipliedBy(2);
        return doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
    }

    private synchronized Process current() {
        return process;
    }

    private boolean healthy(HttpClient client) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url() + "/healthz"))
                .timeout(Duration.ofSeconds(2))
                .build();
        try {
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void pause(Process running) {
        try {
            running.waitFor(50, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalException("interrupted while function " + name + " was starting", e);
        }
    }

    /** Asks it to end and waits; an unwilling one is killed. */
    @Override
    public void close() {
        Process last = last();
        last.destroy();
        try {
            last.onExit().get(SHUTDOWN.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            last.destroyForcibly();
        } catch (ExecutionException | TimeoutException e) {
            last.destroyForcibly();
        }
    }

    private synchronized Process last() {
        closed = true;
        return process;
    }
}
