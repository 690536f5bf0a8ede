package dev.postern.functions.passport;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.runtime.PermanentFailure;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Reads {@code {"product": {…}, "materials": [{"name": …, …}, …]}}: each property of the product is a fact
 * {@code product.<property>}, each material a fact {@code material.<name>} with its other fields as value. Pure.
 */
final class BillOfMaterials {

    static final String PRODUCT = "product.";
    static final String MATERIAL = "material.";

    private static final int MOST_FACTS = 5000;

    /** ASCII, because the database's order of keys and Java's must agree. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9 _().-]{0,99}");

    private BillOfMaterials() {}

    /**
     * The facts in the order of their keys.
     *
     * @throws PermanentFailure {@code BOM_INVALID}, with what is wrong
     */
    static List<Fact> facts(String content) {
        JsonNode document;
        try {
            document = CanonicalJson.read(content);
        } catch (JsonProcessingException e) {
            throw PermanentFailure.withCode("BOM_INVALID", "the document is no JSON, or has a key twice", e);
        }
        JsonNode product = document.path("product");
        JsonNode materials = document.path("materials");
        if (!product.isObject() || product.isEmpty() || !materials.isArray()) {
            throw invalid("it must have an object 'product' and a list 'materials'");
        }
        TreeMap<String, Fact> facts = new TreeMap<>();
        product.properties().forEach(property -> add(facts, PRODUCT, property.getKey(), property.getValue()));
        for (JsonNode material : materials) {
            if (!(material instanceof ObjectNode object) || !object.path("name").isTextual()) {
                throw invalid("each material must be an object with a text 'name'");
            }
            ObjectNode rest = object.deepCopy();
            rest.remove("name");
            add(facts, MATERIAL, object.path("name").textValue(), rest);
        }
        if (facts.size() > MOST_FACTS) {
            throw invalid("it has " + facts.size() + " facts, " + MOST_FACTS + " are the most");
        }
        return List.copyOf(facts.values());
    }

    private static void add(TreeMap<String, Fact> facts, String kind, String name, JsonNode value) {
        if (!NAME.matcher(name).matches()) {
            throw invalid("the name of a " + kind + " fact must be 1 to 100 letters, digits, spaces or _().-");
        }
        Fact fact;
        try {
            fact = Fact.of(kind + name, value);
        } catch (IllegalArgumentException e) {
            throw invalid(kind + name + ": " + e.getMessage());
        }
        if (facts.put(fact.key(), fact) != null) {
            throw invalid(fact.key() + " stands in it twice");
        }
    }

    private static PermanentFailure invalid(String problem) {
        return PermanentFailure.withCode("BOM_INVALID", "the document is no bill of materials: " + problem);
    }
}
