package dev.postern.api;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;

/**
 * Reads a request's body within a size and a time. Not vertx-web's BodyHandler: that one parses forms, and a caller
 * that sends a form deserves an answer that says so.
 */
final class BoundedBody {

    private final Buffer body = Buffer.buffer();
    private final Promise<Buffer> whole = Promise.promise();
    private final int limit;

    private BoundedBody(int limit) {
        this.limit = limit;
    }

    /** Reads; call it before the handler of the request returns. Fails with a {@link ApiException}. */
    static Future<Buffer> read(Vertx vertx, HttpServerRequest request, ApiConfig config) {
        return new BoundedBody(config.bodyLimit())
                .read(vertx, request, config.clientTimeout().toMillis());
    }

    private Future<Buffer> read(Vertx vertx, HttpServerRequest request, long timeoutMs) {
        if (declaredLength(request) > limit) {
            return Future.failedFuture(tooLarge());
        }
        long timer = vertx.setTimer(
                timeoutMs,
                fired -> whole.tryFail(new ApiException(
                        Problem.REQUEST_TIMEOUT, "the body did not arrive within " + timeoutMs + " ms")));
        request.handler(this::append);
        request.endHandler(end -> whole.tryComplete(body));
        request.exceptionHandler(whole::tryFail);
        return whole.future().onComplete(done -> vertx.cancelTimer(timer));
    }

    // What comes beyond the limit is read and dropped, so that the client gets to see its answer.
    private void append(Buffer part) {
        if (whole.future().isComplete()) {
            return;
        }
        if (body.length() + part.length() > limit) {
            whole.tryFail(tooLarge());
        } else {
            body.appendBuffer(part);
        }
    }

    private ApiException tooLarge() {
        return new ApiException(Problem.BODY_TOO_LARGE, "a body may have " + limit + " bytes");
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        try {
            return length == null ? 0 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }
}
