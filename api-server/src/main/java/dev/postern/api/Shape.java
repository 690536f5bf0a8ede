package dev.postern.api;

import dev.postern.api.ApiException.FieldError;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputFormat;
import io.vertx.json.schema.OutputUnit;
import io.vertx.json.schema.Validator;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A JSON Schema that values are held against; the one class that knows the validator. Immutable. */
final class Shape {

    /** So many mistakes tell what is wrong; a thousand elements with the same one tell no more. */
    private static final int MOST_ERRORS = 20;

    private static final Pattern MISSING = Pattern.compile("required property \"([^\"]+)\"");

    private final Validator validator;

    Shape(JsonObject schema) {
        this.validator = Validator.create(
                JsonSchema.of(schema),
                new JsonSchemaOptions()
                        .setBaseUri("urn:postern:api")
                        .setDraft(Draft.DRAFT202012)
                        .setOutputFormat(OutputFormat.Basic));
    }

    /**
     * What is wrong with a value; empty when nothing is.
     *
     * @param root the value's own name, such as {@code body}
     */
    List<FieldError> errors(String root, @Nullable Object value) {
        OutputUnit output = validator.validate(value);
        if (Boolean.TRUE.equals(output.getValid())) {
            return List.of();
        }
        // The validator tells it for each keyword on the way up; the first of a place is the one that says most.
        Map<String, String> byField = new LinkedHashMap<>();
        List<OutputUnit> units = output.getErrors() == null ? List.of(output) : output.getErrors();
        for (OutputUnit unit : units) {
            String error = String.valueOf(unit.getError());
            if (!isWrapper(unit)) {
                Matcher missing = MISSING.matcher(error);
                String field = field(root, unit.getInstanceLocation());
                byField.putIfAbsent(missing.find() ? field + "." + missing.group(1) : field, error);
            }
        }
        List<FieldError> errors = new ArrayList<>();
        byField.forEach((field, message) -> {
            if (errors.size() < MOST_ERRORS) {
                errors.add(new FieldError(field, message));
            }
        });
        return errors.isEmpty() ? List.of(new FieldError(root, "is not as the contract says")) : errors;
    }

    // "properties", "items" and the like only report that something below them is wrong.
    private static boolean isWrapper(OutputUnit unit) {
        String keyword = String.valueOf(unit.getKeywordLocation());
        return keyword.matches(".*/(properties|items|allOf|\\$ref|prefixItems|patternProperties|then|else)");
    }

    private static String field(String root, @Nullable String pointer) {
        StringBuilder field = new StringBuilder(root);
        String path = pointer == null ? "" : pointer.replaceFirst("^#?/?", "");
        for (String part : path.split("/", -1)) {
            if (part.matches("\\d+")) {
                field.append('[').append(part).append(']');
            } else if (!part.isEmpty()) {
                field.append('.')
                        .append(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8)
                                .replace("~1", "/")
                                .replace("~0", "~"));
            }
        }
        return field.toString();
    }
}
