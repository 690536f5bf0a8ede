package dev.postern.functions.deliverwebhook;

import dev.postern.functions.runtime.BadPayload;
import java.net.URI;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where a webhook goes, as the payload names it. Its path and query may hold a secret: messages name the host only.
 *
 * @param url the whole of it
 * @param tls whether it is https
 * @param host the name or address in it
 * @param port the port, written or not
 */
record Endpoint(URI url, boolean tls, String host, int port) {

    /**
     * Reads the payload's url.
     *
     * @param allowHttp whether http will do
     * @throws BadPayload when no webhook can go there
     */
    static Endpoint of(@Nullable String text, boolean allowHttp) {
        if (text == null || text.isBlank()) {
            throw refused("is required and missing");
        }
        URI url;
        try {
            url = new URI(text.strip());
        } catch (java.net.URISyntaxException e) {
            throw new BadPayload("url", "is no URL", e);
        }
        String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("https") && !(scheme.equals("http") && allowHttp)) {
            throw refused(allowHttp ? "must begin with https:// or http://" : "must begin with https://");
        }
        String host = url.getHost();
        if (host == null) {
            throw refused("must have a host of ASCII letters, digits, dots and hyphens");
        }
        if (url.getRawUserInfo() != null) {
            throw refused("must have no user or password in it: the signature says who calls");
        }
        int port = url.getPort() >= 0 ? url.getPort() : scheme.equals("https") ? 443 : 80;
        if (port < 1 || port > 65_535) {
            throw refused("must have a port from 1 to 65535");
        }
        return new Endpoint(url, scheme.equals("https"), host.toLowerCase(Locale.ROOT), port);
    }

    /** Path and query, as they go into the request. */
    String target() {
        String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
    }

    private static BadPayload refused(String problem) {
        return new BadPayload("url", problem);
    }
}
