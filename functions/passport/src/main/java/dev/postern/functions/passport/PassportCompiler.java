package dev.postern.functions.passport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.runtime.PermanentFailure;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Snapshot and rules to passport. Pure: no clock, no chance, no ids of rows, so the same snapshot and rules give the same
 * bytes and hashes, on any machine and at any time. What it makes of them may change only with {@link #COMPILER}, which
 * stands in the receipt.
 */
final class PassportCompiler {

    static final String COMPILER = "postern-passport/1";

    private static final int LARGEST = 1024 * 1024;
    private static final JsonNodeFactory JSON = JsonNodeFactory.withExactBigDecimals(true);

    private PassportCompiler() {}

    /**
     * A passport, ready to be signed: canonical texts and their hashes.
     *
     * @param payload what the passport says
     * @param proof the facts that it was made of, by key and hash
     * @param proofRoot the root of the Merkle tree over those hashes
     * @param receipt what was made of what: hashes of snapshot, rules, payload, and the proof's root
     * @param receiptHash what is signed
     */
    record Compiled(
            String payload, String payloadHash, String proof, String proofRoot, String receipt, String receiptHash) {

        /** False when a text is not the one that was hashed, or the receipt speaks of others. */
        boolean intact() {
            return CanonicalJson.sha256(payload).equals(payloadHash)
                    && CanonicalJson.sha256(receipt).equals(receiptHash)
                    && receipt.contains("\"payload_hash\":\"" + payloadHash + "\"")
                    && receipt.contains("\"proof_root\":\"" + proofRoot + "\"");
        }
    }

    /**
     * Compiles.
     *
     * @throws PermanentFailure {@code SNAPSHOT_TAMPERED}, {@code SNAPSHOT_AMBIGUOUS}, {@code RULES_NOT_MET} with every
     *     rule that the facts do not meet, {@code PAYLOAD_TOO_LARGE}
     */
    static Compiled compile(Snapshot snapshot, RulePackage rules) {
        snapshot.requireIntact();
        TreeMap<String, JsonNode> facts = new TreeMap<>();
        snapshot.facts().forEach(fact -> facts.put(fact.key(), fact.value()));
        List<String> unmet = new ArrayList<>();
        ObjectNode fields = JSON.objectNode();
        for (RulePackage.Rule rule : rules.rules()) {
            switch (rule) {
                case RulePackage.Take take -> take(take, facts, fields, unmet);
                case RulePackage.Collect collect -> {
                    ObjectNode all = fields.putObject(collect.field());
                    beginning(facts, collect.prefix())
                            .forEach((key, value) ->
                                    all.set(key.substring(collect.prefix().length()), value));
                }
                case RulePackage.Sum sum -> fields.set(sum.field(), sum(sum, facts, unmet));
            }
        }
        if (!unmet.isEmpty()) {
            throw PermanentFailure.withCode(
                    "RULES_NOT_MET", rules.name() + " version " + rules.version() + ": " + String.join("; ", unmet));
        }
        ObjectNode payload = JSON.objectNode().put("format", "BPC-PASSPORT-1");
        payload.putObject("rules").put("name", rules.name()).put("version", rules.version());
        payload.set("passport", fields);
        return sealed(snapshot, rules, text(payload, rules));
    }

    private static String text(JsonNode payload, RulePackage rules) {
        try {
            return CanonicalJson.text(payload);
        } catch (IllegalArgumentException e) {
            // Facts were checked when they were parsed: it is a sum.
            throw PermanentFailure.withCode(
                    "RULES_NOT_MET", rules.name() + " version " + rules.version() + ": " + e.getMessage(), e);
        }
    }

    private static Compiled sealed(Snapshot snapshot, RulePackage rules, String payload) {
        if (payload.length() > LARGEST) {
            throw PermanentFailure.withCode(
                    "PAYLOAD_TOO_LARGE",
                    "the passport has " + payload.length() + " characters, " + LARGEST + " are the most");
        }
        String payloadHash = CanonicalJson.sha256(payload);
        List<String> hashes = snapshot.facts().stream().map(Fact::hash).toList();
        String root = FactProof.root(hashes);
        ObjectNode proof = JSON.objectNode().put("format", "BPC-PROOF-1").put("root", root);
        ArrayNode leaves = proof.putArray("facts");
        snapshot.facts()
                .forEach(fact -> leaves.addObject().put("key", fact.key()).put("hash", fact.hash()));
        String receipt = CanonicalJson.text(JSON.objectNode()
                .put("format", "BPC-RECEIPT-1")
                .put("compiler", COMPILER)
                .put("snapshot_hash", snapshot.hash())
                .put("rules_name", rules.name())
                .put("rules_version", rules.version())
                .put("rules_hash", rules.hash())
                .put("payload_hash", payloadHash)
                .put("proof_root", root));
        return new Compiled(
                payload, payloadHash, CanonicalJson.text(proof), root, receipt, CanonicalJson.sha256(receipt));
    }

    private static void take(
            RulePackage.Take rule, Map<String, JsonNode> facts, ObjectNode fields, List<String> unmet) {
        JsonNode value = facts.get(rule.fact());
        if (value == null || value.isNull()) {
            if (rule.required()) {
                unmet.add("'" + rule.field() + "' needs the fact " + rule.fact());
            }
            return;
        }
        if (!rule.oneOf().isEmpty() && !rule.oneOf().contains(CanonicalJson.text(value))) {
            unmet.add("'" + rule.field() + "' allows other values of " + rule.fact() + " only");
        }
        fields.set(rule.field(), value);
    }

    private static JsonNode sum(RulePackage.Sum rule, TreeMap<String, JsonNode> facts, List<String> unmet) {
        BigDecimal sum = BigDecimal.ZERO;
        for (Map.Entry<String, JsonNode> fact : beginning(facts, rule.prefix()).entrySet()) {
            JsonNode number = fact.getValue().path(rule.of());
            if (number.isNumber()) {
                sum = sum.add(number.decimalValue());
            } else {
                unmet.add("'" + rule.field() + "' needs a number " + rule.of() + " of " + fact.getKey());
            }
        }
        return DecimalNode.valueOf(sum);
    }

    private static Map<String, JsonNode> beginning(TreeMap<String, JsonNode> facts, String prefix) {
        return facts.subMap(prefix, prefix + Character.MAX_VALUE);
    }

    /** Merkle trees as RFC 6962 has them, so that one fact can be shown with a short proof and without the others. */
    static final class FactProof {

        private FactProof() {}

        /** In hex; the leaves are hashes in hex. */
        static String root(List<String> leaves) {
            return HexFormat.of().formatHex(tree(leaves));
        }

        private static byte[] tree(List<String> leaves) {
            if (leaves.isEmpty()) {
                return CanonicalJson.sha256(new byte[0]);
            }
            if (leaves.size() == 1) {
                return node((byte) 0, leaves.getFirst().getBytes(StandardCharsets.US_ASCII), new byte[0]);
            }
            int left = Integer.highestOneBit(leaves.size() - 1);
            return node((byte) 1, tree(leaves.subList(0, left)), tree(leaves.subList(left, leaves.size())));
        }

        private static byte[] node(byte kind, byte[] left, byte[] right) {
            byte[] bytes = new byte[1 + left.length + right.length];
            bytes[0] = kind;
            System.arraycopy(left, 0, bytes, 1, left.length);
            System.arraycopy(right, 0, bytes, 1 + left.length, right.length);
            return CanonicalJson.sha256(bytes);
        }
    }
}
