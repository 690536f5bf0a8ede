package dev.postern.functions.passport;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.postern.functions.passport.PassportCompiler.Compiled;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The pipeline's SQL, one call a statement, each bound to the tenant. The connection is the step's transaction.
 *
 * @param connection of the step's transaction
 * @param tenant whose rows are seen and made
 */
record PassportStore(Connection connection, UUID tenant) {

    static final String SCHEMA = "passport";

    record Document(
            String content,
            @Nullable UUID passportId,
            @Nullable UUID rulesId) {}

    record SnapshotRow(String status, @Nullable String hash) {}

    record RulesRow(String name, int version, String status, String rules) {}

    record Version(
            UUID id,
            String status,
            Compiled passport,
            @Nullable Signed signed) {}

    record Signed(String keyId, byte[] signature, byte[] publicKey) {}

    /** Turns a row into what it means. */
    private interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** True for the first transaction that takes this step on this subject; others wait for its end and hear false. */
    boolean accepts(String step, UUID subject, @Nullable String jobId) throws SQLException {
        return update("""
                        insert into passport.accepted_steps (step, subject_id, database_id, job_id)
                        values (?, ?, ?, ?)
                        on conflict do nothing""", step, subject, tenant, jobId) == 1;
    }

    Optional<Document> document(UUID id) throws SQLException {
        return one(
                """
                select d.content, d.passport_id, d.rule_package_version_id
                from passport.document_versions d
                where d.document_version_id = ?
                  and d.database_id = ?""",
                row -> new Document(row.getString(1), row.getObject(2, UUID.class), row.getObject(3, UUID.class)),
                id,
                tenant);
    }

    void validated(UUID document, List<Fact> facts) throws SQLException {
        for (Fact fact : facts) {
            update("""
                    insert into passport.facts (database_id, document_version_id, fact_key, value, fact_hash)
                    values (?, ?, ?, ?::jsonb, ?)""", tenant, document, fact.key(), CanonicalJson.text(fact.value()), fact.hash());
        }
        update(
                "update passport.document_versions d set status = 'VALIDATED' where d.document_version_id = ? and d.database_id = ?",
                document,
                tenant);
    }

    /** A sealed snapshot of all facts of a document. */
    void sealDocument(UUID document) throws SQLException {
        update("""
                with made as (
                  insert into passport.snapshots (database_id, label, document_version_id)
                  values (?, 'document ' || ?::text, ?)
                  returning snapshot_id
                )
                insert into passport.snapshot_items (snapshot_id, fact_id)
                select made.snapshot_id, f.fact_id
                from made
                cross join passport.facts f
                where f.document_version_id = ?""", tenant, document, document, document);
        one("""
                select passport.seal_snapshot(s.database_id, s.snapshot_id)
                from passport.snapshots s
                where s.document_version_id = ?""", row -> row.getString(1), document);
    }

    Optional<UUID> snapshotOf(UUID document) throws SQLException {
        return one(
                "select s.snapshot_id from passport.snapshots s where s.document_version_id = ? and s.database_id = ?",
                row -> row.getObject(1, UUID.class),
                document,
                tenant);
    }

    long countFacts(UUID document) throws SQLException {
        return one(
                        "select count(*) from passport.facts f where f.document_version_id = ? and f.database_id = ?",
                        row -> row.getLong(1),
                        document,
                        tenant)
                .orElse(0L);
    }

    Optional<SnapshotRow> snapshot(UUID id) throws SQLException {
        return one(
                "select s.status, s.snapshot_hash from passport.snapshots s where s.snapshot_id = ? and s.database_id = ?",
                row -> new SnapshotRow(row.getString(1), row.getString(2)),
                id,
                tenant);
    }

    List<Fact> facts(UUID snapshot) throws SQLException {
        return all(
                """
                select f.fact_key, f.value, f.fact_hash
                from passport.snapshot_items i
                join passport.facts f on f.fact_id = i.fact_id
                where i.snapshot_id = ?
                  and f.database_id = ?""",
                row -> {
                    try {
                        return new Fact(row.getString(1), CanonicalJson.read(row.getString(2)), row.getString(3));
                    } catch (JsonProcessingException e) {
                        throw new IllegalStateException("jsonb that is no JSON", e);
                    }
                },
                snapshot,
                tenant);
    }

    Optional<RulesRow> rules(UUID id) throws SQLException {
        return one(
                """
                select r.name, r.version, r.status, r.rules
                from passport.rule_package_versions r
                where r.rule_package_version_id = ?
                  and r.database_id = ?""",
                row -> new RulesRow(row.getString(1), row.getInt(2), row.getString(3), row.getString(4)),
                id,
                tenant);
    }

    boolean hasPassport(UUID id) throws SQLException {
        return one(
                        "select true from passport.passports p where p.passport_id = ? and p.database_id = ?",
                        row -> true,
                        id,
                        tenant)
                .isPresent();
    }

    /** The version with this content; made when it is not there yet. */
    UUID version(UUID passport, UUID snapshot, UUID rules, Compiled compiled) throws SQLException {
        update(
                """
                insert into passport.passport_versions (
                  database_id, passport_id, snapshot_id, rule_package_version_id,
                  payload, payload_hash, proof, proof_root, receipt, receipt_hash)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                on conflict (passport_id, receipt_hash) do nothing""",
                tenant,
                passport,
                snapshot,
                rules,
                compiled.payload(),
                compiled.payloadHash(),
                compiled.proof(),
                compiled.proofRoot(),
                compiled.receipt(),
                compiled.receiptHash());
        return one("""
                        select v.passport_version_id
                        from passport.passport_versions v
                        where v.passport_id = ?
                          and v.receipt_hash = ?""", row -> row.getObject(1, UUID.class), passport, compiled.receiptHash())
                .orElseThrow();
    }

    Optional<Version> version(UUID id) throws SQLException {
        return one(
                """
                select
                  v.status, v.payload, v.payload_hash, v.proof, v.proof_root, v.receipt, v.receipt_hash,
                  v.key_id, v.signature, k.public_key
                from passport.passport_versions v
                left join passport.signing_keys k on k.key_id = v.key_id
                where v.passport_version_id = ?
                  and v.database_id = ?""",
                row -> new Version(
                        id,
                        row.getString(1),
                        new Compiled(
                                row.getString(2),
                                row.getString(3),
                                row.getString(4),
                                row.getString(5),
                                row.getString(6),
                                row.getString(7)),
                        row.getString(8) == null
                                ? null
                                : new Signed(row.getString(8), row.getBytes(9), row.getBytes(10))),
                id,
                tenant);
    }

    /** False when another key goes by this id. */
    boolean register(SigningKey key) throws SQLException {
        update(
                "insert into passport.signing_keys (key_id, public_key) values (?, ?) on conflict do nothing",
                key.keyId(),
                key.publicKey().getEncoded());
        return one(
                        "select k.public_key = ? from passport.signing_keys k where k.key_id = ?",
                        row -> row.getBoolean(1),
                        key.publicKey().getEncoded(),
                        key.keyId())
                .orElse(false);
    }

    void signed(UUID version, String keyId, byte[] signature) throws SQLException {
        update("""
                update passport.passport_versions v
                set status = 'SIGNED', key_id = ?, signature = ?
                where v.passport_version_id = ?
                  and v.database_id = ?
                  and v.status = 'COMPILING'""", keyId, signature, version, tenant);
    }

    void coded(UUID version, String qrPayload, byte[] png) throws SQLException {
        update("""
                update passport.passport_versions v
                set qr_payload = ?, qr_png = ?
                where v.passport_version_id = ?
                  and v.database_id = ?
                  and v.qr_png is null""", qrPayload, png, version, tenant);
    }

    private int update(String sql, @Nullable Object... arguments) throws SQLException {
        try (PreparedStatement statement = bound(sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    private <T> Optional<T> one(String sql, Reader<T> reader, @Nullable Object... arguments) throws SQLException {
        return all(sql, reader, arguments).stream().findFirst();
    }

    private <T> List<T> all(String sql, Reader<T> reader, @Nullable Object... arguments) throws SQLException {
        try (PreparedStatement statement = bound(sql, arguments);
                ResultSet rows = statement.executeQuery()) {
            List<T> all = new ArrayList<>();
            while (rows.next()) {
                all.add(reader.read(rows));
            }
            return all;
        }
    }

    private PreparedStatement bound(String sql, @Nullable Object... arguments) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < arguments.length; i++) {
            statement.setObject(i + 1, arguments[i]);
        }
        return statement;
    }
}
