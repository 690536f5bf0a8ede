package dev.postern.api;

import dev.postern.api.ApiConfig.Tokens;
import dev.postern.api.KeyRing.Keys;
import io.vertx.core.Future;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.authentication.TokenCredentials;
import io.vertx.ext.auth.jwt.JWTAuth;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Reads bearer tokens: RS256, ES256, EdDSA and HS256, never unsigned, never without an end. Which algorithm counts is
 * decided by the keys, not by the token. Belongs to the server's context.
 */
final class TokenVerifier {

    /** Seconds by which clocks may differ. */
    static final int LEEWAY = 30;

    private static final int LONGEST = 16 * 1024;

    private final Tokens tokens;
    private final KeyRing ring;

    TokenVerifier(Tokens tokens, KeyRing ring) {
        this.tokens = tokens;
        this.ring = ring;
    }

    /** Who the token speaks for; fails with an {@link ApiException} when it does not count. */
    Future<Caller> verify(String token) {
        // What the steps throw is a failure of the future, too.
        return Future.succeededFuture(token).compose(this::verified);
    }

    private Future<Caller> verified(String token) {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3 || token.length() > LONGEST) {
            return refused("it is no signed JWT");
        }
        JsonObject header = json(parts[0]);
        String algorithm = header.getValue("alg") instanceof String alg ? alg : "";
        String keyId = header.getValue("kid") instanceof String kid ? kid : "";
        if (header.containsKey("crit")) {
            return refused("it needs extensions that are not known here");
        }
        return keysFor(algorithm, keyId).compose(keys -> check(keys, algorithm, token, parts[1]));
    }

    private Future<Keys> keysFor(String algorithm, String keyId) {
        Keys keys = ring.now();
        boolean known = keys.algorithms().contains(algorithm)
                && (keyId.isEmpty() || keys.ids().contains(keyId));
        return known ? Future.succeededFuture(keys) : ring.refreshed();
    }

    private Future<Caller> check(Keys keys, String algorithm, String token, String payload) {
        JWTAuth verifier = keys.verifier();
        if (verifier == null) {
            return Future.failedFuture(
                    new ApiException(Problem.UNAVAILABLE, "the keys that tokens are checked with cannot be read now"));
        }
        if (!keys.algorithms().contains(algorithm)) {
            return refused("there is no key for its algorithm");
        }
        // It throws where a time is no number.
        return Future.succeededFuture(new TokenCredentials(token))
                .compose(verifier::authenticate)
                .recover(cause -> refused("its signature or its time does not hold"))
                .map(user -> caller(json(payload)));
    }

    private Caller caller(JsonObject claims) {
        if (!(claims.getValue("exp") instanceof Number)) {
            throw unauthenticated("it has no exp, the time at which it ends");
        }
        tokens.issuer().ifPresent(issuer -> {
            if (!issuer.equals(claims.getValue("iss"))) {
                throw unauthenticated("its iss is not the one that counts here");
            }
        });
        tokens.audience().ifPresent(audience -> {
            if (!words(claims.getValue("aud"), false).contains(audience)) {
                throw unauthenticated("its aud does not name this API");
            }
        });
        UUID tenant = text(claims, tokens.tenantClaim())
                .flatMap(id -> Caller.uuid(id).stream())
                .findFirst()
                .orElseThrow(() -> new ApiException(
                        Problem.FORBIDDEN, "the token's claim " + tokens.tenantClaim() + " is no uuid of a tenant"));
        String user = text(claims, tokens.userClaim()).findFirst().orElse("");
        if (!Caller.isName(user)) {
            throw new ApiException(
                    Problem.FORBIDDEN,
                    "the token's claim " + tokens.userClaim() + " is too long for a user, or has U+0000 in it");
        }
        return new Caller(
                tenant,
                user.isEmpty() ? null : Caller.actorOf(tenant, user),
                user,
                words(claims.getValue(tokens.permissionsClaim()), true));
    }

    private static Stream<String> text(JsonObject claims, String name) {
        return claims.getValue(name) instanceof String text ? Stream.of(text) : Stream.empty();
    }

    private static Set<String> words(Object claim, boolean split) {
        Collection<?> values = List.of();
        if (claim instanceof String text) {
            values = split ? Arrays.asList(text.split(" ", -1)) : List.of(text);
        } else if (claim instanceof JsonArray array) {
            values = array.getList();
        }
        Set<String> words = new HashSet<>();
        values.forEach(value -> {
            if (value instanceof String word && !word.isEmpty()) {
                words.add(word);
            }
        });
        return words;
    }

    private static JsonObject json(String part) {
        try {
            return new JsonObject(new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException | DecodeException | ClassCastException e) {
            throw unauthenticated("it is no signed JWT");
        }
    }

    private static <T> Future<T> refused(String reason) {
        return Future.failedFuture(unauthenticated(reason));
    }

    private static ApiException unauthenticated(String reason) {
        return new ApiException(Problem.UNAUTHENTICATED, "the token does not count: " + reason);
    }
}
