package dev.postern.worker;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A function whose answers a test scripts. Records every call. */
final class FakeFunction {

    /** What a call brought. */
    record Call(String path, MultiMap headers, String body) {
        String header(String name) {
            String value = headers.get(name);
            return value == null ? "" : value;
        }
    }

    final List<Call> calls = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private volatile Consumer<HttpServerRequest> answer = answering(200, "");

    private FakeFunction(HttpServer server) {
        this.server = server;
    }

    static FakeFunction start(Vertx vertx) {
        HttpServer server = vertx.createHttpServer();
        FakeFunction function = new FakeFunction(server);
        server.requestHandler(request -> request.body().onSuccess(body -> {
            function.calls.add(new Call(
                    request.path(), MultiMap.caseInsensitiveMultiMap().addAll(request.headers()), body.toString()));
            function.answer.accept(request);
        }));
        await(server.listen(0, "127.0.0.1"));
        return function;
    }

    String url() {
        return "http://127.0.0.1:" + server.actualPort();
    }

    FakeFunction answers(Consumer<HttpServerRequest> other) {
        answer = other;
        return this;
    }

    FakeFunction answers(int status, String json) {
        return answers(answering(status, json));
    }

    void close() {
        await(server.close());
    }

    /** A plain answer; the body is sent as JSON. */
    static Consumer<HttpServerRequest> answering(int status, String json) {
        return request -> request.response()
                .setStatusCode(status)
                .putHeader("content-type", "application/json")
                .end(Buffer.buffer(json));
    }

    static <T> T await(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(20, TimeUnit.SECONDS)
                .join();
    }
}
