package dev.postern.functions.passport;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One thing that a document says.
 *
 * @param key what it is about, such as {@code product.model}; ASCII
 * @param value what is said
 * @param hash SHA-256, in hex, over the canonical {@code {"key": …, "value": …}}
 */
record Fact(String key, JsonNode value, String hash) {

    static Fact of(String key, JsonNode value) {
        return new Fact(key, value, hash(key, value));
    }

    /** False when key or value are not those that were hashed. */
    boolean intact() {
        return hash.equals(hash(key, value));
    }

    private static String hash(String key, JsonNode value) {
        return CanonicalJson.sha256("{\"key\":\"" + key + "\",\"value\":" + CanonicalJson.text(value) + "}");
    }
}
