package dev.postern.functions.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A function as a process of its own: its {@code main}, its exit code, the lines it logs. It listens on a free port of
 * loopback and sees of this process's environment only what a JVM needs. Nothing waits longer than a minute. Closing kills
 * it. {@link FunctionUnderTest} is quicker where the process itself is not what is tested.
 */
public final class FunctionJvm implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Process process;
    private final BlockingQueue<Line> lines = new LinkedBlockingQueue<>();
    private final List<String> output = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> readers = new ArrayList<>();
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(BOUND)
            .build();
    private int port;

    /** A line of the log; {@code null} is its end. */
    private record Line(@Nullable JsonNode entry) {}

    private FunctionJvm(List<String> program, Map<String, String> environment) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(program);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().retainAll(List.of("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL"));
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        builder.environment().putAll(environment);
        process = builder.start();
        read(process.inputReader(), true);
        read(process.errorReader(), false);
    }

    /** Starts a class of this process's class path. */
    public static FunctionJvm ofClass(Class<?> main, Map<String, String> environment) throws IOException {
        return new FunctionJvm(List.of("-cp", System.getProperty("java.class.path"), main.getName()), environment);
    }

    /** Starts what was packaged, as its image does. */
    public static FunctionJvm ofJar(Path jar, Map<String, String> environment) throws IOException {
        return new FunctionJvm(List.of("-jar", jar.toString()), environment);
    }

    private void read(BufferedReader reader, boolean log) {
        readers.add(Thread.ofVirtual().start(() -> {
            try (reader) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    output.add(line);
                    if (log) {
                        lines.add(new Line(json(line)));
                    }
                }
            } catch (IOException e) {
                // It was killed.
            } finally {
                if (log) {
                    lines.add(new Line(null));
                }
            }
        }));
    }

    private static JsonNode json(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            return JSON.createObjectNode().put("noJson", line);
        }
    }

    /** Waits for the next line with this message; those before it are skipped. */
    public JsonNode line(String message) {
        return line(message, null);
    }

    /** Waits for the next line with this message about this job. */
    public JsonNode line(String message, @Nullable String job) {
        long end = System.nanoTime() + BOUND.toNanos();
        try {
            for (Line line = next(end); line != null; line = next(end)) {
                JsonNode entry = line.entry();
                if (entry == null) {
                    throw new AssertionError("it ended without logging '" + message + "': " + output);
                }
                if (entry.path("formattedMessage").asText().equals(message)
                        && (job == null || entry.at("/mdc/job").asText().equals(job))) {
                    return entry;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new AssertionError("it did not log '" + message + "': " + output);
    }

    private @Nullable Line next(long end) throws InterruptedException {
        return lines.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    /** What a line says beside its message. */
    public static String value(JsonNode line, String key) {
        for (JsonNode pair : line.path("kvpList")) {
            if (pair.has(key)) {
                return pair.path(key).asText();
            }
        }
        throw new AssertionError("no " + key + " in " + line);
    }

    /** Its URL; the first call waits until it listens. */
    public URI url(String path) {
        if (port == 0) {
            port = Integer.parseInt(value(line("listening"), "port"));
        }
        return URI.create("http://127.0.0.1:" + port + path);
    }

    /** Calls it. */
    public HttpResponse<String> post(String path, String payload, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(url(path)).timeout(BOUND).POST(HttpRequest.BodyPublishers.ofString(payload));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request.build());
    }

    /** Asks it something. */
    public HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(url(path)).timeout(BOUND).build());
    }

    private HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException("it wrote " + output, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while it was called", e);
        }
    }

    /** Whether it runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Sends SIGTERM and does not wait. {@link Process#destroy()} would close its log as well. */
    public void terminate() {
        process.toHandle().destroy();
    }

    /** Waits for its end. */
    public int exitCode() throws InterruptedException {
        if (!process.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("it does not end: " + output);
        }
        for (Thread reader : readers) {
            reader.join(BOUND);
        }
        return process.exitValue();
    }

    /** All lines that it wrote so far, on both streams. */
    public List<String> output() {
        synchronized (output) {
            return List.copyOf(output);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        http.shutdownNow();
    }
}
