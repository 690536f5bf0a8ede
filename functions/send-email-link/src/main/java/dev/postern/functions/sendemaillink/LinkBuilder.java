package dev.postern.functions.sendemaillink;

import dev.postern.functions.sendemaillink.CannotSend.Code;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The link in a mail. Always https, with one exception: in dry run, where nobody gets the mail, a host that is this
 * machine gets http and the local app's port.
 */
final class LinkBuilder {

    private final boolean dryRun;
    private final @Nullable Integer localAppPort;

    LinkBuilder(boolean dryRun, @Nullable Integer localAppPort) {
        this.dryRun = dryRun;
        this.localAppPort = localAppPort;
    }

    URI link(Site site, LinkEmail email) {
        String path = switch (email) {
            case LinkEmail.Invitation invitation ->
                "/register?"
                        + query(
                                "invite_token",
                                invitation.token(),
                                "email",
                                invitation.to(),
                                "type",
                                invitation.scope().word());
            case LinkEmail.PasswordReset reset ->
                "/reset-password?" + query("role_id", reset.userId(), "reset_token", reset.token());
            case LinkEmail.Confirmation confirmation ->
                "/verify-email?"
                        + query("email_id", confirmation.emailId(), "verification_token", confirmation.token());
        };
        try {
            URI link = URI.create(origin(site) + path);
            if (link.getHost() != null) {
                return link;
            }
        } catch (IllegalArgumentException e) {
            throw unusable(site, e);
        }
        throw unusable(site, null);
    }

    private String origin(Site site) {
        String domain = site.domain().toLowerCase(Locale.ROOT);
        // localhost has no subdomains that a browser would find.
        String host = site.subdomain() == null || isThisMachine(domain) ? domain : site.subdomain() + "." + domain;
        return dryRun && localAppPort != null && isThisMachine(host)
                ? "http://" + host + ":" + localAppPort
                : "https://" + host;
    }

    private static boolean isThisMachine(String host) {
        return host.equals("localhost")
                || host.endsWith(".localhost")
                || host.equals("0.0.0.0")
                || host.equals("127.0.0.1");
    }

    private static String query(String... pairs) {
        StringBuilder query = new StringBuilder();
        for (int i = 0; i < pairs.length; i += 2) {
            query.append(i == 0 ? "" : "&")
                    .append(pairs[i])
                    .append('=')
                    .append(URLEncoder.encode(pairs[i + 1], StandardCharsets.UTF_8));
        }
        return query.toString();
    }

    private static CannotSend unusable(Site site, @Nullable Throwable cause) {
        return new CannotSend(
                Code.SITE_INCOMPLETE, "the site's domain '%s' makes no link".formatted(site.domain()), cause);
    }
}
