package dev.postern.api;

import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who sends a request: by its bearer token, or, where no keys are configured, by what it says of itself. The
 * second is for a developer's machine: the server then listens on loopback only, and what a browser sends for some web
 * page is refused.
 */
final class Callers {

    static final String TENANT_HEADER = "X-Database-Id";
    static final String ACTOR_HEADER = "X-Actor-Id";

    /** Whose jobs {@code ./postern add} adds unless it is told otherwise. */
    private static final String DEFAULT_TENANT = "00000000-0000-0000-0000-000000000001";

    private static final List<String> BROUGHT =
            List.of("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via");

    private final @Nullable TokenVerifier verifier;
    private final Set<String> everything;

    /**
     * Knows whom to believe.
     *
     * @param verifier null where no keys are configured
     * @param everything the permissions that callers have then
     */
    Callers(@Nullable TokenVerifier verifier, Set<String> everything) {
        this.verifier = verifier;
        this.everything = everything;
    }

    /** Fails with an {@link ApiException} when it cannot be told. */
    Future<Caller> of(HttpServerRequest request) {
        try {
            if (verifier == null) {
                return Future.succeededFuture(byHeaders(request));
            }
            String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
            if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
                throw new ApiException(Problem.UNAUTHENTICATED, "send a token, as Authorization: Bearer ...");
            }
            return verifier.verify(authorization.substring(7).strip());
        } catch (ApiException e) {
            return Future.failedFuture(e);
        }
    }

    private Caller byHeaders(HttpServerRequest request) {
        refuseWebPages(request);
        String tenant = Optional.ofNullable(request.getHeader(TENANT_HEADER)).orElse(DEFAULT_TENANT);
        UUID tenantId = Caller.uuid(tenant).orElseThrow(() -> ApiException.invalid(TENANT_HEADER, "is no uuid"));
        String actor = request.getHeader(ACTOR_HEADER);
        if (actor != null && !Caller.isName(actor)) {
            throw ApiException.invalid(ACTOR_HEADER, "is too long for a user");
        }
        return new Caller(
                tenantId,
                actor == null ? null : Caller.actorOf(tenantId, actor),
                actor == null ? "" : actor,
                everything);
    }

    // A page from anywhere can make its visitor's browser post to loopback, or reach it by a name of its own.
    private static void refuseWebPages(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        boolean foreignOrigin = origin != null && !isLocal(host(origin));
        boolean crossSite = "cross-site".equals(request.getHeader("Sec-Fetch-Site"));
        boolean foreignName =
                request.authority() != null && !isLocal(request.authority().host());
        // What a proxy on this machine adds for callers from anywhere.
        boolean brought = BROUGHT.stream().anyMatch(header -> request.getHeader(header) != null);
        if (foreignOrigin || crossSite || foreignName || brought) {
            throw new ApiException(
                    Problem.FORBIDDEN,
                    "no keys for tokens are configured: only programs on this machine are served, by the name localhost"
                            + " or 127.0.0.1 and not through a proxy");
        }
    }

    private static String host(String origin) {
        try {
            return Optional.ofNullable(URI.create(origin).getHost()).orElse("");
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private static boolean isLocal(String host) {
        return Set.of("localhost", "127.0.0.1", "::1", "[::1]").contains(host.toLowerCase(Locale.ROOT));
    }
}
