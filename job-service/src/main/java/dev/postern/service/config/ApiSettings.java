package dev.postern.service.config;

import dev.postern.api.ApiConfig;
import dev.postern.api.ApiConfig.Calls;
import dev.postern.api.ApiConfig.Tokens;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The API server's part of the environment. */
final class ApiSettings {

    private static final String KEYS = "POSTERN_API_KEYS";

    private final Environment env;

    ApiSettings(Environment env) {
        this.env = env;
    }

    /**
     * Reads it.
     *
     * @param bindHost where the other servers listen
     * @param concurrency calls of functions that a process makes at once
     */
    ApiConfig read(String bindHost, int concurrency) {
        Tokens tokens = tokens();
        // Closed by default: whoever opens it to the network has to say whose tokens count.
        String host = env.text("POSTERN_API_HOST", tokens.checked() ? bindHost : "127.0.0.1");
        if (!tokens.checked() && !ApiConfig.isLoopback(host)) {
            env.mistake(
                    "POSTERN_API_HOST is '" + host + "', where everybody could reach the API, and no keys for tokens"
                            + " are configured; set " + KEYS + ", or leave it at 127.0.0.1");
            host = "127.0.0.1";
        }
        return ApiConfig.defaults()
                .withOrigins(origins())
                .withCalls(new Calls(
                        concurrency, env.seconds("POSTERN_API_CALL_SECONDS", Calls.DEFAULT.atMost(), 1, 3600)))
                .withRatePerSecond(env.number("POSTERN_API_RATE", ApiConfig.DEFAULT_RATE, 0, 1_000_000))
                .withAddress(host, env.number("POSTERN_API_PORT", ApiConfig.DEFAULT_PORT, 0, 65_535), tokens);
    }

    private List<String> origins() {
        List<String> origins = env.list("POSTERN_API_ORIGINS");
        try {
            return ApiConfig.defaults().withOrigins(origins).origins();
        } catch (IllegalArgumentException e) {
            env.mistake("POSTERN_API_ORIGINS: " + e.getMessage());
            return List.of();
        }
    }

    /** Whose tokens count, and what they say. */
    Tokens tokens() {
        List<Path> files = new ArrayList<>();
        List<URI> urls = new ArrayList<>();
        for (String source : env.list(KEYS)) {
            if (source.matches("https?://\\S+")) {
                url(source, urls);
            } else if (Files.isReadable(Path.of(source))) {
                files.add(Path.of(source));
            } else {
                env.mistake(
                        KEYS + " names '" + source + "', which is neither a file that can be read nor an http(s) URL");
            }
        }
        Tokens defaults = Tokens.none();
        return defaults.withKeyFiles(files)
                .withKeyUrls(urls)
                .withIssuerAndAudience(env.text("POSTERN_API_ISSUER"), env.text("POSTERN_API_AUDIENCE"))
                .withClaims(
                        env.text("POSTERN_API_TENANT_CLAIM", defaults.tenantClaim()),
                        env.text("POSTERN_API_USER_CLAIM", defaults.userClaim()),
                        env.text("POSTERN_API_PERMISSIONS_CLAIM", defaults.permissionsClaim()));
    }

    private void url(String source, List<URI> urls) {
        try {
            urls.add(URI.create(source));
        } catch (IllegalArgumentException e) {
            env.mistake(KEYS + " names '" + source + "', which is no URL");
        }
    }
}
