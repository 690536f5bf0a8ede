package dev.postern.functions.passport;

import dev.postern.functions.runtime.PermanentFailure;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Sealed facts.
 *
 * @param hash what the seal says: SHA-256 over a line {@code <key> <fact hash>} for each fact, in the order of the keys
 * @param facts in the order of their keys
 */
record Snapshot(String hash, List<Fact> facts) {

    Snapshot {
        facts = facts.stream()
                .sorted(Comparator.comparing(Fact::key).thenComparing(Fact::hash))
                .toList();
    }

    /**
     * Refuses facts that are not those that were sealed, and a key with two facts.
     *
     * @throws PermanentFailure {@code SNAPSHOT_TAMPERED}, {@code SNAPSHOT_AMBIGUOUS}
     */
    void requireIntact() {
        String lines = facts.stream()
                .map(fact -> fact.key() + " " + fact.hash() + "\n")
                .collect(Collectors.joining());
        if (!CanonicalJson.sha256(lines).equals(hash) || !facts.stream().allMatch(Fact::intact)) {
            throw PermanentFailure.withCode(
                    "SNAPSHOT_TAMPERED", "the snapshot's facts are not those that were sealed under " + hash);
        }
        for (int i = 1; i < facts.size(); i++) {
            if (facts.get(i).key().equals(facts.get(i - 1).key())) {
                throw PermanentFailure.withCode(
                        "SNAPSHOT_AMBIGUOUS",
                        "the snapshot has two facts '" + facts.get(i).key() + "'; make one with either of them");
            }
        }
    }
}
