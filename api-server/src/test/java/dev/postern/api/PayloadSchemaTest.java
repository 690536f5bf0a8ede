package dev.postern.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.api.PayloadSchema.Mistake;
import dev.postern.api.PayloadSchema.Unusable;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a schema finds, and which documents are none that may be registered. */
class PayloadSchemaTest {

    @Test
    void namesEachMistakeByItsPlace() throws Unusable {
        PayloadSchema schema = PayloadSchema.of(json("""
                {"type": "object", "required": ["email"], "additionalProperties": false, "properties": {
                  "email": {"type": "string", "pattern": "^[^@]+@[^@]+$"},
                  "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
                  "a/b": {"type": "integer"}},
                 "$defs": {"row": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}}}"""));

        assertThat(pointers(schema, "{\"email\": \"ada@example.com\", \"rows\": [{\"n\": 1}]}"))
                .isEmpty();
        assertThat(pointers(schema, "{}")).containsExactly("/email");
        assertThat(pointers(schema, "{\"email\": \"ada\", \"rows\": [{\"n\": 1}, {\"n\": 0}]}"))
                .containsExactlyInAnyOrder("/email", "/rows/1/n");
        assertThat(pointers(schema, "{\"email\": \"a@b\", \"a/b\": \"x\"}")).containsExactly("/a~1b");
        assertThat(pointers(schema, "7")).containsExactly("");
        assertThat(schema.mistakes(json("{\"email\": 7}")).getFirst().message())
                .contains("string expected")
                .doesNotStartWith("/email");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\": \"strin\"}",
                "{\"minimum\": \"1\"}",
                "{\"$ref\": \"https://example.com/schema.json\"}",
                "{\"$ref\": \"file:///etc/passwd\"}",
                "{\"$ref\": \"other.json#/a\"}",
                "{\"$ref\": \"#/$defs/missing\"}",
                "{\"$ref\": \"#\"}",
                "{\"properties\": {\"child\": {\"$ref\": \"#\"}}}",
                "{\"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, \"b\": {\"$ref\": \"#/$defs/a\"}}}",
                "{\"$id\": \"https://example.com/\", \"type\": \"object\"}",
                "{\"$schema\": \"http://json-schema.org/draft-04/schema#\"}",
                "{\"$dynamicRef\": \"#a\"}",
                "{\"pattern\": \"(?=look)ahead\"}",
                "{\"pattern\": \"(\"}",
                "{\"pattern\": \"((a{100}){100}){100}\"}",
                "7",
            })
    void refusesWhatCannotBeHeldAgainstPayloads(String document) {
        assertThatThrownBy(() -> PayloadSchema.of(json(document))).isInstanceOf(Unusable.class);
    }

    /** Each step doubles: thirty of them would be a thousand million subschemas. */
    @Test
    void refusesReferencesThatMultiply() {
        StringBuilder definitions = new StringBuilder("\"d0\": {\"type\": \"object\"}");
        for (int i = 1; i < 30; i++) {
            definitions
                    .append(", \"d")
                    .append(i)
                    .append("\": {\"allOf\": [{\"$ref\": \"#/$defs/d")
                    .append(i - 1)
                    .append("\"}, {\"$ref\": \"#/$defs/d")
                    .append(i - 1)
                    .append("\"}]}");
        }
        assertThatThrownBy(
                        () -> PayloadSchema.of(json("{\"$ref\": \"#/$defs/d29\", \"$defs\": {" + definitions + "}}")))
                .isInstanceOf(Unusable.class)
                .hasMessageContaining("more than");
    }

    /** With java.util.regex this would not end in a lifetime. */
    @Test
    void matchesPatternsInLinearTime() throws Unusable {
        PayloadSchema schema = PayloadSchema.of(json("{\"pattern\": \"^(a+)+$\"}"));
        assertThat(pointers(schema, "\"" + "a".repeat(50_000) + "!\"")).containsExactly("");
    }

    @Test
    void writesRepetitionsOutBeforeAPatternIsRead() {
        assertThat(PatternSize.of("^[0-9a-f]{8}-[0-9a-f]{4}$")).isBetween(14L, 30L);
        assertThat(PatternSize.of("((a{100}){100}){100}")).isGreaterThan(1_000_000);
        assertThat(PatternSize.of("\\{100}[{9}]")).isLessThan(200);
        assertThat(PatternSize.of("(".repeat(9) + "a{999999999}{999999999}")).isGreaterThan(1_000_000);
    }

    @Test
    void countsTheWorkBeforeItIsBegun() throws Unusable {
        PayloadSchema small = PayloadSchema.of(json("{\"type\": \"object\"}"));
        assertThat(small.work(json("{\"a\": [1, 2, 3]}"))).isLessThan(100);
        assertThat(small.work(json("\"" + "a".repeat(64_000) + "\""))).isGreaterThan(1_000);
    }

    private static List<String> pointers(PayloadSchema schema, String value) {
        return schema.mistakes(json(value)).stream().map(Mistake::pointer).toList();
    }

    private static JsonNode json(String text) {
        return JsonText.trusted(text);
    }
}
