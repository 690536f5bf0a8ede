package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.resource.DisallowSchemaLoader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * A JSON Schema (2020-12) that a tenant has registered; the one class that knows the library. Tenants write them, so what it
 * costs to hold one against a payload is bounded: references stay within the document and do not come back to themselves,
 * patterns are matched in linear time, and the work is counted before it is begun. Immutable.
 */
final class PayloadSchema {

    /** Subschemas times values; some hundred milliseconds. */
    static final long MOST_WORK = 5_000_000;

    /** With references written out. */
    private static final int MOST_SUBSCHEMAS = 10_000;

    private static final int MOST_ERRORS = 20;
    private static final String DIALECT = "https://json-schema.org/draft/2020-12/schema";

    private static final SchemaValidatorsConfig CONFIG = SchemaValidatorsConfig.builder()
            .pathType(PathType.JSON_POINTER)
            .locale(Locale.ENGLISH)
            .regularExpressionFactory(pattern -> {
                Pattern compiled = Pattern.compile(pattern);
                return text -> compiled.matcher(text).find();
            })
            .build();

    private static final JsonSchemaFactory FACTORY = JsonSchemaFactory.getInstance(
            VersionFlag.V202012,
            builder -> builder.enableSchemaCache(false)
                    .schemaLoaders(loaders -> loaders.add(DisallowSchemaLoader.getInstance())));

    private static final JsonSchema META =
            JsonSchemaFactory.getInstance(VersionFlag.V202012).getSchema(SchemaLocation.of(SchemaId.V202012), CONFIG);

    private final JsonSchema schema;
    private final long size;

    /**
     * What is wrong with a value.
     *
     * @param pointer a JSON pointer into the value
     */
    record Mistake(String pointer, String message) {}

    /** A document is no schema that can be used. */
    static final class Unusable extends Exception {

        private static final long serialVersionUID = 1L;

        private final transient List<Mistake> mistakes;

        Unusable(List<Mistake> mistakes) {
            super(mistakes.getFirst().message(), null, false, false);
            this.mistakes = List.copyOf(mistakes);
        }

        List<Mistake> mistakes() {
            return mistakes;
        }
    }

    private PayloadSchema(JsonSchema schema, long size) {
        this.schema = schema;
        this.size = size;
    }

    /** Reads a schema. */
    static PayloadSchema of(JsonNode document) throws Unusable {
        List<Mistake> mistakes = mistakes(META.validate(document));
        if (!mistakes.isEmpty()) {
            throw new Unusable(mistakes);
        }
        long size = new Size(document).of(document, "");
        try {
            JsonSchema read = FACTORY.getSchema(document, CONFIG);
            read.initializeValidators();
            return new PayloadSchema(read, size);
        } catch (RuntimeException e) {
            throw unusable("", "is no schema that can be used: " + e.getMessage());
        }
    }

    /** How much it is to check a value. */
    long work(JsonNode value) {
        return size * weight(value);
    }

    /** What is wrong with a value; empty when nothing is. Blocks for as long as {@link #work} says. */
    List<Mistake> mistakes(JsonNode value) {
        return mistakes(schema.validate(value));
    }

    private static List<Mistake> mistakes(Set<ValidationMessage> messages) {
        List<Mistake> mistakes = new ArrayList<>();
        for (ValidationMessage message : messages) {
            if (mistakes.size() == MOST_ERRORS) {
                break;
            }
            String at = message.getInstanceLocation().toString();
            String property = "required".equals(message.getType()) ? message.getProperty() : null;
            String pointer = (at.equals("/") ? "" : at)
                    + (property == null ? "" : "/" + property.replace("~", "~0").replace("/", "~1"));
            String text = message.getMessage();
            mistakes.add(new Mistake(
                    pointer,
                    text.startsWith(at + ":") ? text.substring(at.length() + 1).strip() : text));
        }
        return mistakes;
    }

    // A long text is as much work as many values.
    private static long weight(JsonNode value) {
        long weight = 1 + (value.isTextual() ? value.textValue().length() / 64 : 0);
        for (JsonNode child : value) {
            weight += weight(child);
        }
        return weight;
    }

    private static Unusable unusable(String pointer, String message) {
        return new Unusable(List.of(new Mistake(pointer, message)));
    }

    /** How many subschemas there are when each reference is written out. */
    private static final class Size {

        private final JsonNode document;
        private final Map<String, Long> known = new HashMap<>();
        private final Set<String> above = new HashSet<>();

        Size(JsonNode document) {
            this.document = document;
        }

        long of(JsonNode node, String pointer) throws Unusable {
            long size = 1;
            for (Map.Entry<String, JsonNode> entry : node.properties()) {
                String at = pointer + "/" + entry.getKey().replace("~", "~0").replace("/", "~1");
                JsonNode value = entry.getValue();
                if (pointer.endsWith("/patternProperties")) {
                    size += compiled(entry.getKey(), at);
                }
                size += value.isTextual() ? keyword(entry.getKey(), value.textValue(), at) : of(value, at);
            }
            for (int i = 0; node.isArray() && i < node.size(); i++) {
                size += of(node.get(i), pointer + "/" + i);
            }
            if (size > MOST_SUBSCHEMAS) {
                throw unusable(pointer, "has more than " + MOST_SUBSCHEMAS + " parts, its references written out");
            }
            return size;
        }

        private long keyword(String name, String value, String at) throws Unusable {
            switch (name) {
                case "$ref" -> {
                    return target(value, at);
                }
                case "pattern" -> {
                    return compiled(value, at);
                }
                case "$dynamicRef", "$recursiveRef", "$id" -> throw unusable(at, "is not supported");
                case "$schema" -> {
                    if (!value.equals(DIALECT)) {
                        throw unusable(at, "must be " + DIALECT);
                    }
                }
                default -> {}
            }
            return 1;
        }

        // A counted repetition is written out too: what is matched in linear time may still be a long line.
        private static long compiled(String pattern, String at) throws Unusable {
            long size = PatternSize.of(pattern);
            if (size > MOST_SUBSCHEMAS) {
                throw unusable(at, "has more than " + MOST_SUBSCHEMAS + " parts, its repetitions written out");
            }
            try {
                Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw unusable(at, "is no pattern of RE2: " + e.getDescription());
            }
            return size;
        }

        private long target(String reference, String at) throws Unusable {
            if (!reference.equals("#") && !reference.startsWith("#/")) {
                throw unusable(at, "must point into this schema, as #/$defs/... does: nothing is fetched");
            }
            JsonNode target = document.at(decoded(reference.substring(1), at));
            if (target.isMissingNode()) {
                throw unusable(at, "points to nothing");
            }
            Long before = known.get(reference);
            if (before != null) {
                return before;
            }
            if (!above.add(reference)) {
                throw unusable(at, "comes back to itself, which is not supported");
            }
            long size = of(target, reference.substring(1));
            above.remove(reference);
            known.put(reference, size);
            return size;
        }

        private static String decoded(String pointer, String at) throws Unusable {
            try {
                return java.net.URLDecoder.decode(pointer.replace("+", "%2B"), java.nio.charset.StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw unusable(at, "is no reference");
            }
        }
    }
}
