package dev.postern.functions.mail;

import dev.postern.functions.runtime.Settings;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One of three ways out, under the names that Constructive gave its settings (docs/sample-functions.md). */
public sealed interface Outgoing {

    /**
     * {@code MAILGUN_*}; {@code devEmail} gets every mail instead of its recipients.
     *
     * @param from the sender of a mail that names none
     */
    record Mailgun(
            URI baseUrl,
            String apiKey,
            String domain,
            String from,
            @Nullable String replyTo,
            @Nullable String devEmail) implements Outgoing {
        @Override
        public String toString() {
            return "Mailgun, domain " + domain;
        }
    }

    /**
     * {@code SMTP_*}, with {@code EMAIL_SEND_USE_SMTP=true}.
     *
     * @param from the sender of a mail that names none
     */
    record Smtp(
            String host,
            int port,
            boolean secure,
            boolean requireTls,
            @Nullable String user,
            @Nullable String password,
            String from,
            @Nullable String replyTo)
            implements Outgoing {
        @Override
        public String toString() {
            return "SMTP, " + host + ":" + port;
        }
    }

    /** {@code <FUNCTION>_DRY_RUN=true}; files go to {@code <FUNCTION>_DRY_RUN_DIR}. */
    record DryRun(@Nullable Path directory) implements Outgoing {}

    /**
     * Reads the way out. Mistakes are noted in the settings, whose {@link Settings#refuseMistakes} the caller calls when
     * it has read its own; until then the answer must not be used.
     *
     * @param function the function's name in its variables, such as {@code SIMPLE_EMAIL}
     */
    static Outgoing from(Settings settings, String function) {
        boolean dryRun = settings.flag(function + "_DRY_RUN", false);
        boolean smtp = settings.flag("EMAIL_SEND_USE_SMTP", false);
        String directory = settings.optional(function + "_DRY_RUN_DIR");
        if (dryRun) {
            return new DryRun(directory == null ? null : Path.of(directory));
        }
        return smtp ? smtp(settings) : mailgun(settings, function);
    }

    private static Mailgun mailgun(Settings settings, String function) {
        // Constructive's deployments set the key under two names.
        String key = settings.optional("MAILGUN_KEY") == null
                ? settings.required(
                        "MAILGUN_API_KEY", "your Mailgun key, or " + function + "_DRY_RUN=true to send nothing")
                : settings.text("MAILGUN_API_KEY", settings.text("MAILGUN_KEY", ""));
        URI baseUrl = settings.httpUrl("MAILGUN_API_BASE_URL");
        return new Mailgun(
                baseUrl == null ? URI.create("https://api.mailgun.net/") : baseUrl,
                key,
                settings.required("MAILGUN_DOMAIN", "the domain that Mailgun sends for, such as mg.example.com"),
                address(
                        settings,
                        "MAILGUN_FROM",
                        settings.required("MAILGUN_FROM", "the sender, such as no-reply@mg.example.com")),
                optionalAddress(settings, "MAILGUN_REPLY"),
                optionalAddress(settings, "MAILGUN_DEV_EMAIL"));
    }

    private static Smtp smtp(Settings settings) {
        boolean secure =
                settings.flag("SMTP_SECURE", settings.text("SMTP_PORT", "").equals("465"));
        String user = settings.optional("SMTP_USER");
        String password = settings.optional("SMTP_PASS");
        if (user != null && password == null) {
            settings.mistake("SMTP_PASS is not set although SMTP_USER is: set both or neither");
        }
        return new Smtp(
                settings.required("SMTP_HOST", "the mail server, or unset EMAIL_SEND_USE_SMTP to use Mailgun"),
                settings.number("SMTP_PORT", secure ? 465 : 587, 1, 65_535),
                secure,
                settings.flag("SMTP_REQUIRE_TLS", false),
                user,
                password,
                address(
                        settings,
                        "SMTP_FROM",
                        settings.required("SMTP_FROM", "the sender, such as no-reply@example.com")),
                optionalAddress(settings, "SMTP_REPLY_TO"));
    }

    private static @Nullable String optionalAddress(Settings settings, String name) {
        String address = settings.optional(name);
        return address == null ? null : address(settings, name, address);
    }

    /** What is missing has been noted already. */
    private static String address(Settings settings, String name, String address) {
        if (!address.isEmpty()) {
            try {
                return Addresses.one(address);
            } catch (IllegalArgumentException e) {
                settings.mistake("%s %s, is '%s'".formatted(name, e.getMessage(), address));
            }
        }
        return address;
    }
}
