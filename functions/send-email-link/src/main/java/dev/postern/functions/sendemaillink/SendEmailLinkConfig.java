package dev.postern.functions.sendemaillink;

import dev.postern.functions.runtime.Settings;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The function's own settings, under the names that Constructive gave them.
 *
 * @param meta where GetDatabaseInfo goes ({@code META_GRAPHQL_URL}, else {@code GRAPHQL_URL})
 * @param tenant where GetUser goes ({@code GRAPHQL_URL})
 * @param defaultDatabaseId the tenant of a call that names none ({@code DEFAULT_DATABASE_ID})
 * @param localAppPort the port of links to this machine in dry run ({@code LOCAL_APP_PORT})
 * @param outgoing where mails go
 */
record SendEmailLinkConfig(
        GraphQlEndpoint meta,
        GraphQlEndpoint tenant,
        @Nullable String defaultDatabaseId,
        @Nullable Integer localAppPort,
        Outgoing outgoing) {

    /** One of three ways out. */
    sealed interface Outgoing {}

    /** {@code MAILGUN_*}; {@code devEmail} gets every mail instead of its recipient. */
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

    /** {@code SMTP_*}, with {@code EMAIL_SEND_USE_SMTP=true}. */
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

    /** {@code SEND_EMAIL_LINK_DRY_RUN=true}; files go to {@code SEND_EMAIL_LINK_DRY_RUN_DIR}. */
    record DryRun(@Nullable Path directory) implements Outgoing {}

    boolean dryRun() {
        return outgoing instanceof DryRun;
    }

    /** Reads everything, then refuses all mistakes at once. */
    static SendEmailLinkConfig from(Settings settings) {
        settings.required("GRAPHQL_URL", "the platform's GraphQL endpoint, such as http://localhost:3000/graphql");
        URI url = settings.httpUrl("GRAPHQL_URL");
        URI metaUrl = settings.httpUrl("META_GRAPHQL_URL");
        String host = settings.optional("GRAPHQL_HOST_HEADER");
        String metaHost = settings.optional("META_GRAPHQL_HOST_HEADER");
        String token = settings.optional("GRAPHQL_AUTH_TOKEN");
        String authorization = token == null ? null : "Bearer " + token;
        String apiName = settings.optional("GRAPHQL_API_NAME");
        String schemata = settings.optional("GRAPHQL_SCHEMATA");
        String defaultDatabaseId = settings.optional("DEFAULT_DATABASE_ID");
        Integer localAppPort =
                settings.optional("LOCAL_APP_PORT") == null ? null : settings.number("LOCAL_APP_PORT", 1, 1, 65_535);
        Outgoing outgoing = outgoing(settings);
        settings.refuseMistakes();

        URI tenantUrl = Objects.requireNonNull(url, "GRAPHQL_URL was checked above");
        GraphQlEndpoint tenant = new GraphQlEndpoint(tenantUrl, host, Map.of())
                .with("Authorization", authorization)
                .with("X-Api-Name", apiName)
                .with("X-Schemata", schemata);
        // Without an endpoint of its own, meta is the same one under the same name.
        GraphQlEndpoint meta = new GraphQlEndpoint(
                        metaUrl == null ? tenantUrl : metaUrl,
                        metaHost == null && metaUrl == null ? host : metaHost,
                        Map.of())
                .with("Authorization", authorization);
        return new SendEmailLinkConfig(meta, tenant, defaultDatabaseId, localAppPort, outgoing);
    }

    private static Outgoing outgoing(Settings settings) {
        boolean dryRun = settings.flag("SEND_EMAIL_LINK_DRY_RUN", false);
        boolean smtp = settings.flag("EMAIL_SEND_USE_SMTP", false);
        String directory = settings.optional("SEND_EMAIL_LINK_DRY_RUN_DIR");
        if (dryRun) {
            return new DryRun(directory == null ? null : Path.of(directory));
        }
        return smtp ? smtp(settings) : mailgun(settings);
    }

    private static Mailgun mailgun(Settings settings) {
        // Constructive's deployments set the key under two names.
        String key = settings.optional("MAILGUN_KEY") == null
                ? settings.required(
                        "MAILGUN_API_KEY", "your Mailgun key, or SEND_EMAIL_LINK_DRY_RUN=true to send nothing")
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

    private static String address(Settings settings, String name, String address) {
        if (address.isEmpty()) {
            return address;
        }
        try {
            new InternetAddress(address).validate();
        } catch (AddressException e) {
            settings.mistake("%s must be an e-mail address, is '%s'".formatted(name, address));
        }
        return address;
    }
}
