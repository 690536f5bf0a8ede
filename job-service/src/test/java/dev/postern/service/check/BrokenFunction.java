package dev.postern.service.check;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.postern.functions.protocol.SigningKeys;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/** A function that keeps the contract but for the breaches that a test gives it. */
final class BrokenFunction implements AutoCloseable {

    /** What can be wrong with it. */
    enum Breach {
        FAILS,
        SAYS_ERROR,
        NO_ECHO,
        BAD_JSON,
        LARGE_RESULT,
        BAD_JOBS,
        TEXT_RESULT,
        CHOKES_ON_HEADERS,
        CLOSES,
        CONFLICT_ON_REPEAT,
        FAILS_ON_BAD_PAYLOAD,
        ENDS_ON_BROKEN_JSON,
        TAKES_ANYTHING,
        SILENT_REFUSAL,
        STACK_TRACE,
        ANSWERS_GET,
        TAKES_ENDLESS,
        DIES_OF_HANG_UP,
        NO_HEALTH,
        // those of a function that answers 202
        NEVER_REPORTS,
        REPORTS_ELSEWHERE,
        REPORTS_FAILURE,
        REPORTS_TEXT,
        REPORTS_ONCE,
        REPORTS_DIFFERENTLY,
        REPORTS_FOR_EVER,
        // those of a function with a secret
        TAKES_UNSIGNED,
        TAKES_OLD,
        REFUSES_SIGNED
    }

    private static final int LIMIT = 1 << 20;

    private final HttpServer http;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpClient client = HttpClient.newHttpClient();
    private final boolean later;
    private final SigningKeys keys;
    private final Set<Breach> breaches;
    private volatile boolean dead;

    BrokenFunction(boolean later, SigningKeys keys, Breach... breaches) throws IOException {
        this.later = later;
        this.keys = keys;
        this.breaches = EnumSet.noneOf(Breach.class);
        this.breaches.addAll(Set.of(breaches));
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.setExecutor(threads);
        http.createContext("/", this::answer);
        http.start();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort() + "/broken");
    }

    private boolean is(Breach breach) {
        return breaches.contains(breach);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            respond(exchange);
        } catch (IOException e) {
            dead |= is(Breach.DIES_OF_HANG_UP);
        }
    }

    private void respond(HttpExchange exchange) throws IOException {
        if (dead) {
            return;
        }
        if (exchange.getRequestURI().getPath().equals("/healthz")) {
            send(exchange, is(Breach.NO_HEALTH) ? 404 : 200, "{}");
            return;
        }
        if (!exchange.getRequestMethod().equals("POST") && !is(Breach.ANSWERS_GET)) {
            send(exchange, 405, "{\"error\":\"POST\"}");
            return;
        }
        byte[] body = body(exchange);
        if (body.length > LIMIT) {
            send(exchange, 413, "{\"error\":\"too large\"}");
            return;
        }
        String refusal = refusal(exchange, body);
        if (refusal != null) {
            send(exchange, 401, "{\"error\":\"" + refusal + "\"}");
        } else if (!new String(body, StandardCharsets.UTF_8).startsWith("{\"text\"")
                && !is(Breach.TAKES_ANYTHING)
                && !exchange.getRequestMethod().equals("GET")) {
            refuse(exchange, new String(body, StandardCharsets.UTF_8));
        } else {
            accept(exchange);
        }
    }

    private byte[] body(HttpExchange exchange) throws IOException {
        String announced = exchange.getRequestHeaders().getFirst("Content-Length");
        if (is(Breach.TAKES_ENDLESS)) {
            byte[] all = exchange.getRequestBody().readAllBytes();
            return all.length > LIMIT ? "{\"text\":1}".getBytes(StandardCharsets.UTF_8) : all;
        }
        byte[] body = exchange.getRequestBody().readNBytes(LIMIT + 1);
        if (announced != null && body.length < Math.min(Long.parseLong(announced), LIMIT + 1)) {
            throw new IOException("the caller hung up");
        }
        // To its end, so that the caller hears the refusal.
        exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
        return body;
    }

    private @Nullable String refusal(HttpExchange exchange, byte[] body) {
        if (keys.isEmpty()) {
            return null;
        }
        if (is(Breach.REFUSES_SIGNED)) {
            return "no";
        }
        String timestamp = exchange.getRequestHeaders().getFirst("webhook-timestamp");
        if (timestamp == null && is(Breach.TAKES_UNSIGNED)) {
            return null;
        }
        Instant now = is(Breach.TAKES_OLD) && timestamp != null
                ? Instant.ofEpochSecond(Long.parseLong(timestamp))
                : Instant.now();
        return keys.refusal(
                exchange.getRequestHeaders().getFirst("webhook-id"),
                timestamp,
                exchange.getRequestHeaders().getFirst("webhook-signature"),
                body,
                now);
    }

    private void refuse(HttpExchange exchange, String body) throws IOException {
        if (is(Breach.ENDS_ON_BROKEN_JSON) && body.startsWith("{")) {
            http.stop(0);
        } else if (is(Breach.FAILS_ON_BAD_PAYLOAD)) {
            send(exchange, 500, "{}");
        } else if (is(Breach.SILENT_REFUSAL)) {
            send(exchange, 400, "");
        } else if (is(Breach.STACK_TRACE)) {
            send(exchange, 400, "java.lang.Exception: no\n\tat dev.postern.Broken(Broken.java:1)\n");
        } else {
            send(exchange, 400, "{\"error\":\"text is missing\"}");
        }
    }

    private void accept(HttpExchange exchange) throws IOException {
        var headers = exchange.getRequestHeaders();
        if (is(Breach.CLOSES)) {
            exchange.getResponseHeaders().set("Connection", "close");
        }
        if (is(Breach.SAYS_ERROR)) {
            exchange.getResponseHeaders().set("X-Job-Error", "true");
        }
        if (is(Breach.FAILS)
                || is(Breach.CHOKES_ON_HEADERS) && headers.containsKey("ce-id")
                || is(Breach.CONFLICT_ON_REPEAT) && "2".equals(headers.getFirst("X-Job-Attempt"))) {
            send(exchange, 500, "{\"error\":\"as asked\"}");
            return;
        }
        if (!later) {
            send(exchange, 200, result());
            return;
        }
        send(exchange, 202, "{}");
        String url = headers.getFirst("X-Callback-Url");
        threads.execute(() -> report(url));
    }

    private String result() {
        if (is(Breach.BAD_JSON)) {
            return "{\"a\":";
        }
        if (is(Breach.LARGE_RESULT)) {
            return "\"" + "x".repeat(70_000) + "\"";
        }
        return is(Breach.BAD_JOBS) ? "{\"jobs\":[{\"taks\":\"next\"}]}" : "{\"jobs\":[{\"task\":\"next\"}]}";
    }

    private void report(String url) {
        if (is(Breach.NEVER_REPORTS)) {
            return;
        }
        String target = is(Breach.REPORTS_ELSEWHERE) ? url.replaceAll("/callback/.*", "/callback") : url;
        String action = is(Breach.REPORTS_FAILURE) ? "/fail" : "/complete";
        try {
            for (int n = 0; n < 4; n++) {
                String body = is(Breach.REPORTS_DIFFERENTLY) ? "{\"n\":" + n + "}" : "{\"n\":1}";
                int status = client.send(
                                HttpRequest.newBuilder(URI.create(target + action))
                                        .timeout(Duration.ofSeconds(30))
                                        .header(
                                                "Content-Type",
                                                is(Breach.REPORTS_TEXT) ? "text/plain" : "application/json")
                                        .POST(HttpRequest.BodyPublishers.ofString(body))
                                        .build(),
                                HttpResponse.BodyHandlers.discarding())
                        .statusCode();
                boolean heard = status < 500;
                if (is(Breach.REPORTS_ONCE) || heard && !is(Breach.REPORTS_FOR_EVER)) {
                    return;
                }
            }
        } catch (IOException e) {
            // The check is over.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        String id = exchange.getRequestHeaders().getFirst("X-Job-Id");
        if (id != null && !is(Breach.NO_ECHO)) {
            exchange.getResponseHeaders().set("X-Job-Id", id);
        }
        exchange.getResponseHeaders().set("Content-Type", is(Breach.TEXT_RESULT) ? "text/plain" : "application/json");
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }

    @Override
    public void close() {
        http.stop(0);
        client.shutdownNow();
        threads.shutdownNow();
    }
}
