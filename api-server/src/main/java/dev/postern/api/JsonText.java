package dev.postern.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A body that is JSON and that Postgres can keep.
 *
 * @param node what it says, numbers digit by digit
 * @param value the same as Vert.x holds JSON, for validation
 */
record JsonText(JsonNode node, @Nullable Object value) {

    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /**
     * Reads a body.
     *
     * @throws ApiException when it is no JSON, or holds what cannot be stored
     */
    static JsonText read(Buffer body) {
        String text = decode(body);
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw ApiException.invalid(
                    "body",
                    "is not JSON: " + e.getOriginalMessage().lines().findFirst().orElse("unreadable"));
        }
        if (node.isMissingNode()) {
            throw ApiException.invalid("body", "is blank");
        }
        refuseWhatCannotBeKept(node);
        try {
            return new JsonText(node, Json.decodeValue(text));
        } catch (DecodeException e) {
            throw ApiException.invalid("body", "is not JSON that this server reads");
        }
    }

    /** Reads what the database wrote. */
    static JsonNode trusted(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the database sent what is no JSON", e);
        }
    }

    static Buffer buffer(ObjectNode body) {
        return Buffer.buffer(body.toString().getBytes(StandardCharsets.UTF_8));
    }

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    private static String decode(Buffer body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body.getBytes()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw ApiException.invalid("body", "is not UTF-8");
        }
    }

    // Depth is bounded by Jackson's own limit of nesting.
    private static void refuseWhatCannotBeKept(JsonNode node) {
        if (node.isTextual()) {
            refuseWhatIsNoText("body", node.textValue());
        }
        if (node.isNumber() && !Double.isFinite(node.doubleValue())) {
            throw ApiException.invalid("body", "contains a number beyond 1e308; send it as a string");
        }
        for (Map.Entry<String, JsonNode> property : node.properties()) {
            refuseWhatIsNoText("body", property.getKey());
        }
        for (JsonNode child : node) {
            refuseWhatCannotBeKept(child);
        }
    }

    /** Refuses text that PostgreSQL cannot store. */
    static void refuseWhatIsNoText(String field, String text) {
        if (text.indexOf('\0') >= 0) {
            throw ApiException.invalid(field, "contains U+0000, which cannot be stored");
        }
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw ApiException.invalid(field, "contains half a surrogate pair, which is no character");
        }
    }
}
