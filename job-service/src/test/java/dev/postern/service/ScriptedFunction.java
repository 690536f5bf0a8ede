package dev.postern.service;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

/** A function without our runtime: blocking code that decides what each call gets. */
final class ScriptedFunction implements AutoCloseable {

    /** What a call does. */
    @FunctionalInterface
    interface Script {
        void run(Call call) throws IOException, InterruptedException;
    }

    final List<Call> calls = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private volatile Script script = call -> call.answer(200);

    ScriptedFunction() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 200);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            Call call = new Call(exchange);
            calls.add(call);
            try {
                script.run(call);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void does(Script other) {
        script = other;
    }

    @Override
    public void close() {
        server.stop(0);
    }

    /** One call. */
    static final class Call {

        private static final HttpClient CLIENT = HttpClient.newHttpClient();
        private final HttpExchange exchange;

        private Call(HttpExchange exchange) {
            this.exchange = exchange;
        }

        String header(String name) {
            String value = exchange.getRequestHeaders().getFirst(name);
            return value == null ? "" : value;
        }

        void answer(int status, String... headers) throws IOException {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        }

        /** Reports as Constructive's functions do; answers the callback's status. */
        int callBack(boolean error) throws IOException, InterruptedException {
            return callBack(
                    "", error, error ? "{\"status\":\"error\",\"error\":\"ERROR\"}" : "{\"status\":\"success\"}");
        }

        /** Reports to a path below the callback URL. */
        int callBack(String path, boolean error, String body, String... headers)
                throws IOException, InterruptedException {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(header("X-Callback-Url") + path))
                    .header("Content-Type", "application/json")
                    .header("X-Worker-Id", header("X-Worker-Id"))
                    .header("X-Job-Id", header("X-Job-Id"))
                    .POST(HttpRequest.BodyPublishers.ofString(body));
            if (error) {
                request.header("X-Job-Error", "true");
            }
            if (headers.length > 0) {
                request.headers(headers);
            }
            return CLIENT.send(request.build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }
}
