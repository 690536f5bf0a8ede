package dev.postern.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a handler answers; the envelope is added to it.
 *
 * @param status the HTTP status
 * @param body null for none
 * @param headers beside those that every answer has
 * @param stream writes the answer itself, from the status on; null for all that have an end
 * @param follows the traceparent of what was started over; null for most
 */
record Answer(
        int status,
        @Nullable ObjectNode body,
        Map<String, String> headers,
        @Nullable Consumer<HttpServerResponse> stream,
        @Nullable String follows) {

    static Answer of(int status, ObjectNode body, Map<String, String> headers) {
        return new Answer(status, body, headers, null, null);
    }

    static Answer ok(ObjectNode body) {
        return of(200, body, Map.of());
    }

    /** A page of a list; {@code next} is where the next one begins, null at the end. */
    static Answer page(Request request, ObjectNode body, @Nullable String next) {
        return of(200, body.put("nextCursor", next), next == null ? Map.of() : Map.of("Link", request.next(next)));
    }

    static Answer done(String message) {
        return ok(JsonText.object().put("message", message));
    }

    /** A status that says everything. */
    static Answer empty(int status, Map<String, String> headers) {
        return new Answer(status, null, headers, null, null);
    }

    Answer withHeader(String name, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(name, value);
        return new Answer(status, body, more, stream, follows);
    }

    Answer following(String traceparent) {
        return new Answer(status, body, headers, stream, traceparent);
    }

    static Answer streamed(Consumer<HttpServerResponse> stream) {
        return new Answer(200, null, Map.of(), stream, null);
    }
}
