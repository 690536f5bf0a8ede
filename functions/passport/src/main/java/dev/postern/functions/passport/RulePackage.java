package dev.postern.functions.passport;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.runtime.PermanentFailure;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How facts become a passport: {@code {"fields": [{"field": …, …}, …]}}, each with one of {@code "fact": <key>},
 * {@code "facts": <prefix>} and {@code "sum": <prefix>, "of": <number's name>}.
 *
 * @param hash SHA-256, in hex, over the canonical rules
 */
record RulePackage(String name, int version, String hash, List<Rule> rules) {

    /** One field of the passport. */
    sealed interface Rule {
        String field();
    }

    /** The value of one fact; {@code oneOf} is empty where any value will do. */
    record Take(String field, String fact, boolean required, Set<String> oneOf) implements Rule {}

    /** An object of all facts whose keys begin so, by the rest of the key. */
    record Collect(String field, String prefix) implements Rule {}

    /** The sum of a number over all facts whose keys begin so; exact. */
    record Sum(String field, String prefix, String of) implements Rule {}

    /**
     * Reads rules.
     *
     * @throws PermanentFailure {@code RULES_INVALID}, with what is wrong
     */
    static RulePackage of(String name, int version, JsonNode json) {
        JsonNode fields = json.path("fields");
        if (!fields.isArray() || fields.isEmpty()) {
            throw invalid("they must have a list 'fields'");
        }
        List<Rule> rules = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (JsonNode each : fields) {
            Rule rule = rule(each);
            if (!seen.add(rule.field())) {
                throw invalid("'" + rule.field() + "' stands in them twice");
            }
            rules.add(rule);
        }
        try {
            return new RulePackage(name, version, CanonicalJson.sha256(CanonicalJson.text(json)), List.copyOf(rules));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private static Rule rule(JsonNode json) {
        String field = text(json, "field");
        if (json.has("fact")) {
            Set<String> oneOf = new HashSet<>();
            json.path("one_of").forEach(value -> oneOf.add(CanonicalJson.text(value)));
            return new Take(field, text(json, "fact"), json.path("required").asBoolean(false), Set.copyOf(oneOf));
        }
        if (json.has("facts")) {
            return new Collect(field, text(json, "facts"));
        }
        if (json.has("sum")) {
            return new Sum(field, text(json, "sum"), text(json, "of"));
        }
        throw invalid("'" + field + "' has none of 'fact', 'facts' and 'sum'");
    }

    private static String text(JsonNode json, String name) {
        if (!json.path(name).isTextual() || json.path(name).textValue().isEmpty()) {
            throw invalid("each of their fields needs a text '" + name + "' where it has one");
        }
        return json.path(name).textValue();
    }

    private static PermanentFailure invalid(String problem) {
        return PermanentFailure.withCode("RULES_INVALID", "the rules cannot be used: " + problem);
    }
}
