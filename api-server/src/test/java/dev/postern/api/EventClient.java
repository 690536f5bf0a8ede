package dev.postern.api;

import dev.postern.api.ApiServer.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/**
 * Reads a job's events as a browser does: it comes back with the id of the last event that it has when the stream breaks
 * off, until it is told not to. Blocking; one virtual thread each.
 */
final class EventClient {

    /** Ids of the events, in the order in which they came. */
    final List<String> ids = new CopyOnWriteArrayList<>();

    private final HttpClient client;
    private final ApiServer api;
    private final long jobId;
    private final String token;
    private final AtomicReference<Stream<String>> open = new AtomicReference<>(Stream.of());
    private volatile boolean over;

    EventClient(HttpClient client, ApiServer api, long jobId, String token) {
        this.client = client;
        this.api = api;
        this.jobId = jobId;
        this.token = token;
    }

    Thread start() {
        return Thread.ofVirtual().start(this::run);
    }

    boolean over() {
        return over;
    }

    /** Breaks the connection off, whatever is on its way. */
    void breakOff() {
        Stream<String> stream = open.get();
        if (stream != null) {
            stream.close();
        }
    }

    private void run() {
        while (!over) {
            String[] headers = ids.isEmpty() ? new String[0] : new String[] {"Last-Event-ID", ids.getLast()};
            try {
                HttpResponse<Stream<String>> response = client.send(
                        api.request("/v1/jobs/" + jobId + "/events", token, headers)
                                .GET()
                                .build(),
                        BodyHandlers.ofLines());
                if (response.statusCode() == 204) {
                    over = true;
                } else if (response.statusCode() != 200) {
                    throw new AssertionError("status " + response.statusCode());
                }
                open.set(response.body());
                response.body().filter(line -> line.startsWith("id: ")).forEach(line -> ids.add(line.substring(4)));
            } catch (IOException | UncheckedIOException | IllegalStateException e) {
                // Broken off: it comes back.
                continue;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                over = true;
            }
        }
    }

    static String state(Answer status) {
        return status.json().getJsonObject("job").getString("status");
    }
}
