package dev.postern.functions.passport;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeMap;

/**
 * One text for one value: keys sorted, no white space, the escapes of RFC 8785. Other than there, numbers are exact
 * decimals, in plain notation without zeros at their end: a mass of 12345678901234567890.1 g stays what it is.
 */
final class CanonicalJson {

    /** More digits than this before or after the point are no measurement, and 1e999999999 would fill the memory. */
    private static final int MOST_DIGITS = 40;

    /** Reads what it is given exactly, and refuses a key that stands twice: who sees which of the two is anybody's guess. */
    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private CanonicalJson() {}

    static JsonNode read(String text) throws JsonProcessingException {
        return JSON.readTree(text);
    }

    /**
     * The value's one text.
     *
     * @throws IllegalArgumentException when it has none: a number out of bounds, half a surrogate pair, a NUL
     */
    static String text(JsonNode value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    static String sha256(String text) {
        return HexFormat.of().formatHex(sha256(text.getBytes(StandardCharsets.UTF_8)));
    }

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static void write(JsonNode value, StringBuilder out) {
        switch (value.getNodeType()) {
            case OBJECT -> {
                TreeMap<String, JsonNode> fields = new TreeMap<>();
                value.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
                String separator = "{";
                for (var field : fields.entrySet()) {
                    out.append(separator);
                    string(field.getKey(), out);
                    out.append(':');
                    write(field.getValue(), out);
                    separator = ",";
                }
                out.append(fields.isEmpty() ? "{}" : "}");
            }
            case ARRAY -> {
                String separator = "[";
                for (JsonNode element : value) {
                    out.append(separator);
                    write(element, out);
                    separator = ",";
                }
                out.append(value.isEmpty() ? "[]" : "]");
            }
            case STRING -> string(value.textValue(), out);
            case NUMBER -> out.append(number(value.decimalValue()));
            case BOOLEAN -> out.append(value.booleanValue());
            case NULL -> out.append("null");
            case BINARY, MISSING, POJO ->
                throw new IllegalArgumentException("a " + value.getNodeType() + " is no JSON value");
        }
    }

    private static String number(BigDecimal number) {
        BigDecimal plain = number.stripTrailingZeros();
        if (plain.scale() > MOST_DIGITS || plain.precision() - plain.scale() > MOST_DIGITS) {
            throw new IllegalArgumentException(
                    "a number has more than " + MOST_DIGITS + " digits on a side of its point");
        }
        return plain.toPlainString();
    }

    private static void string(String text, StringBuilder out) {
        try {
            StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("a text has half of a surrogate pair", e);
        }
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\b' -> out.append("\\b");
                case '\t' -> out.append("\\t");
                case '\n' -> out.append("\\n");
                case '\f' -> out.append("\\f");
                case '\r' -> out.append("\\r");
                case 0 -> throw new IllegalArgumentException("a text has a NUL, which Postgres cannot keep");
                default -> {
                    if (c < 0x20) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
