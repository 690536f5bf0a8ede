package dev.postern.functions.passport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.zxing.BinaryBitmap;
import com.google.zxing.client.j2se.BufferedImageLuminanceSource;
import com.google.zxing.common.HybridBinarizer;
import com.google.zxing.qrcode.QRCodeReader;
import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.FunctionUnderTest;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.FunctionUnderTest.Outcome;
import dev.postern.functions.runtime.Settings;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** From the upload to the code on the product, step by step as the worker calls them. */
class PassportPipelineTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final UUID TENANT = JobDatabase.TENANT;
    private static final UUID OTHER = UUID.fromString("00000000-0000-0000-0000-000000000002");
    private static final String KEY = newKey();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path files;

    @SuppressWarnings("NullAway.Init") // Set before each test.
    private FunctionUnderTest<StepPayload> function;

    private long job;

    @BeforeAll
    static void migrate() {
        Main.wire(new Settings(settings()), Clock.systemUTC());
    }

    @BeforeEach
    void start() {
        database.execute("delete from app_jobs.jobs");
        function = start(Map.of("PASSPORT_FILES_DIR", files.toString()));
    }

    @AfterEach
    void stop() {
        function.close();
    }

    @Test
    void goesFromTheUploadToACodeThatReadsBack() throws Exception {
        UUID passport = passport();
        UUID document = upload(PassportCompilerTest.BOM, passport, rules(true));

        List<Called> steps = runChain();

        assertThat(steps)
                .hasSize(4)
                .allSatisfy(step -> assertThat(step.outcome()).isEqualTo(Outcome.COMPLETE));
        assertThat(steps.get(0).result().path("facts").asInt()).isEqualTo(5);
        UUID version = UUID.fromString(
                steps.get(3).result().path("passport_version_id").asText());
        Map<String, @Nullable Object> row = database.rows(
                        "select * from passport.passport_versions where passport_version_id = ?", version)
                .getFirst();
        assertThat(row).containsEntry("status", "SIGNED").containsEntry("passport_id", passport);
        String read = read((byte[]) row.get("qr_png"));
        assertThat(read)
                .isEqualTo(row.get("qr_payload"))
                .matches("BPC1\\|pv=" + version + "\\|ph=[A-Z2-7]{52}\\|pr=[A-Z2-7]{52}\\|rh=[A-Z2-7]{52}");
        Path png = Path.of(steps.get(3).result().path("qr_file").asText());
        assertThat(png).isEqualTo(files.resolve(TENANT.toString()).resolve(version + ".png"));
        assertThat(read(Files.readAllBytes(png))).isEqualTo(read);
        assertThat(Files.readString(png.resolveSibling(version + ".json"))).isEqualTo(row.get("payload"));
        assertThat(database.value(
                        "select status from passport.document_versions where document_version_id = ?", document))
                .isEqualTo("VALIDATED");
        assertThat(database.value("select passport.activate(?, ?)", TENANT, version))
                .isEqualTo("ACTIVE");
    }

    @Test
    void repeatsEveryStepWithoutDoingItTwice() {
        upload(PassportCompilerTest.BOM, passport(), rules(true));
        List<JsonNode> done = new ArrayList<>();
        JsonNode next = queued();
        while (next != null) {
            JsonNode step = next;
            Called first = call(step);
            List<Called> again = atOnce(3, () -> call(step));
            assertThat(again).allSatisfy(repeated -> {
                assertThat(repeated.result()).isEqualTo(first.result());
                assertThat(repeated.followUps()).isEqualTo(first.followUps());
            });
            done.add(step);
            next = first.followUps().isEmpty() ? null : first.followUps().getFirst();
        }
        assertThat(done).hasSize(4);
        assertThat(acceptedOf(done)).isEqualTo(4);
    }

    @Test
    void acceptsEachStepOnceWhenAttemptsRunAtTheSameTime() {
        upload(PassportCompilerTest.BOM, passport(), rules(true));
        JsonNode next = queued();
        int steps = 0;
        while (next != null) {
            JsonNode step = next;
            List<Called> attempts = atOnce(8, () -> call(step));
            assertThat(attempts).extracting(Called::error).containsOnlyNulls();
            assertThat(attempts)
                    .extracting(Called::result)
                    .containsOnly(attempts.getFirst().result());
            steps++;
            next = attempts.getFirst().followUps().isEmpty()
                    ? null
                    : attempts.getFirst().followUps().getFirst();
        }
        assertThat(steps).isEqualTo(4);
    }

    @Test
    void makesOneVersionOfTheSameFactsAndRules() {
        UUID passport = passport();
        UUID rules = rules(true);
        upload(PassportCompilerTest.BOM, passport, rules);
        List<Called> first = runChain();
        database.execute("delete from app_jobs.jobs");
        upload(PassportCompilerTest.BOM.replace("1250.50", "1.2505e3"), passport, rules);
        List<Called> second = runChain();

        assertThat(second.get(1).result()).isEqualTo(first.get(1).result());
        assertThat(second.get(2).result()).isEqualTo(first.get(2).result());
        assertThat(database.number("select count(*) from passport.passport_versions where passport_id = ?", passport))
                .isOne();
    }

    @Test
    void compilesASnapshotThatWasMadeByHand() {
        UUID document = upload(PassportCompilerTest.BOM, null, null);
        assertThat(call(queued()).followUps()).isEmpty();
        UUID snapshot = id("select passport.create_snapshot(?, 'by hand')", TENANT);
        assertThat(database.number(
                        "select passport.add_facts(?, ?, array(select fact_id from passport.facts where document_version_id = ?))",
                        TENANT,
                        snapshot,
                        document))
                .isEqualTo(5);
        UUID passport = passport();
        UUID rules = rules(false);

        compile(passport, snapshot, rules);
        assertDead("SNAPSHOT_NOT_SEALED", queued());
        database.execute("select passport.seal_snapshot(?, ?)", TENANT, snapshot);
        assertDead("RULE_PKG_NOT_PUBLISHED", queued());
        database.execute("select passport.publish_rules(?, ?)", TENANT, rules);

        assertThat(runChain())
                .hasSize(3)
                .allSatisfy(step -> assertThat(step.error()).isNull());
        assertThatThrownBy(() -> database.execute("select passport.add_facts(?, ?, '{}')", TENANT, snapshot))
                .hasMessageContaining("SNAPSHOT_SEALED");
    }

    @Test
    void makesDeadLettersThatBeginWithTheirCode() {
        UUID nobody = UUID.randomUUID();
        assertDead("DOCUMENT_NOT_FOUND", step("parse-facts", Map.of("document_version_id", nobody)));
        assertDead("PASSPORT_VERSION_NOT_FOUND", step("sign-passport", Map.of("passport_version_id", nobody)));
        UUID passport = passport();
        UUID rules = rules(true);
        assertDead("PASSPORT_NOT_FOUND", compileStep(nobody, nobody, nobody));
        assertDead("SNAPSHOT_NOT_FOUND", compileStep(passport, nobody, rules));
        UUID snapshot = id("select passport.create_snapshot(?, 'empty')", TENANT);
        database.execute("select passport.seal_snapshot(?, ?)", TENANT, snapshot);
        assertDead("RULE_PKG_NOT_FOUND", compileStep(passport, snapshot, nobody));
        assertDead("RULES_NOT_MET", compileStep(passport, snapshot, rules));
        upload("{\"product\": {}}", passport, rules);
        assertDead("BOM_INVALID", queued());

        Called unknown = function.call("{}", "X-Job-Task", "make-coffee");
        assertThat(unknown.status()).isEqualTo(400);
        assertThat(function.call("{}", "X-Job-Task", "generate-qr").error()).startsWith("passport_version_id: ");
    }

    @Test
    void signsNothingWithoutAKeyOrUnderTheNameOfAnother() {
        upload(PassportCompilerTest.BOM, passport(), rules(true));
        JsonNode compile = call(queued()).followUps().getFirst();
        JsonNode sign = call(compile).followUps().getFirst();
        assertDead("PASSPORT_NOT_SIGNED", step("generate-qr", Map.of("passport_version_id", version(sign))));
        Map<String, String> keyless = settings();
        keyless.remove("PASSPORT_SIGNING_KEY");
        try (var without =
                FunctionUnderTest.start(StepPayload.class, Main.wire(new Settings(keyless), Clock.systemUTC()))) {
            assertThat(call(without, sign).code()).isEqualTo("SIGNING_KEY_MISSING");
        }
        call(sign);
        database.execute("update passport.passport_versions set status = 'COMPILING', key_id = null, signature = null");
        database.execute("delete from passport.accepted_steps where step = 'sign-passport'");
        try (var other = start(Map.of("PASSPORT_SIGNING_KEY", newKey()))) {
            assertThat(call(other, sign).code()).isEqualTo("SIGNING_KEY_CONFLICT");
        }
        assertThat(call(sign).outcome()).isEqualTo(Outcome.COMPLETE);
    }

    @Test
    void findsTamperingBeforeItMakesACode() {
        upload(PassportCompilerTest.BOM, passport(), rules(true));
        JsonNode compile = call(queued()).followUps().getFirst();
        JsonNode sign = call(compile).followUps().getFirst();
        JsonNode qr = call(sign).followUps().getFirst();
        UUID version = version(sign);
        tamper(version, "signature = set_byte(signature, 3, get_byte(signature, 3) # 1)", "SIGNATURE_INVALID", qr);
        tamper(version, "payload = replace(payload, 'LFP', 'NMC')", "PASSPORT_TAMPERED", qr);
        tamper(version, "receipt_hash = repeat('0', 64)", "PASSPORT_TAMPERED", qr);
        tamper(version, "proof_root = repeat('0', 64)", "PASSPORT_TAMPERED", qr);
        // Whoever forges the receipt with all its hashes still has no signature for it.
        tamper(
                version,
                "receipt = replace(receipt, '\"rules_version\":1', '\"rules_version\":9'), receipt_hash ="
                        + " encode(sha256(convert_to(replace(receipt, '\"rules_version\":1', '\"rules_version\":9'), 'UTF8')), 'hex')",
                "SIGNATURE_INVALID",
                qr);
        assertThat(call(qr).outcome()).isEqualTo(Outcome.COMPLETE);

        UUID snapshot = UUID.fromString(compile.at("/payload/snapshot_id").asText());
        database.execute(
                "update passport.facts f set value = '\"forged\"' from passport.snapshot_items i where i.fact_id = f.fact_id"
                        + " and i.snapshot_id = ? and f.fact_key = 'product.model'",
                snapshot);
        assertDead("SNAPSHOT_TAMPERED", compile);
    }

    private void tamper(UUID version, String change, String code, JsonNode qr) {
        database.execute(
                "create table kept as select * from passport.passport_versions where passport_version_id = ?", version);
        database.execute("update passport.passport_versions set " + change + " where passport_version_id = ?", version);
        assertDead(code, qr);
        database.execute("update passport.passport_versions v set payload = k.payload, receipt = k.receipt,"
                + " receipt_hash = k.receipt_hash, proof_root = k.proof_root, signature = k.signature from kept k"
                + " where k.passport_version_id = v.passport_version_id");
        database.execute("drop table kept");
    }

    @Test
    void keepsTenantsApart() throws Exception {
        UUID document = upload(PassportCompilerTest.BOM, null, null);
        JsonNode parse = queued();
        assertThat(function.call(
                                parse.path("payload").toString(),
                                "X-Job-Task",
                                "parse-facts",
                                "X-Database-Id",
                                OTHER.toString())
                        .code())
                .isEqualTo("DOCUMENT_NOT_FOUND");
        try (Connection session = database.connect()) {
            JobDatabase.rows(session, "set role postern_tenant");
            JobDatabase.rows(session, "select set_config('jwt.claims.database_id', ?, false)", OTHER.toString());
            assertThat(JobDatabase.rows(session, "select * from passport.document_versions"))
                    .isEmpty();
            assertThatThrownBy(() -> JobDatabase.rows(session, "select passport.upload_document(?, '{}')", TENANT))
                    .hasMessageContaining("TENANT_FORBIDDEN");
            JobDatabase.rows(session, "select passport.upload_document(?, '{}')", OTHER);
            JobDatabase.rows(session, "select set_config('jwt.claims.database_id', ?, false)", TENANT.toString());
            assertThat(JobDatabase.rows(
                            session,
                            "select document_version_id from passport.document_versions where document_version_id = ?",
                            document))
                    .hasSize(1);
            assertThatThrownBy(() -> JobDatabase.rows(session, "update passport.facts set value = '1'"))
                    .hasMessageContaining("permission denied");
        }
    }

    @Test
    void doesOnlyTheTasksThatItIsGiven() {
        try (var signer = start(Map.of("PASSPORT_TASKS", "sign-passport"))) {
            Called refused = signer.call("{}", "X-Job-Task", "parse-facts");
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.error()).contains("[sign-passport]");
        }
        Map<String, String> wrong = settings();
        wrong.putAll(Map.of(
                "PASSPORT_TASKS",
                "sign",
                "PASSPORT_SIGNING_KEY",
                "hidden",
                "PASSPORT_QR_PIXELS",
                "1",
                "JOBS_SCHEMA",
                "A"));
        assertThatThrownBy(() -> Main.wire(new Settings(wrong), Clock.systemUTC()))
                .isInstanceOfSatisfying(
                        ConfigurationMistakes.class,
                        mistakes -> assertThat(mistakes.lines()).hasSize(4))
                .message()
                .doesNotContain("hidden");
    }

    @Test
    void activatesOneVersionOfAPassport() {
        UUID passport = passport();
        upload(PassportCompilerTest.BOM, passport, rules(true));
        UUID first = version(runChain().get(3));
        database.execute("delete from app_jobs.jobs");
        upload(PassportCompilerTest.BOM.replace("\"CL\"", "\"AU\""), passport, rules(true));
        List<Called> steps = new ArrayList<>(List.of(call(queued())));
        steps.add(call(steps.getLast().followUps().getFirst()));
        UUID second = version(steps.getLast());
        database.execute("select passport.activate(?, ?)", TENANT, first);
        assertThatThrownBy(() -> database.execute("select passport.activate(?, ?)", TENANT, second))
                .hasMessageContaining("PASSPORT_NOT_SIGNED");
        steps.add(call(steps.getLast().followUps().getFirst()));
        call(steps.getLast().followUps().getFirst());
        database.execute("select passport.activate(?, ?)", TENANT, second);

        assertThat(database.value(
                        "select string_agg(status, ',' order by created_at) from passport.passport_versions where passport_id = ?",
                        passport))
                .isEqualTo("SUPERSEDED,ACTIVE");
    }

    @Test
    void migratesOnceWhenManyStart() {
        database.execute("drop schema passport cascade");
        atOnce(4, () -> Main.wire(new Settings(settings()), Clock.systemUTC()));
        assertThat(database.number("select count(*) from passport.flyway_schema_history where version is not null"))
                .isOne();
    }

    // ---- what the tests say

    private static UUID passport() {
        return id("select passport.create_passport(?, 'a battery')", TENANT);
    }

    private static UUID rules(boolean published) {
        return id(
                "select passport.add_rules(?, 'battery-' || gen_random_uuid(), ?::jsonb, ?)",
                TENANT,
                PassportCompilerTest.RULES,
                published);
    }

    private static UUID upload(String content, @Nullable UUID passport, @Nullable UUID rules) {
        return id("select passport.upload_document(?, ?, ?::uuid, ?::uuid)", TENANT, content, passport, rules);
    }

    private static void compile(UUID passport, UUID snapshot, UUID rules) {
        database.execute("delete from app_jobs.jobs");
        database.execute("select passport.compile(?, ?, ?, ?)", TENANT, passport, snapshot, rules);
    }

    private static UUID id(String sql, @Nullable Object... arguments) {
        return (UUID) java.util.Objects.requireNonNull(database.value(sql, arguments));
    }

    /** The one job that is queued, as a follow-up looks. */
    private static JsonNode queued() {
        try {
            return CanonicalJson.read(String.valueOf(database.value(
                    "select json_build_object('task', task_identifier, 'payload', payload)::text from app_jobs.jobs")));
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode step(String task, Map<String, UUID> payload) {
        var step = com.fasterxml.jackson.databind.node.JsonNodeFactory.instance
                .objectNode()
                .put("task", task);
        var ids = step.putObject("payload");
        payload.forEach((name, id) -> ids.put(name, id.toString()));
        return step;
    }

    private static JsonNode compileStep(UUID passport, UUID snapshot, UUID rules) {
        return step(
                "compile-passport",
                Map.of("passport_id", passport, "snapshot_id", snapshot, "rule_package_version_id", rules));
    }

    /** The queued job, its follow-up, and so on to the last one. */
    private List<Called> runChain() {
        List<Called> steps = new ArrayList<>(List.of(call(queued())));
        while (!steps.getLast().followUps().isEmpty()) {
            steps.add(call(steps.getLast().followUps().getFirst()));
        }
        return steps;
    }

    private Called call(JsonNode step) {
        return call(function, step);
    }

    private synchronized long nextJob() {
        return ++job;
    }

    private Called call(FunctionUnderTest<StepPayload> on, JsonNode step) {
        return on.call(
                step.path("payload").toString(),
                "X-Job-Id",
                Long.toString(nextJob()),
                "X-Job-Task",
                step.path("task").asText());
    }

    private void assertDead(String code, JsonNode step) {
        Called called = call(step);
        assertThat(called.outcome()).as(called.error()).isEqualTo(Outcome.DEAD);
        assertThat(called.code()).as(called.error()).isEqualTo(code);
    }

    private static UUID version(JsonNode step) {
        return UUID.fromString(step.at("/payload/passport_version_id").asText());
    }

    private static UUID version(Called called) {
        return UUID.fromString(called.result().path("passport_version_id").asText());
    }

    private static long acceptedOf(List<JsonNode> steps) {
        UUID version = version(steps.getLast());
        UUID document = UUID.fromString(
                steps.getFirst().at("/payload/document_version_id").asText());
        return database.number(
                "select count(*) from passport.accepted_steps where subject_id in (?, ?)", version, document);
    }

    private static <T> List<T> atOnce(int times, Callable<T> call) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> futures = threads.invokeAll(java.util.Collections.nCopies(times, call));
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static FunctionUnderTest<StepPayload> start(Map<String, String> more) {
        Map<String, String> settings = settings();
        settings.putAll(more);
        return FunctionUnderTest.start(StepPayload.class, Main.wire(new Settings(settings), Clock.systemUTC()));
    }

    private static Map<String, String> settings() {
        DatabaseConfig config = database.config();
        return new HashMap<>(Map.of(
                "PGHOST", config.host(),
                "PGPORT", Integer.toString(config.port()),
                "PGUSER", config.user(),
                "PGPASSWORD", config.password(),
                "PGDATABASE", config.database(),
                "PASSPORT_SIGNING_KEY", KEY,
                "PASSPORT_SIGNING_KEY_ID", "test-key-1"));
    }

    private static String newKey() {
        try {
            return Base64.getEncoder()
                    .encodeToString(KeyPairGenerator.getInstance("Ed25519")
                            .generateKeyPair()
                            .getPrivate()
                            .getEncoded());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String read(byte @Nullable [] png) throws Exception {
        assertThat(png).isNotNull();
        var image = ImageIO.read(new ByteArrayInputStream(png));
        return new QRCodeReader()
                .decode(new BinaryBitmap(new HybridBinarizer(new BufferedImageLuminanceSource(image))))
                .getText();
    }
}
