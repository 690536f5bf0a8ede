package dev.postern.functions.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A callback server that answers what it was told to, in order, then 200, and remembers what it heard. */
final class FakeCallbackServer implements AutoCloseable {

    record Heard(String action, @Nullable String query, JsonNode body, Headers headers) {}

    private record Script(int status, String body, Map<String, String> headers) {}

    private final HttpServer http;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Queue<Script>> scripts = new ConcurrentHashMap<>();
    private final Map<String, Script> lasting = new ConcurrentHashMap<>();
    private final Map<String, BlockingQueue<Heard>> heard = new ConcurrentHashMap<>();
    private final BlockingQueue<Heard> outcomes = new LinkedBlockingQueue<>();

    FakeCallbackServer() throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.setExecutor(threads);
        http.createContext("/", this::answer);
        http.start();
    }

    String url() {
        return "http://127.0.0.1:" + http.getAddress().getPort() + "/callback/812.1.token";
    }

    FakeCallbackServer answers(String action, int status, String body) {
        return answers(action, status, body, Map.of());
    }

    FakeCallbackServer answers(String action, int status, String body, Map<String, String> headers) {
        scripts.computeIfAbsent(action, key -> new ConcurrentLinkedQueue<>()).add(new Script(status, body, headers));
        return this;
    }

    /** Whenever nothing else was told. */
    FakeCallbackServer answersAlways(String action, int status, String body) {
        lasting.put(action, new Script(status, body, Map.of()));
        return this;
    }

    /** Cuts the connection instead of answering. */
    FakeCallbackServer hangsUp(String action) {
        return answers(action, 0, "");
    }

    Heard next(String action) throws InterruptedException {
        return Objects.requireNonNull(of(action).poll(20, TimeUnit.SECONDS), "nothing heard on /" + action);
    }

    /** The next report of either end. */
    Heard outcome() throws InterruptedException {
        return Objects.requireNonNull(outcomes.poll(30, TimeUnit.SECONDS), "no outcome was reported");
    }

    /** The bodies of all that was heard on an action. */
    List<JsonNode> all(String action) {
        return of(action).stream().map(Heard::body).toList();
    }

    int waiting(String action) {
        return of(action).size();
    }

    private BlockingQueue<Heard> of(String action) {
        return heard.computeIfAbsent(action, key -> new LinkedBlockingQueue<>());
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String action = path.substring(path.lastIndexOf('/') + 1);
        byte[] bytes = exchange.getRequestBody().readAllBytes();
        Script script =
                scripts.getOrDefault(action, new ConcurrentLinkedQueue<>()).poll();
        Heard report = new Heard(
                action,
                exchange.getRequestURI().getQuery(),
                Payloads.JSON.readTree(bytes),
                exchange.getRequestHeaders());
        of(action).add(report);
        if (script == null) {
            script = lasting.getOrDefault(action, new Script(200, "{}", Map.of()));
        }
        if (script.status == 0) {
            exchange.close();
            return;
        }
        script.headers.forEach(exchange.getResponseHeaders()::set);
        byte[] body = script.body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(script.status, body.length == 0 ? -1 : body.length);
        try (var out = exchange.getResponseBody()) {
            out.write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // After the answer: who has the outcome may close this server.
        if (action.equals("complete") || action.equals("fail")) {
            outcomes.add(report);
        }
    }

    @Override
    public void close() {
        http.stop(0);
        threads.shutdownNow();
    }
}
