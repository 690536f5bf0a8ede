package dev.postern.callback;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A body that is JSON and that Postgres can keep: UTF-8, and without the characters and numbers that JSON can write but
 * that do not survive being stored and read.
 *
 * @param text as it was sent, so that numbers and the order of keys survive
 * @param node what it says
 */
record JsonText(String text, JsonNode node) {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /** An object without fields, for a body that is not there. */
    static final JsonNode NO_FIELDS = MAPPER.createObjectNode();

    /**
     * Reads a body; empty when there is none.
     *
     * @throws ReportException when it is no JSON
     */
    static Optional<JsonText> read(Buffer body) {
        String text = decode(body);
        if (text.isBlank()) {
            return Optional.empty();
        }
        JsonNode node = parse(text);
        refuseWhatCannotBeKept(node);
        return Optional.of(new JsonText(text, node));
    }

    private static String decode(Buffer body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body.getBytes()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw ReportException.invalid("the body is not UTF-8; send JSON in UTF-8, without compression");
        }
    }

    private static JsonNode parse(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw ReportException.invalid("the body is not JSON" + where(e.getLocation()) + ": "
                    + e.getOriginalMessage().lines().findFirst().orElse("unreadable"));
        }
    }

    // Jackson's limits (depth, length of a number) come without a location.
    private static String where(@Nullable JsonLocation location) {
        return location == null ? "" : ", line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    // Depth is bounded by Jackson's own limit of nesting.
    private static void refuseWhatCannotBeKept(JsonNode node) {
        if (node.isTextual()) {
            refuseWhatIsNoText(node.textValue());
        }
        if (node.isNumber() && !Double.isFinite(node.doubleValue())) {
            throw ReportException.invalid("the body contains a number beyond 1e308; send it as a string");
        }
        for (Map.Entry<String, JsonNode> property : node.properties()) {
            refuseWhatIsNoText(property.getKey());
        }
        for (JsonNode child : node) {
            refuseWhatCannotBeKept(child);
        }
    }

    private static void refuseWhatIsNoText(String text) {
        if (text.indexOf('\0') >= 0) {
            throw ReportException.invalid("the body contains U+0000, which PostgreSQL cannot store; leave it out");
        }
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw ReportException.invalid("the body contains half a surrogate pair, which is no character");
        }
    }
}
