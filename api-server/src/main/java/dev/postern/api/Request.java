package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.sql.Acting;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request that keeps to the contract, from somebody who may send it.
 *
 * @param parameters by name: Long, String, Boolean or JsonArray
 * @param body empty object where none was sent
 * @param uri its path and query, as they were sent
 * @param gone completes when nobody waits for the answer any more
 */
record Request(
        Caller caller,
        Envelope envelope,
        Map<String, Object> parameters,
        JsonNode body,
        String uri,
        Future<Void> gone) {

    /** What the database is told. */
    Acting acting() {
        return new Acting(caller.tenant(), caller.actor(), envelope.requestId(), envelope.traceparent());
    }

    @Nullable
    String text(String name) {
        return (String) parameters.get(name);
    }

    int number(String name) {
        return ((Number) parameters.getOrDefault(name, 0)).intValue();
    }

    @Nullable
    List<String> texts(String name) {
        return parameters.get(name) instanceof JsonArray array
                ? array.stream().map(String::valueOf).toList()
                : null;
    }

    @Nullable
    OffsetDateTime time(String name) {
        String text = text(name);
        return text == null ? null : time("query." + name, text);
    }

    /** The same list from a cursor on, as a header's value. */
    String next(String cursor) {
        String[] parts = uri.split("\\?", 2);
        String others = Arrays.stream((parts.length > 1 ? parts[1] : "").split("&", -1))
                .filter(one -> !one.isEmpty() && !one.startsWith("page=") && !one.startsWith("cursor="))
                .map(one -> one + "&")
                .collect(Collectors.joining());
        return "<" + parts[0] + "?" + others + "cursor=" + URLEncoder.encode(cursor, StandardCharsets.UTF_8)
                + ">; rel=\"next\"";
    }

    /** An id of a row. */
    long id(String name) {
        return id("path." + name, String.valueOf(text(name)));
    }

    static long id(String field, String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw ApiException.invalid(field, "is larger than any id");
        }
    }

    /** A moment that the database can keep. */
    static OffsetDateTime time(String field, String text) {
        try {
            OffsetDateTime time = OffsetDateTime.parse(text);
            if (time.getYear() >= 1 && time.getYear() <= 9999) {
                return time;
            }
        } catch (DateTimeParseException e) {
            throw ApiException.invalid(field, "is no time with an offset such as 2027-01-31T08:00:00Z");
        }
        throw ApiException.invalid(field, "must be from year 1 to 9999");
    }
}
