package dev.postern.functions.sendemaillink;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.sendemaillink.CannotSend.Code;
import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the platform knows about a tenant: two queries, whose texts are the contract with it. */
final class TenantDirectory {

    private static final String GET_DATABASE_INFO = """
            query GetDatabaseInfo($databaseId: UUID!) {
              databases(where: { id: { equalTo: $databaseId } }, first: 1) {
                nodes {
                  sites {
                    nodes {
                      domains { nodes { subdomain domain } }
                      logo
                      title
                      siteThemes { nodes { theme } }
                      siteModules(where: { name: { equalTo: "legal_terms_module" } }) { nodes { data } }
                    }
                  }
                }
              }
            }
            """;

    private static final String GET_USER = """
            query GetUser($userId: UUID!) {
              users(where: { id: { equalTo: $userId } }, first: 1) {
                nodes { username displayName profilePicture }
              }
            }
            """;

    private final GraphQlClient client;
    private final GraphQlEndpoint meta;
    private final GraphQlEndpoint tenant;

    /**
     * Asks over two endpoints.
     *
     * @param meta where the platform's own tables are
     * @param tenant where the tenants' tables are
     */
    TenantDirectory(GraphQlClient client, GraphQlEndpoint meta, GraphQlEndpoint tenant) {
        this.client = client;
        this.meta = meta.with("X-Meta-Schema", "true");
        this.tenant = tenant;
    }

    /** The first site of a tenant. One that is missing may be on its way, so trying again makes sense. */
    Site site(String databaseId) {
        JsonNode data = client.ask(meta, "GetDatabaseInfo", GET_DATABASE_INFO, Map.of("databaseId", databaseId));
        JsonNode site = data.at("/databases/nodes/0/sites/nodes/0");
        if (site.isMissingNode()) {
            throw new CannotSend(
                    Code.SITE_NOT_FOUND,
                    "Site not found for database %s; create one, the job will find it".formatted(databaseId));
        }
        JsonNode legal = present(site, "/siteModules/nodes/0/data", "the site module legal_terms_module", databaseId);
        JsonNode theme = present(site, "/siteThemes/nodes/0/theme", "a theme", databaseId);
        JsonNode domain = present(site, "/domains/nodes/0/domain", "a domain", databaseId);
        String title = text(site.path("title"));
        String company = text(legal.at("/company/name"));
        String nick = firstOf(text(legal.at("/company/nick")), title, company);
        if (nick == null) {
            throw incomplete("company.nick in legal_terms_module", databaseId);
        }
        return new Site(
                text(site.at("/domains/nodes/0/subdomain")),
                domain.asText(),
                nick,
                company == null ? nick : company,
                web(text(legal.at("/company/website"))),
                text(legal.at("/emails/support")),
                web(text(site.at("/logo/url"))),
                text(theme.path("primary")));
    }

    /** The name under which a user invites; {@code null} when there is no such user or no name. */
    @Nullable
    String displayName(String databaseId, String userId) {
        JsonNode data =
                client.ask(tenant.with("X-Database-Id", databaseId), "GetUser", GET_USER, Map.of("userId", userId));
        return text(data.at("/users/nodes/0/displayName"));
    }

    private static JsonNode present(JsonNode site, String path, String what, String databaseId) {
        JsonNode value = site.at(path);
        if (value.isMissingNode() || value.isNull()) {
            throw incomplete(what, databaseId);
        }
        return value;
    }

    private static CannotSend incomplete(String what, String databaseId) {
        return new CannotSend(
                Code.SITE_INCOMPLETE,
                "Missing site configuration for e-mail: the site of database %s has not got %s"
                        .formatted(databaseId, what));
    }

    private static @Nullable String firstOf(@Nullable String... values) {
        for (String value : values) {
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    /** Control characters go: these texts end up in a subject. */
    private static @Nullable String text(JsonNode node) {
        String text =
                node.isTextual() ? node.asText().replaceAll("\\p{Cntrl}+", " ").strip() : "";
        return text.isEmpty() ? null : text;
    }

    /** Only what a mail client may open or show: {@code javascript:} and the like are dropped. */
    private static @Nullable URI web(@Nullable String address) {
        if (address == null) {
            return null;
        }
        try {
            URI url = URI.create(address);
            boolean web = "https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme());
            return web && url.getHost() != null ? url : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
