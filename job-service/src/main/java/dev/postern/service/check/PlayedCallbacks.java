package dev.postern.service.check;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.postern.functions.protocol.AttemptToken;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A callback server that answers as the real one does, or as an attempt was told to. Its own threads write what it heard;
 * the check reads it.
 */
final class PlayedCallbacks implements AutoCloseable {

    /** The worker's limit for a report. */
    private static final int BODY_LIMIT = 1 << 20;

    private static final String PATH = "/callback/";

    private final HttpServer http;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final String base;
    private final Map<String, Attempt> attempts = new ConcurrentHashMap<>();
    private final List<String> strays = new CopyOnWriteArrayList<>();

    /**
     * A report.
     *
     * @param action complete, fail, progress, heartbeat, or empty for the bare URL
     */
    record Report(String action, String contentType, boolean error, String body, int answered) {

        boolean outcome() {
            return action.isEmpty() || action.equals("complete") || action.equals("fail");
        }
    }

    /** What was heard of one attempt, and how its reports are answered. */
    static final class Attempt {

        private final BlockingQueue<Report> outcomes = new LinkedBlockingQueue<>();
        private final Queue<Integer> script = new ConcurrentLinkedQueue<>();
        private volatile boolean cancelled;

        /** The next outcomes are answered so: 503, or 208 for a replay. Afterwards 200. */
        Attempt answers(int... statuses) {
            for (int status : statuses) {
                script.add(status);
            }
            return this;
        }

        /** Everything is answered 410. */
        Attempt cancelled() {
            cancelled = true;
            return this;
        }

        /** The next outcome within a time. */
        Optional<Report> outcome(Duration patience) throws InterruptedException {
            return Optional.ofNullable(outcomes.poll(patience.toMillis(), TimeUnit.MILLISECONDS));
        }
    }

    PlayedCallbacks(String host) throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), 0), 0);
        http.setExecutor(threads);
        http.createContext("/", this::answer);
        http.start();
        String literal = host.contains(":") ? "[" + host + "]" : host;
        base = "http://" + literal + ":" + http.getAddress().getPort() + PATH;
    }

    String url(AttemptToken token) {
        return base + token.encode();
    }

    Attempt expect(AttemptToken token) {
        Attempt attempt = new Attempt();
        attempts.put(token.encode(), attempt);
        return attempt;
    }

    /** Paths that were posted to and belong to no attempt. */
    List<String> strays() {
        return List.copyOf(strays);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readNBytes(BODY_LIMIT + 1);
            String path = exchange.getRequestURI().getPath();
            String[] parts =
                    path.startsWith(PATH) ? path.substring(PATH.length()).split("/", -1) : new String[0];
            Attempt attempt = parts.length == 0 ? null : attempts.get(parts[0]);
            String action = parts.length == 2 ? parts[1] : "";
            boolean known = parts.length <= 2
                    && List.of("", "complete", "fail", "progress", "heartbeat").contains(action);
            if (attempt == null || !known || !exchange.getRequestMethod().equals("POST")) {
                strays.add(exchange.getRequestMethod() + " " + path);
                problem(exchange, attempt == null ? 401 : 404, attempt == null ? "invalid-token" : "not-found");
                return;
            }
            boolean outcome = !action.equals("progress") && !action.equals("heartbeat");
            Integer scripted = outcome ? attempt.script.poll() : null;
            int status = attempt.cancelled ? 410 : body.length > BODY_LIMIT ? 413 : scripted == null ? 200 : scripted;
            send(exchange, status, outcome);
            if (outcome) {
                attempt.outcomes.add(new Report(
                        action,
                        String.valueOf(exchange.getRequestHeaders().getFirst("Content-Type")),
                        "true".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("X-Job-Error")),
                        new String(body, StandardCharsets.UTF_8),
                        status));
            }
        }
    }

    private static void send(HttpExchange exchange, int status, boolean outcome) throws IOException {
        switch (status) {
            case 410 -> problem(exchange, 410, "cancelled");
            case 413 -> problem(exchange, 413, "body-too-large");
            case 503 -> {
                exchange.getResponseHeaders().set("Retry-After", "1");
                problem(exchange, 503, "database-away");
            }
            default -> {
                if (status == REPLAY) {
                    exchange.getResponseHeaders().set("Idempotent-Replay", "true");
                }
                write(
                        exchange,
                        200,
                        "application/json",
                        outcome ? "{\"state\":\"accepted\"}" : "{\"leaseExpiresAt\":\"2100-01-01T00:00:00Z\"}");
            }
        }
    }

    /** In a script: 200 with {@code Idempotent-Replay}. */
    static final int REPLAY = 208;

    private static void problem(HttpExchange exchange, int status, String name) throws IOException {
        write(
                exchange,
                status,
                "application/problem+json",
                "{\"type\":\"urn:postern:problem:" + name + "\",\"title\":\"" + name + "\",\"status\":" + status + "}");
    }

    private static void write(HttpExchange exchange, int status, String type, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        http.stop(0);
        threads.shutdownNow();
    }
}
