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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * A sample function (or the GraphQL stand-in) as a process of its own, on a free port. It watches this process and ends
 * with it, even when this one is killed. Blocking.
 */
public final class FunctionProcess implements AutoCloseable {

    private static final Duration STARTUP = Duration.ofSeconds(60);
    private static final Duration SHUTDOWN = Duration.ofSeconds(10);

    private final String name;
    private final Process process;
    private final int port;
    private final Path log;

    private FunctionProcess(String name, Process process, int port, Path log) {
        this.name = name;
        this.process = process;
        this.port = port;
        this.log = log;
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
            return new FunctionProcess(name, builder.start(), port, log);
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
            if (!process.isAlive()) {
                throw new LocalException(
                        "function " + name + " ended with exit code " + process.exitValue() + "; its output is in "
                                + log,
                        null);
            }
            if (healthy(client)) {
                return;
            }
            pause();
        }
        throw new LocalException(
                "function " + name + " does not answer on " + url() + "; its output is in " + log, null);
    }

    /** Tells of its end in one line, from a thread of the JDK's. */
    public void onEnd(Consumer<String> say) {
        var unused = process.onExit()
                .thenAccept(ended -> say.accept("function " + name + " ended with exit code " + ended.exitValue()
                        + "; its output is in " + log + ", and its jobs wait until it is started again"));
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

    private void pause() {
        try {
            process.waitFor(50, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalException("interrupted while function " + name + " was starting", e);
        }
    }

    /** Asks it to end and waits; an unwilling one is killed. */
    @Override
    public void close() {
        process.destroy();
        try {
            process.onExit().get(SHUTDOWN.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        } catch (ExecutionException | TimeoutException e) {
            process.destroyForcibly();
        }
    }
}
