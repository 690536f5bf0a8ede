package dev.postern.functions.passport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.passport.PassportCompiler.Compiled;
import dev.postern.functions.runtime.PermanentFailure;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The same snapshot and rules give the same bytes; others give others; what was changed afterwards is found. */
class PassportCompilerTest {

    static final String BOM = """
            {"product": {"model": "LFP-48V-100Ah", "chemistry": "LFP", "capacity_ah": 100},
             "materials": [{"name": "lithium", "mass_g": 1250.50, "origin": "CL"},
                           {"name": "iron phosphate", "mass_g": 12345678901234567890.1}]}
            """;
    static final String RULES = """
            {"fields": [{"field": "model", "fact": "product.model", "required": true},
                        {"field": "chemistry", "fact": "product.chemistry", "one_of": ["LFP", "NMC"]},
                        {"field": "materials", "facts": "material."},
                        {"field": "mass_g", "sum": "material.", "of": "mass_g"}]}
            """;

    @Test
    void compilesWhatTheRulesSay() throws Exception {
        Compiled passport = PassportCompiler.compile(sealed(BillOfMaterials.facts(BOM)), rules(RULES));

        assertThat(passport.payload())
                .isEqualTo("{\"format\":\"BPC-PASSPORT-1\",\"passport\":{\"chemistry\":\"LFP\","
                        + "\"mass_g\":12345678901234569140.6,"
                        + "\"materials\":{\"iron phosphate\":{\"mass_g\":12345678901234567890.1},"
                        + "\"lithium\":{\"mass_g\":1250.5,\"origin\":\"CL\"}},\"model\":\"LFP-48V-100Ah\"},"
                        + "\"rules\":{\"name\":\"battery\",\"version\":1}}");
        assertThat(passport.intact()).isTrue();
        // Pinned: who changes these bytes changes PassportCompiler.COMPILER too.
        assertThat(passport.payloadHash()).isEqualTo(CanonicalJson.sha256(passport.payload()));
        assertThat(passport.receipt()).contains("\"compiler\":\"postern-passport/1\"");
    }

    /** A thousand random documents, each written down in two ways that mean the same. */
    @Test
    void isTheSameForEveryWayOfWritingTheSame() throws Exception {
        Random random = new Random(20260131);
        for (int round = 0; round < 1000; round++) {
            ObjectNode bom = bom(random);
            Compiled one = compiled(bom.toString(), random);
            Compiled other = compiled(rewritten(bom, random), random);
            assertThat(other).as("round %d: %s", round, bom).isEqualTo(one);
            assertThat(CanonicalJson.text(CanonicalJson.read(one.payload())))
                    .as("canonical text is a fixed point, round %d", round)
                    .isEqualTo(one.payload());
        }
    }

    @Test
    void writesSumsWithoutZerosAtTheirEnd() {
        assertThat(CanonicalJson.text(DecimalNode.valueOf(new BigDecimal("200.00"))))
                .isEqualTo("200");
    }

    @Test
    void isAnotherWhenAnyFactOrRuleIsAnother() throws Exception {
        Compiled passport = PassportCompiler.compile(sealed(BillOfMaterials.facts(BOM)), rules(RULES));
        Compiled otherFact =
                PassportCompiler.compile(sealed(BillOfMaterials.facts(BOM.replace("\"CL\"", "\"AU\""))), rules(RULES));
        Compiled otherRule =
                PassportCompiler.compile(sealed(BillOfMaterials.facts(BOM)), rules(RULES.replace("NMC", "NCA")));

        assertThat(otherFact.payloadHash()).isNotEqualTo(passport.payloadHash());
        assertThat(otherFact.proofRoot()).isNotEqualTo(passport.proofRoot());
        // No value of it changed, so the passport says the same; the receipt tells them apart.
        assertThat(otherRule.payloadHash()).isEqualTo(passport.payloadHash());
        assertThat(otherRule.receiptHash()).isNotEqualTo(passport.receiptHash());
    }

    @Test
    void findsWhatWasChangedAfterTheSeal() throws Exception {
        List<Fact> facts = new ArrayList<>(BillOfMaterials.facts(BOM));
        Snapshot snapshot = sealed(facts);
        Fact first = facts.removeFirst();
        facts.addFirst(new Fact(first.key(), JsonNodeFactory.instance.textNode("forged"), first.hash()));
        refuses("SNAPSHOT_TAMPERED", new Snapshot(snapshot.hash(), facts), RULES);
        refuses(
                "SNAPSHOT_TAMPERED",
                new Snapshot(snapshot.hash(), snapshot.facts().subList(1, 3)),
                RULES);
        List<Fact> twice = List.of(
                Fact.of("a", JsonNodeFactory.instance.textNode("1")),
                Fact.of("a", JsonNodeFactory.instance.textNode("2")));
        refuses("SNAPSHOT_AMBIGUOUS", sealed(twice), RULES);
        Compiled passport = PassportCompiler.compile(snapshot, rules(RULES));
        Compiled forged = new Compiled(
                passport.payload().replace("LFP-48V", "LFP-96V"),
                passport.payloadHash(),
                passport.proof(),
                passport.proofRoot(),
                passport.receipt(),
                passport.receiptHash());
        assertThat(forged.intact()).isFalse();
    }

    @Test
    void saysEveryRuleThatIsNotMet() {
        String rules = RULES.replace("product.model", "product.name")
                .replace("LFP", "LCO")
                .replace("of\": \"mass_g", "of\": \"origin");
        assertThatThrownBy(() -> PassportCompiler.compile(sealed(BillOfMaterials.facts(BOM)), rules(rules)))
                .isInstanceOfSatisfying(
                        PermanentFailure.class, e -> assertThat(e.code()).isEqualTo("RULES_NOT_MET"))
                .hasMessageContainingAll("'model' needs", "'chemistry' allows", "origin of material.lithium");
    }

    @Test
    void refusesDocumentsAndRulesThatAreNone() {
        for (String bom : List.of(
                "",
                "[]",
                "{\"product\":{},\"materials\":[]}",
                BOM.replace("\"name\": \"lithium\", ", ""),
                BOM.replace("iron phosphate", "lithium"),
                BOM.replace("1250.50", "1e999999999"),
                BOM.replace("\"CL\"", "\"\\ud800\""),
                BOM.replace("\"CL\"", "\"\\u0000\""),
                BOM.replace("\"chemistry\"", "\"model\""),
                BOM.replace("lithium", "lithium\\n x"))) {
            assertThatThrownBy(() -> BillOfMaterials.facts(bom))
                    .as(bom)
                    .isInstanceOfSatisfying(
                            PermanentFailure.class, e -> assertThat(e.code()).isEqualTo("BOM_INVALID"));
        }
        for (String rules : List.of(
                "[]",
                "{\"fields\": []}",
                "{\"fields\": [{\"field\": \"a\"}]}",
                "{\"fields\": [{\"fact\": \"a\"}]}",
                "{\"fields\": [{\"field\":\"a\",\"fact\":\"b\"},{\"field\":\"a\",\"fact\":\"c\"}]}")) {
            assertThatThrownBy(() -> rules(rules))
                    .as(rules)
                    .isInstanceOfSatisfying(
                            PermanentFailure.class, e -> assertThat(e.code()).isEqualTo("RULES_INVALID"));
        }
    }

    private static void refuses(String code, Snapshot snapshot, String rules) {
        assertThatThrownBy(() -> PassportCompiler.compile(snapshot, rules(rules)))
                .isInstanceOfSatisfying(
                        PermanentFailure.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    private static Compiled compiled(String bom, Random random) throws JsonProcessingException {
        List<Fact> facts = new ArrayList<>(BillOfMaterials.facts(bom));
        Collections.shuffle(facts, random);
        return PassportCompiler.compile(
                sealed(facts),
                rules(
                        "{\"fields\":[{\"field\":\"all\",\"facts\":\"material.\"},{\"field\":\"p\",\"facts\":\"product.\"}]}"));
    }

    private static ObjectNode bom(Random random) {
        ObjectNode bom = JsonNodeFactory.instance.objectNode();
        ObjectNode product = bom.putObject("product");
        for (int i = 0; i <= random.nextInt(4); i++) {
            product.set("p" + i, value(random, 2));
        }
        ArrayNode materials = bom.putArray("materials");
        for (int i = 0; i < random.nextInt(6); i++) {
            ObjectNode material = materials.addObject().put("name", "m " + i);
            material.set("v", value(random, 2));
            material.set("w", value(random, 0));
        }
        return bom;
    }

    private static JsonNode value(Random random, int depth) {
        JsonNodeFactory json = JsonNodeFactory.withExactBigDecimals(true);
        return switch (random.nextInt(depth == 0 ? 4 : 6)) {
            case 0 -> json.numberNode(new BigDecimal(new BigInteger(90, random), random.nextInt(30)));
            case 1 ->
                json.textNode(random.ints(random.nextInt(8), 1, 0x2fff)
                        .mapToObj(Character::toString)
                        .collect(Collectors.joining()));
            case 2 -> json.booleanNode(random.nextBoolean());
            case 3 -> json.nullNode();
            case 4 -> json.arrayNode().add(value(random, depth - 1)).add(value(random, depth - 1));
            default -> {
                ObjectNode object = json.objectNode();
                object.set("b", value(random, depth - 1));
                object.set("a\u00e9", value(random, depth - 1));
                yield object;
            }
        };
    }

    /** White space, keys in another order, zeros and exponents that change nothing, escapes for characters. */
    private static String rewritten(JsonNode value, Random random) {
        String space = " ".repeat(random.nextInt(2));
        if (value.isObject()) {
            List<String> fields = new ArrayList<>();
            value.properties()
                    .forEach(field -> fields.add(
                            "\"" + field.getKey() + "\"" + space + ":" + rewritten(field.getValue(), random)));
            Collections.shuffle(fields, random);
            return fields.stream().collect(Collectors.joining("," + space, "{", space + "}"));
        }
        if (value.isArray()) {
            List<String> elements = new ArrayList<>();
            value.forEach(element -> elements.add(rewritten(element, random)));
            return elements.stream().collect(Collectors.joining("," + space, "[", "]"));
        }
        if (value instanceof DecimalNode number) {
            BigDecimal decimal = number.decimalValue();
            return random.nextBoolean()
                    ? decimal.setScale(decimal.scale() + 2).toPlainString()
                    : decimal.unscaledValue() + "e" + -decimal.scale();
        }
        if (value.isTextual()) {
            return value.textValue().chars().mapToObj("\\u%04x"::formatted).collect(Collectors.joining("", "\"", "\""));
        }
        return value.toString();
    }

    /** As seal_snapshot does. */
    static Snapshot sealed(List<Fact> facts) {
        String lines = new Snapshot("", facts)
                .facts().stream()
                        .map(fact -> fact.key() + " " + fact.hash() + "\n")
                        .collect(Collectors.joining());
        return new Snapshot(CanonicalJson.sha256(lines), facts);
    }

    private static RulePackage rules(String json) throws JsonProcessingException {
        return RulePackage.of("battery", 1, CanonicalJson.read(json));
    }
}
