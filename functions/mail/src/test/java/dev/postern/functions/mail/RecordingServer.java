package dev.postern.functions.mail;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An HTTP server that remembers what it was asked and answers what the test says. */
public final class RecordingServer implements AutoCloseable {

    private static final Pattern PART =
            Pattern.compile("name=\"([^\"]+)\"\\r\\n(?:[^\\r\\n]+\\r\\n)*\\r\\n(.*?)\\r\\n--", Pattern.DOTALL);

    /** A request that came. */
    public record Asked(String path, Map<String, List<String>> headers, String body) {

        /** The first value of a header, whatever its case. */
        @Nullable
        public String header(String name) {
            return headers.entrySet().stream()
                    .filter(header -> header.getKey().equalsIgnoreCase(name))
                    .map(header -> header.getValue().getFirst())
                    .findFirst()
                    .orElse(null);
        }

        /** The fields of a multipart form, as Mailgun gets them. */
        public Map<String, String> form() {
            Map<String, String> form = new HashMap<>();
            PART.matcher(body)
                    .results()
                    .forEach(part -> form.merge(part.group(1), part.group(2), (a, b) -> a + "," + b));
            return form;
        }
    }

    /** What to answer. */
    public record Reply(int status, String body, Map<String, String> headers) {
        /** 200 with a body. */
        public static Reply ok(String body) {
            return new Reply(200, body, Map.of());
        }
    }

    private final HttpServer http;
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private volatile Function<Asked, Reply> answer;

    /** Listens on a free port of the loopback address. */
    public RecordingServer(Function<Asked, Reply> answer) throws IOException {
        this.answer = answer;
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/", this::handle);
        http.start();
    }

    /** Answers otherwise from now on. */
    public void answers(Function<Asked, Reply> other) {
        answer = other;
    }

    /** Where it is. */
    public URI url(String path) {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort() + path);
    }

    /** All requests so far; the list grows. */
    public List<Asked> asked() {
        return asked;
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Asked question = new Asked(exchange.getRequestURI().getPath(), Map.copyOf(exchange.getRequestHeaders()), body);
        asked.add(question);
        Reply reply = answer.apply(question);
        reply.headers().forEach(exchange.getResponseHeaders()::set);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(reply.status(), bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        http.stop(0);
    }
}
