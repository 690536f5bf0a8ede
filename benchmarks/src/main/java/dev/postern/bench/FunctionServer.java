package dev.postern.bench;

import dev.postern.service.local.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The no-op function: a Node process that answers at once and counts ({@code functions.mjs}). */
final class FunctionServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long LOOK_MS = 20;

    private final Child process;
    private final String url;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /**
     * What arrived since the last reset.
     *
     * @param received number of calls
     * @param firstNanos when the first one came, on the clock of {@link System#nanoTime}; 0 before
     * @param mostInFlight how many were open at once
     */
    record Count(long received, long firstNanos, int mostInFlight) {}

    private FunctionServer(Child process, String url) {
        this.process = process;
        this.url = url;
    }

    static FunctionServer start(Path script, Path log) throws InterruptedException {
        int port = FreePort.any();
        Child process = Child.start(
                "the function server", List.of("node", script.toString()), Map.of("PORT", Integer.toString(port)), log);
        process.awaitOutput("ready");
        return new FunctionServer(process, "http://127.0.0.1:" + port);
    }

    String url() {
        return url;
    }

    long pid() {
        return process.pid();
    }

    /** Counts from 0 again; with stamps it keeps when each numbered job came. */
    void reset(boolean stamps) throws InterruptedException {
        ask("reset?stamps=" + (stamps ? 1 : 0));
    }

    Count count() throws InterruptedException {
        String[] parts = ask("count").split(" ", -1);
        return new Count(Long.parseLong(parts[0]), Long.parseLong(parts[1]), Integer.parseInt(parts[2]));
    }

    /** When each numbered job came first, on the clock of {@link System#nanoTime}. */
    Map<Long, Long> stamps() throws InterruptedException {
        Map<Long, Long> stamps = new HashMap<>();
        ask("stamps").lines().forEach(line -> {
            String[] parts = line.split(" ", -1);
            stamps.putIfAbsent(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
        });
        return stamps;
    }

    /** Waits until so many calls have come. */
    void await(long calls) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (count().received() < calls) {
            if (System.nanoTime() - deadline > 0) {
                throw new BenchException("of " + calls + " calls only " + count().received() + " have come");
            }
            Thread.sleep(LOOK_MS);
        }
    }

    private String ask(String what) throws InterruptedException {
        try {
            return client.send(
                            HttpRequest.newBuilder(URI.create(url + "/control/" + what))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body()
                    .strip();
        } catch (IOException e) {
            throw new BenchException("the function server does not answer", e);
        }
    }

    @Override
    public void close() {
        process.close();
        client.close();
    }
}
