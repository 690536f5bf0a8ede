package dev.postern.api;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.UnaryOperator;

/**
 * Stands where the worker's calls are plugged in; a test says what comes of each. That real functions are called through it
 * is job-service's to show.
 */
final class FakeFunctions implements Functions {

    /** What was called. */
    record Seen(String task, Map<String, String> headers, String payload, Duration atMost, Promise<Reply> reply) {}

    final List<Seen> calls = new CopyOnWriteArrayList<>();
    /** Calls that nobody has answered. */
    final BlockingQueue<Seen> open = new LinkedBlockingQueue<>();

    final BlockingQueue<Seen> aborted = new LinkedBlockingQueue<>();
    private volatile UnaryOperator<Future<Reply>> answer =
            waiting -> Future.succeededFuture(json(200, "{\"ok\": true}"));

    /** Answers all calls so. */
    void answers(Reply reply) {
        answer = waiting -> Future.succeededFuture(reply);
    }

    /** Leaves calls open. */
    void answersLater() {
        answer = waiting -> waiting;
    }

    static Reply json(int status, String body, String... headers) {
        MultiMap all = MultiMap.caseInsensitiveMultiMap().add("Content-Type", "application/json");
        for (int i = 0; i < headers.length; i += 2) {
            all.add(headers[i], headers[i + 1]);
        }
        return new Reply.Answered(status, all, Buffer.buffer(body));
    }

    static Reply failed(Reason reason) {
        return new Reply.Failed(reason, "http://inside:8080 refused", Duration.ofMillis(6_500));
    }

    @Override
    public Call call(String task, Map<String, String> headers, Buffer payload, Duration atMost) {
        Promise<Reply> promise = Promise.promise();
        Seen seen = new Seen(task, Map.copyOf(headers), payload.toString(), atMost, promise);
        calls.add(seen);
        Future<Reply> reply = answer.apply(promise.future());
        if (!reply.isComplete()) {
            open.add(seen);
        }
        return new Call() {
            @Override
            public Future<Reply> reply() {
                return reply;
            }

            @Override
            public void abort() {
                if (!reply.isComplete()) {
                    aborted.add(seen);
                    promise.tryComplete(new Reply.Failed(Reason.ABORTED, "", Duration.ZERO));
                }
            }
        };
    }
}
