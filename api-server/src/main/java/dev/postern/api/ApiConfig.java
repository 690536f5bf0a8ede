package dev.postern.api;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Settings of the API server.
 *
 * @param host address to listen on; a loopback one where no keys are configured
 * @param port TCP port to listen on; 0 for any that is free
 * @param tokens whose tokens count, and what they say
 * @param bodyLimit bytes of a request body, at least 1024; beyond that 413
 * @param clientTimeout how long a connection may be silent before it is closed, and how long a body may take to arrive;
 *     at least 1 second
 * @param ratePerSecond requests that a tenant may send to this process in the long run; 0 for any number
 * @param liveClients clients that may wait for events at once, at least 2; a tenant may have half of them
 * @param calls of functions through the gateway
 * @param origins web pages of which may call the API from a browser, such as {@code https://app.example.com}; mostly none
 */
public record ApiConfig(
        String host,
        int port,
        Tokens tokens,
        int bodyLimit,
        Duration clientTimeout,
        int ratePerSecond,
        int liveClients,
        Calls calls,
        List<String> origins) {

    /** Each holds a connection and at most one state of its job. */
    private static final int DEFAULT_LIVE_CLIENTS = 2_000;

    private static final Pattern ORIGIN = Pattern.compile("https?://[a-z0-9.\\[\\]:-]+");

    /** The port unless another one is asked for. */
    public static final int DEFAULT_PORT = 8070;

    /** Requests a second of a tenant unless said otherwise. */
    public static final int DEFAULT_RATE = 100;

    private static final int LEAST_BODY_LIMIT = 1024;

    /**
     * Whose tokens count, and what they say.
     *
     * @param keyFiles files with a JWK set, a PEM public key, or a secret of at least 32 bytes
     * @param keyUrls where JWK sets are fetched from
     * @param issuer what {@code iss} must be; empty for any
     * @param audience what {@code aud} must be or contain; empty for any
     * @param tenantClaim the claim with the tenant, a uuid
     * @param userClaim the claim with the user
     * @param permissionsClaim the claim with the permissions: an array, or a string with blanks between them
     */
    public record Tokens(
            List<Path> keyFiles,
            List<URI> keyUrls,
            Optional<String> issuer,
            Optional<String> audience,
            String tenantClaim,
            String userClaim,
            String permissionsClaim) {

        /** Copies the lists in. */
        public Tokens {
            keyFiles = List.copyOf(keyFiles);
            keyUrls = List.copyOf(keyUrls);
        }

        /** No keys: callers are not asked who they are. */
        public static Tokens none() {
            return new Tokens(
                    List.of(), List.of(), Optional.empty(), Optional.empty(), "database_id", "sub", "permissions");
        }

        /** With these files of keys. */
        public Tokens withKeyFiles(List<Path> files) {
            return new Tokens(files, keyUrls, issuer, audience, tenantClaim, userClaim, permissionsClaim);
        }

        /** With keys from these addresses. */
        public Tokens withKeyUrls(List<URI> urls) {
            return new Tokens(keyFiles, urls, issuer, audience, tenantClaim, userClaim, permissionsClaim);
        }

        /** Only for this issuer and audience. */
        public Tokens withIssuerAndAudience(Optional<String> newIssuer, Optional<String> newAudience) {
            return new Tokens(keyFiles, keyUrls, newIssuer, newAudience, tenantClaim, userClaim, permissionsClaim);
        }

        /** With other names of claims. */
        public Tokens withClaims(String tenant, String user, String permissions) {
            return new Tokens(keyFiles, keyUrls, issuer, audience, tenant, user, permissions);
        }

        /** Whether there are keys to check tokens with. */
        public boolean checked() {
            return !keyFiles.isEmpty() || !keyUrls.isEmpty();
        }
    }

    /**
     * Bounds on calls through the gateway.
     *
     * @param most under way at once in this process, at least 1; one tenant may have half of them
     * @param atMost how long a caller is kept waiting, at least 1 second
     */
    public record Calls(int most, Duration atMost) {

        /** 64 at once, a minute each: what takes longer is better enqueued. */
        public static final Calls DEFAULT = new Calls(64, Duration.ofSeconds(60));

        /** Refuses values outside the stated bounds. */
        public Calls {
            require(most >= 1, "calls under way must be at least 1, is " + most);
            require(atMost.compareTo(Duration.ofSeconds(1)) >= 0, "a call must have at least 1 s, has " + atMost);
        }
    }

    /** Refuses values outside the stated bounds. */
    public ApiConfig {
        origins = List.copyOf(origins);
        origins.forEach(origin -> require(
                ORIGIN.matcher(origin).matches(),
                "an origin is a scheme, a host and perhaps a port, such as https://app.example.com, in lower case and"
                        + " without a path; '" + origin + "' is not"));
        require(!host.isBlank(), "host must not be blank");
        require(port >= 0 && port <= 65_535, "port must be 0 to 65535, is " + port);
        require(bodyLimit >= LEAST_BODY_LIMIT, "body limit must be at least 1024 bytes, is " + bodyLimit);
        require(
                clientTimeout.compareTo(Duration.ofSeconds(1)) >= 0,
                "client timeout must be at least 1 s, is " + clientTimeout);
        require(liveClients >= 2, "live clients must be at least 2, are " + liveClients);
        require(ratePerSecond >= 0, "rate must not be negative, is " + ratePerSecond);
        require(
                tokens.checked() || isLoopback(host),
                "without keys for tokens the API may listen on a loopback address only, not on '" + host + "'");
    }

    /** Loopback, port 8070, no keys, bodies of 1 MiB, 30 s idle, 100 requests a second. */
    public static ApiConfig defaults() {
        return new ApiConfig(
                "127.0.0.1",
                DEFAULT_PORT,
                Tokens.none(),
                1024 * 1024,
                Duration.ofSeconds(30),
                DEFAULT_RATE,
                DEFAULT_LIVE_CLIENTS,
                Calls.DEFAULT,
                List.of());
    }

    /** Listening elsewhere, with these tokens. */
    public ApiConfig withAddress(String newHost, int newPort, Tokens newTokens) {
        return new ApiConfig(
                newHost, newPort, newTokens, bodyLimit, clientTimeout, ratePerSecond, liveClients, calls, origins);
    }

    /** With another bound on request bodies. */
    public ApiConfig withBodyLimit(int newBodyLimit) {
        return new ApiConfig(
                host, port, tokens, newBodyLimit, clientTimeout, ratePerSecond, liveClients, calls, origins);
    }

    /** With another bound on a tenant's requests. */
    public ApiConfig withRatePerSecond(int newRate) {
        return new ApiConfig(host, port, tokens, bodyLimit, clientTimeout, newRate, liveClients, calls, origins);
    }

    /** With another patience with clients. */
    public ApiConfig withClientTimeout(Duration newTimeout) {
        return new ApiConfig(host, port, tokens, bodyLimit, newTimeout, ratePerSecond, liveClients, calls, origins);
    }

    /** With another number of clients that may wait at once. */
    public ApiConfig withLiveClients(int newNumber) {
        return new ApiConfig(host, port, tokens, bodyLimit, clientTimeout, ratePerSecond, newNumber, calls, origins);
    }

    /** With other bounds on calls of functions. */
    public ApiConfig withCalls(Calls newCalls) {
        return new ApiConfig(
                host, port, tokens, bodyLimit, clientTimeout, ratePerSecond, liveClients, newCalls, origins);
    }

    /** With web pages of these origins let in. */
    public ApiConfig withOrigins(List<String> newOrigins) {
        return new ApiConfig(
                host, port, tokens, bodyLimit, clientTimeout, ratePerSecond, liveClients, calls, newOrigins);
    }

    /** Whether nobody outside this machine reaches the address. A name that is not known is none. */
    public static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
