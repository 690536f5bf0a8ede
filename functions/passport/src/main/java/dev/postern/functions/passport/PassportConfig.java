package dev.postern.functions.passport;

import dev.postern.functions.runtime.Settings;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The function's own settings.
 *
 * @param tasks which of the four this process does ({@code PASSPORT_TASKS}, default all)
 * @param migrate whether it brings its schema up to date before it listens ({@code PASSPORT_MIGRATE}, default true)
 * @param jobsSchema where {@code add_job} is ({@code JOBS_SCHEMA}, default app_jobs)
 * @param signingKey {@code PASSPORT_SIGNING_KEY}, called {@code PASSPORT_SIGNING_KEY_ID}; {@code null} where it is not set
 * @param qrPixels the width and height of QR codes ({@code PASSPORT_QR_PIXELS}, default 400)
 * @param files where generate-qr also writes files ({@code PASSPORT_FILES_DIR}); {@code null} for nowhere
 */
record PassportConfig(
        Set<Step> tasks,
        boolean migrate,
        String jobsSchema,
        @Nullable SigningKey signingKey,
        int qrPixels,
        @Nullable Path files) {

    private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

    /** The four tasks. */
    enum Step {
        PARSE_FACTS("parse-facts"),
        COMPILE_PASSPORT("compile-passport"),
        SIGN_PASSPORT("sign-passport"),
        GENERATE_QR("generate-qr");

        private final String task;

        Step(String task) {
            this.task = task;
        }

        String task() {
            return task;
        }
    }

    static PassportConfig from(Settings settings) {
        String directory = settings.optional("PASSPORT_FILES_DIR");
        String schema = settings.text("JOBS_SCHEMA", "app_jobs");
        if (!SCHEMA.matcher(schema).matches()) {
            settings.mistake("JOBS_SCHEMA must be a plain lower-case identifier such as app_jobs, is '" + schema + "'");
        }
        return new PassportConfig(
                tasks(settings),
                settings.flag("PASSPORT_MIGRATE", true),
                schema,
                key(settings),
                settings.number("PASSPORT_QR_PIXELS", 400, 100, 4000),
                directory == null ? null : Path.of(directory).toAbsolutePath().normalize());
    }

    private static Set<Step> tasks(Settings settings) {
        String value = settings.optional("PASSPORT_TASKS");
        if (value == null) {
            return Set.of(Step.values());
        }
        Set<Step> tasks = new TreeSet<>();
        for (String name : value.split(",", -1)) {
            List<Step> named = Arrays.stream(Step.values())
                    .filter(step -> step.task().equals(name.strip()))
                    .toList();
            if (named.isEmpty()) {
                settings.mistake("PASSPORT_TASKS must be a list of "
                        + Arrays.stream(Step.values()).map(Step::task).collect(Collectors.joining(", ")) + "; it has '"
                        + name.strip() + "'");
            }
            tasks.addAll(named);
        }
        return tasks;
    }

    private static @Nullable SigningKey key(Settings settings) {
        String text = settings.optional("PASSPORT_SIGNING_KEY");
        String id = settings.optional("PASSPORT_SIGNING_KEY_ID");
        if (text == null) {
            return null;
        }
        try {
            return SigningKey.read(text, id);
        } catch (GeneralSecurityException e) {
            // The value is a secret and is not repeated.
            settings.mistake("PASSPORT_SIGNING_KEY must be an Ed25519 private key in PKCS #8, as PEM or in Base64:"
                    + " 'openssl genpkey -algorithm ed25519 | base64 -w0' makes one");
            return null;
        }
    }
}
