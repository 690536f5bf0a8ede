package dev.postern.service.client;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.service.client.ApiFailure.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Follows a job by its server-sent events until it has ended, and comes back with the last event's id whenever the line
 * breaks.
 *
 * <pre>
 *   connecting ──200──▶ hearing ──the job has ended──▶ done
 *       ▲  └─ refused, unknown, or away for too long ─▶ failed
 *       └────── the line breaks, or is silent ──────┘
 * </pre>
 *
 * <p>Blocking; follow once.
 */
public final class JobEvents {

    /** The API says every 10 s that it is there. */
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private static final Duration HEADERS = Duration.ofSeconds(15);
    private static final long FIRST_PAUSE_MS = 200;
    private static final long LONGEST_PAUSE_MS = 5_000;
    private static final int TICK_MS = 500;
    private static final Set<String> FINAL = Set.of("succeeded", "failed", "cancelled");
    private static final String END = "\n";

    private final ApiClient api;
    private final Duration patience;
    private final LongSupplier nanos;
    private @Nullable JsonNode latest;
    private String lastId = "";
    private long pauseMs = FIRST_PAUSE_MS;
    private boolean lost;
    private long lostAt;

    /** What happens; called on the thread that follows. */
    public interface Listener {

        /** The job's state has changed. */
        void changed(JsonNode status);

        /** About twice a second while nothing happens. */
        void waiting();

        /** The line is broken; once for each time. */
        void lost(String why);

        /** The line stands again. */
        void found();
    }

    /**
     * Connects to nothing yet.
     *
     * @param patience how long the API may be away once it has answered
     * @param nanos a clock that only goes on
     */
    public JobEvents(ApiClient api, Duration patience, LongSupplier nanos) {
        this.api = api;
        this.patience = patience;
        this.nanos = nanos;
    }

    /**
     * The job's last state.
     *
     * @throws ApiFailure when the job is unknown, the caller is refused, or the API is not there or away for too long
     */
    public JsonNode follow(long jobId, Listener listener) {
        while (true) {
            try {
                JsonNode last = hear(jobId, listener);
                if (last != null) {
                    return last;
                }
                // The API ends a stream now and then, so that a token is shown again; that is no loss.
            } catch (ApiFailure failure) {
                if (latest == null || failure.kind() != Kind.AWAY) {
                    throw failure;
                }
                long now = nanos.getAsLong();
                if (!lost) {
                    lost = true;
                    lostAt = now;
                    listener.lost(failure.text());
                }
                if (now - lostAt > patience.toNanos()) {
                    throw failure;
                }
            }
            pause(listener);
        }
    }

    // Null when the stream has ended and the job has not.
    private @Nullable JsonNode hear(long jobId, Listener listener) {
        var request = api.request("/v1/jobs/" + jobId + "/events").timeout(HEADERS);
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        try {
            HttpResponse<InputStream> response = api.http().send(request.build(), BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                if (response.statusCode() == 204) {
                    return latest;
                }
                if (response.statusCode() != 200) {
                    throw api.failure(
                            response.statusCode(), new String(body.readNBytes(64 * 1024), StandardCharsets.UTF_8));
                }
                if (lost) {
                    lost = false;
                    listener.found();
                }
                return read(body, listener);
            }
        } catch (IOException e) {
            throw api.away(e, latest == null);
        } catch (InterruptedException e) {
            throw api.interrupted(e);
        }
    }

    private @Nullable JsonNode read(InputStream body, Listener listener) throws IOException, InterruptedException {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        // A read cannot be given up; a queue can. The thread ends when the body is closed.
        Thread.ofVirtual().start(() -> readLines(body, lines));
        String id = "";
        String data = "";
        int silentMs = 0;
        while (true) {
            String line = lines.poll(TICK_MS, TimeUnit.MILLISECONDS);
            if (line == null) {
                silentMs += TICK_MS;
                if (silentMs >= SILENCE.toMillis()) {
                    throw new IOException("nothing was heard for " + SILENCE.toSeconds() + " s");
                }
                listener.waiting();
                continue;
            }
            silentMs = 0;
            if (line.equals(END)) {
                return null;
            }
            if (line.startsWith("id: ")) {
                id = line.substring(4);
            } else if (line.startsWith("data: ")) {
                data = line.substring(6);
            } else if (line.isEmpty() && !data.isEmpty()) {
                JsonNode status = ApiClient.json(data).orElseThrow(() -> new IOException("an event is no JSON"));
                latest = status;
                lastId = id;
                data = "";
                pauseMs = FIRST_PAUSE_MS;
                listener.changed(status);
                if (FINAL.contains(status.path("job").path("status").asText())) {
                    return status;
                }
            }
        }
    }

    private static void readLines(InputStream body, BlockingQueue<String> lines) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            reader.lines().forEach(lines::add);
        } catch (IOException | UncheckedIOException e) {
            lines.add(": " + e.getMessage());
        } finally {
            lines.add(END);
        }
    }

    private void pause(Listener listener) {
        try {
            TimeUnit.MILLISECONDS.sleep(pauseMs);
        } catch (InterruptedException e) {
            throw api.interrupted(e);
        }
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
        listener.waiting();
    }
}
