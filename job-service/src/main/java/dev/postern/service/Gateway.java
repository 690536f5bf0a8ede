package dev.postern.service;

import dev.postern.api.Functions;
import dev.postern.worker.CallResult;
import dev.postern.worker.FunctionCaller;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Map;

/** Plugs the worker's way of calling functions into the API: the two modules do not know each other. */
record Gateway(FunctionCaller caller) implements Functions {

    @Override
    public Call call(String task, Map<String, String> headers, Buffer payload, Duration atMost) {
        FunctionCaller.Call sent = caller.call(task, headers, payload, atMost);
        Future<Reply> reply = sent.result().map(Gateway::reply);
        return new Call() {
            @Override
            public Future<Reply> reply() {
                return reply;
            }

            @Override
            public void abort() {
                sent.abort();
            }
        };
    }

    private static Reply reply(CallResult result) {
        return switch (result) {
            case CallResult.Answered a -> new Reply.Answered(a.status(), a.headers(), a.body());
            case CallResult.Failed f -> new Reply.Failed(reason(f.reason()), f.detail(), f.retryAfter());
        };
    }

    private static Reason reason(CallResult.Reason reason) {
        return switch (reason) {
            case NO_ROUTE -> Reason.NO_ROUTE;
            case SPARED -> Reason.SPARED;
            case UNREACHABLE -> Reason.UNREACHABLE;
            case TIMED_OUT -> Reason.TIMED_OUT;
            case UNREADABLE -> Reason.UNREADABLE;
            case ABORTED -> Reason.ABORTED;
        };
    }
}
