package dev.postern.functions.sendemaillink;

import dev.postern.functions.mail.Outgoing;
import dev.postern.functions.runtime.Settings;
import java.net.URI;
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

    boolean dryRun() {
        return outgoing instanceof Outgoing.DryRun;
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
        Outgoing outgoing = Outgoing.from(settings, "SEND_EMAIL_LINK");
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
}
