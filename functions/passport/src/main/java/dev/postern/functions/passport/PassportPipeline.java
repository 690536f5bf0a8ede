package dev.postern.functions.passport;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.postern.functions.passport.PassportCompiler.Compiled;
import dev.postern.functions.passport.PassportConfig.Step;
import dev.postern.functions.postgres.FunctionDatabase;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.FollowUp;
import dev.postern.functions.runtime.Job;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import dev.postern.functions.runtime.PermanentFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The four steps behind one address; the task says which. A step's effect and its row in {@code accepted_steps} are one
 * transaction; a step that was done before changes nothing and answers the same again, follow-up job included, so that a
 * chain whose answer got lost goes on.
 *
 * <pre>
 * UPLOADED ─parse-facts─▶ VALIDATED     (the document)
 *            │ facts, and a sealed snapshot where the upload named a passport
 *            ▼
 * compile-passport ─▶ COMPILING ─sign-passport─▶ SIGNED ─generate-qr─▶ SIGNED with its code ─activate()─▶ ACTIVE
 * </pre>
 */
final class PassportPipeline implements JobFunction<StepPayload> {

    private final FunctionDatabase database;
    private final PassportConfig config;

    PassportPipeline(FunctionDatabase database, PassportConfig config) {
        this.database = database;
        this.config = config;
    }

    @Override
    public Answer handle(StepPayload payload, JobContext context) throws SQLException, IOException {
        Job job = context.job();
        Step step = config.tasks().stream()
                .filter(each -> each.task().equals(job.task()))
                .findFirst()
                .orElseThrow(() -> new BadPayload(
                        "X-Job-Task",
                        "must be one of this process's tasks "
                                + config.tasks().stream()
                                        .map(Step::task)
                                        .sorted()
                                        .toList() + ", is '" + job.task() + "'"));
        return switch (step) {
            case PARSE_FACTS -> parseFacts(payload.requireDocumentVersion(), job);
            case COMPILE_PASSPORT ->
                compilePassport(payload.requirePassport(), payload.requireSnapshot(), payload.requireRules(), job);
            case SIGN_PASSPORT -> signPassport(payload.requireVersion(), job);
            case GENERATE_QR -> generateQr(payload.requireVersion(), job);
        };
    }

    private Answer parseFacts(UUID documentId, Job job) throws SQLException, IOException {
        return inTransaction(job, store -> {
            var document = store.document(documentId)
                    .orElseThrow(() -> missing("DOCUMENT_NOT_FOUND", "document version", documentId));
            UUID passport = document.passportId();
            UUID rules = document.rulesId();
            if (store.accepts(Step.PARSE_FACTS.task(), documentId, job.id())) {
                store.validated(documentId, BillOfMaterials.facts(document.content()));
                if (passport != null) {
                    store.sealDocument(documentId);
                }
            }
            Answer.Result answer =
                    Answer.of(Map.of("document_version_id", documentId, "facts", store.countFacts(documentId)));
            if (passport == null || rules == null) {
                return answer;
            }
            UUID snapshot = store.snapshotOf(documentId).orElseThrow();
            return answer.andThen(followUp(
                    Step.COMPILE_PASSPORT,
                    passport + ":" + snapshot + ":" + rules,
                    Map.of("passport_id", passport, "snapshot_id", snapshot, "rule_package_version_id", rules)));
        });
    }

    private Answer compilePassport(UUID passport, UUID snapshotId, UUID rulesId, Job job)
            throws SQLException, IOException {
        return inTransaction(job, store -> {
            if (!store.hasPassport(passport)) {
                throw missing("PASSPORT_NOT_FOUND", "passport", passport);
            }
            Compiled compiled = PassportCompiler.compile(snapshot(store, snapshotId), rules(store, rulesId));
            UUID version = store.version(passport, snapshotId, rulesId, compiled);
            store.accepts(Step.COMPILE_PASSPORT.task(), version, job.id());
            return Answer.of(
                    Map.of(
                            "passport_version_id", version,
                            "payload_hash", compiled.payloadHash(),
                            "proof_root", compiled.proofRoot(),
                            "receipt_hash", compiled.receiptHash()),
                    followUp(Step.SIGN_PASSPORT, version.toString(), Map.of("passport_version_id", version)));
        });
    }

    private static Snapshot snapshot(PassportStore store, UUID id) throws SQLException {
        var row = store.snapshot(id).orElseThrow(() -> missing("SNAPSHOT_NOT_FOUND", "snapshot", id));
        if (row.hash() == null) {
            throw PermanentFailure.withCode(
                    "SNAPSHOT_NOT_SEALED",
                    "snapshot " + id + " is " + row.status() + "; seal it, then replay this job");
        }
        return new Snapshot(row.hash(), store.facts(id));
    }

    private static RulePackage rules(PassportStore store, UUID id) throws SQLException {
        var row = store.rules(id).orElseThrow(() -> missing("RULE_PKG_NOT_FOUND", "rule package version", id));
        if (!row.status().equals("PUBLISHED")) {
            throw PermanentFailure.withCode(
                    "RULE_PKG_NOT_PUBLISHED",
                    "version " + row.version() + " of the rules " + row.name() + " is " + row.status()
                            + "; publish it, then replay this job");
        }
        try {
            return RulePackage.of(row.name(), row.version(), CanonicalJson.read(row.rules()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("jsonb that is no JSON", e);
        }
    }

    private Answer signPassport(UUID versionId, Job job) throws SQLException, IOException {
        return inTransaction(job, store -> {
            // Asked first: whoever waited here for another attempt then reads what that one signed.
            boolean first = store.accepts(Step.SIGN_PASSPORT.task(), versionId, job.id());
            PassportStore.Version version = version(store, versionId);
            if (first) {
                SigningKey key = config.signingKey();
                if (key == null) {
                    throw PermanentFailure.withCode(
                            "SIGNING_KEY_MISSING", "PASSPORT_SIGNING_KEY is not set; set it, then replay this job");
                }
                if (!store.register(key)) {
                    throw PermanentFailure.withCode(
                            "SIGNING_KEY_CONFLICT",
                            "another key has signed as '" + key.keyId() + "' before; give this one an id of its own");
                }
                store.signed(versionId, key.keyId(), key.sign(receiptHash(version)));
                version = version(store, versionId);
            }
            PassportStore.Signed signed = requireSigned(version);
            return Answer.of(
                    Map.of(
                            "passport_version_id", versionId,
                            "key_id", signed.keyId(),
                            "signature", HexFormat.of().formatHex(signed.signature())),
                    followUp(Step.GENERATE_QR, versionId.toString(), Map.of("passport_version_id", versionId)));
        });
    }

    private Answer generateQr(UUID versionId, Job job) throws SQLException, IOException {
        record Coded(Compiled passport, String payload, byte[] png) {}
        Coded coded = database.write(job, connection -> {
            PassportStore store = new PassportStore(connection, FunctionDatabase.tenant(job));
            PassportStore.Version version = version(store, versionId);
            requireSigned(version);
            String payload = QrCode.payload(versionId, version.passport());
            byte[] png = QrCode.png(payload, config.qrPixels());
            if (store.accepts(Step.GENERATE_QR.task(), versionId, job.id())) {
                store.coded(versionId, payload, png);
            }
            return new Coded(version.passport(), payload, png);
        });
        Map<String, Object> result = new TreeMap<>(Map.of(
                "passport_version_id", versionId, "qr_payload", coded.payload(), "png_bytes", coded.png().length));
        Path directory = config.files();
        if (directory != null) {
            Path ofTenant = Files.createDirectories(
                    directory.resolve(FunctionDatabase.tenant(job).toString()));
            result.put("qr_file", save(ofTenant, versionId + ".png", coded.png()));
            byte[] passport = coded.passport().payload().getBytes(StandardCharsets.UTF_8);
            result.put("passport_file", save(ofTenant, versionId + ".json", passport));
        }
        return Answer.of(result);
    }

    /** Whole or not at all: another attempt may be writing the same. */
    private static String save(Path directory, String name, byte[] bytes) throws IOException {
        Path file = directory.resolve(name);
        Path draft = Files.write(directory.resolve(UUID.randomUUID() + ".draft"), bytes);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return file.toString();
    }

    private static PassportStore.Version version(PassportStore store, UUID id) throws SQLException {
        var version =
                store.version(id).orElseThrow(() -> missing("PASSPORT_VERSION_NOT_FOUND", "passport version", id));
        if (!version.passport().intact()) {
            throw PermanentFailure.withCode(
                    "PASSPORT_TAMPERED", "passport version " + id + " is not what was compiled: its hashes differ");
        }
        return version;
    }

    private static PassportStore.Signed requireSigned(PassportStore.Version version) {
        PassportStore.Signed signed = version.signed();
        if (signed == null) {
            throw PermanentFailure.withCode(
                    "PASSPORT_NOT_SIGNED", "passport version " + version.id() + " is " + version.status());
        }
        if (!SigningKey.verifies(signed.publicKey(), receiptHash(version), signed.signature())) {
            throw PermanentFailure.withCode(
                    "SIGNATURE_INVALID",
                    "the signature of passport version " + version.id() + " is not by the key '" + signed.keyId()
                            + "' over its receipt");
        }
        return signed;
    }

    private static byte[] receiptHash(PassportStore.Version version) {
        return HexFormat.of().parseHex(version.passport().receiptHash());
    }

    /** The key names the work: while the next step is queued, a repeated one adds no second. */
    private static FollowUp followUp(Step step, String subject, Map<String, UUID> payload) {
        return FollowUp.of(step.task(), payload)
                .withKey(step.task() + ":" + subject)
                .withKeyMode("unsafe_dedupe");
    }

    private interface Work {
        Answer run(PassportStore store) throws SQLException;
    }

    private Answer inTransaction(Job job, Work work) throws SQLException, IOException {
        UUID tenant = FunctionDatabase.tenant(job);
        return database.write(job, connection -> work.run(new PassportStore(connection, tenant)));
    }

    private static PermanentFailure missing(String code, String what, UUID id) {
        return PermanentFailure.withCode(code, "the tenant has no " + what + " " + id);
    }
}
