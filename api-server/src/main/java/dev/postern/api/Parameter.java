package dev.postern.api;

import dev.postern.api.ApiException.FieldError;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A parameter of an operation.
 *
 * @param in path, query or header
 * @param type string, integer, boolean or array, of strings with commas between them
 * @param fallback what holds when it is not sent, or null
 */
record Parameter(
        String name,
        String in,
        boolean required,
        String type,
        @Nullable Object fallback,
        Shape shape) {

    static Parameter of(JsonObject spec) {
        JsonObject schema = spec.getJsonObject("schema");
        return new Parameter(
                spec.getString("name"),
                spec.getString("in"),
                spec.getBoolean("required", false),
                schema.getString("type", "string"),
                schema.getValue("default"),
                new Shape(schema));
    }

    /** Where it stands, for people. */
    String field() {
        return in + "." + name;
    }

    /**
     * What the text says, or its fallback where there is none; null when there is neither.
     *
     * @param errors gets what is wrong with it
     */
    @Nullable
    Object value(@Nullable String sent, List<FieldError> errors) {
        if (sent == null) {
            if (required) {
                errors.add(new FieldError(field(), "is missing"));
            }
            return fallback;
        }
        Object value = switch (type) {
            case "integer" -> integer(sent);
            case "boolean" -> sent.equals("true") || sent.equals("false") ? Boolean.valueOf(sent) : (Object) sent;
            case "array" -> new JsonArray(List.of(sent.split(",", -1)));
            default -> sent;
        };
        errors.addAll(shape.errors(field(), value));
        return value;
    }

    // What is no number stays text, and the schema says so.
    private static Object integer(String text) {
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            return text;
        }
    }
}
