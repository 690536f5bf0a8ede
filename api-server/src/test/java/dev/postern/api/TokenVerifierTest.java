package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.api.ApiConfig.Tokens;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tokens count. Signatures are made by the JDK, checked by the verifier. */
class TokenVerifierTest {

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @ParameterizedTest
    @ValueSource(strings = {"RS256", "ES256", "EdDSA"})
    void aSignatureCountsByTheKeyAsPemAndAsJwkSet(String algorithm) {
        SigningKey key = SigningKey.of(algorithm, "k1");
        SigningKey stranger = SigningKey.of(algorithm, "k1");
        for (String file : List.of(key.pem(), SigningKey.set(key).encode())) {
            TokenVerifier verifier = verifier(Tokens.none().withKeyFiles(List.of(ApiServer.keyFile(file))));
            SigningKey named = file.startsWith("-") ? new SigningKey(algorithm, null, key.pair(), new byte[0]) : key;
            Caller caller = await(verifier.verify(named.token(claims())));
            assertThat(caller.tenant()).isEqualTo(TENANT);
            assertThat(caller.actor()).isEqualTo(ADA);
            assertThat(caller.permissions()).containsExactly("jobs.view_jobs");
            assertThatThrownBy(() -> await(verifier.verify(stranger.token(claims()))))
                    .hasMessageContaining("signature");
        }
    }

    @Test
    void aSecretCountsAsWell() {
        TokenVerifier verifier = secretVerifier();
        assertThat(await(verifier.verify(ApiServer.SECRET.token(claims()))).actor())
                .isEqualTo(ADA);
        refused(
                verifier,
                SigningKey.secret("another secret of the tests, long as well").token(claims()));
    }

    @Test
    void nobodyChoosesTheAlgorithmButTheKeys() {
        SigningKey rsa = SigningKey.of("RS256", null);
        TokenVerifier verifier = verifier(Tokens.none().withKeyFiles(List.of(ApiServer.keyFile(rsa.pem()))));
        String claims = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(claims().encode().getBytes());
        for (String algorithm : List.of("none", "None", "NONE", "")) {
            String header = Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(
                            new JsonObject().put("alg", algorithm).encode().getBytes());
            refused(verifier, header + "." + claims + ".");
            refused(verifier, header + "." + claims);
        }
        // The public key is public: who signs with it as a secret must not count.
        refused(verifier, SigningKey.secret(rsa.pem()).token(claims()));
        refused(verifier, SigningKey.secret(rsa.pem().strip()).token(claims()));
        refused(verifier, SigningKey.secret(rsa.pem()).token(new JsonObject().put("alg", "RS256"), claims()));
        // And without any key, nothing does.
        refused(verifier(Tokens.none().withKeyUrls(List.of(URI.create("http://127.0.0.1:1/jwks")))), "x.y.z");
    }

    @Test
    void timeIssuerAndAudienceHold() {
        TokenVerifier verifier =
                verifier(secret().withIssuerAndAudience(Optional.of("https://id"), Optional.of("api")));
        JsonObject good = claims().put("iss", "https://id")
                .put("aud", new JsonArray().add("web").add("api"));
        await(verifier.verify(ApiServer.SECRET.token(good)));
        await(verifier.verify(ApiServer.SECRET.token(good.copy().put("aud", "api"))));
        for (JsonObject bad : List.of(
                good.copy().put("iss", "https://other"),
                good.copy().put("aud", "web"),
                claims().put("iss", "https://id"),
                good.copy().put("exp", 1_000_000_000),
                good.copy().put("nbf", 3_900_000_000L),
                good.copy().put("exp", "4000000000"),
                without(good, "exp"))) {
            refused(verifier, ApiServer.SECRET.token(bad));
        }
        refused(
                verifier,
                ApiServer.SECRET.token(new JsonObject().put("alg", "HS256").put("crit", new JsonArray()), good));
        assertThatThrownBy(() ->
                        await(verifier.verify(ApiServer.SECRET.token(good.copy().put("database_id", "acme")))))
                .hasMessageContaining("database_id");
    }

    @Test
    void claimsHaveTheNamesThatAreConfigured() {
        TokenVerifier verifier = verifier(secret().withClaims("tenantId", "user", "scope"));
        Caller caller = await(verifier.verify(ApiServer.SECRET.token(new JsonObject()
                .put("tenantId", TENANT.toString())
                .put("user", "auth0|ada")
                .put("scope", "jobs.view_jobs jobs.cancel_jobs")
                .put("exp", 4_000_000_000L))));
        assertThat(caller.actor()).isEqualTo(Caller.actorOf(TENANT, "auth0|ada"));
        assertThat(caller.name()).isEqualTo("auth0|ada");
        assertThat(caller.permissions()).containsExactlyInAnyOrder("jobs.view_jobs", "jobs.cancel_jobs");
    }

    @Test
    void keysRotateInAFileAndAtAnAddress() throws IOException {
        SigningKey first = SigningKey.of("ES256", "k1");
        SigningKey second = SigningKey.of("ES256", "k2");
        AtomicReference<String> published =
                new AtomicReference<>(SigningKey.set(first).encode());
        AtomicInteger fetches = new AtomicInteger();
        var server = await(vertx.createHttpServer()
                .requestHandler(request -> {
                    fetches.incrementAndGet();
                    request.response().end(published.get());
                })
                .listen(0, "127.0.0.1"));
        Path file = ApiServer.keyFile(SigningKey.set(first).encode());
        KeyRing byFile = ring(Tokens.none().withKeyFiles(List.of(file)));
        KeyRing byUrl =
                ring(Tokens.none().withKeyUrls(List.of(URI.create("http://127.0.0.1:" + server.actualPort() + "/"))));

        Files.writeString(file, SigningKey.set(second).encode());
        published.set(SigningKey.set(second).encode());
        for (KeyRing ring : List.of(byFile, byUrl)) {
            TokenVerifier verifier = new TokenVerifier(Tokens.none(), ring);
            // The new key is met at once, by its unknown id; with that the old one is gone.
            await(verifier.verify(second.token(claims())));
            refused(verifier, first.token(claims()));
        }
        published.set("gone");
        await(byUrl.read());
        await(new TokenVerifier(Tokens.none(), byUrl).verify(second.token(claims())));
        assertThat(fetches.get()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void madeUpKeyIdsDoNotBecomeRequests() {
        AtomicInteger fetches = new AtomicInteger();
        SigningKey key = SigningKey.of("ES256", "k1");
        var server = await(vertx.createHttpServer()
                .requestHandler(request -> {
                    fetches.incrementAndGet();
                    request.response().end(SigningKey.set(key).encode());
                })
                .listen(0, "127.0.0.1"));
        Tokens tokens = Tokens.none().withKeyUrls(List.of(URI.create("http://127.0.0.1:" + server.actualPort() + "/")));
        KeyRing ring = new KeyRing(vertx, tokens, Duration.ofHours(1));
        await(ring.start());
        TokenVerifier verifier = new TokenVerifier(tokens, ring);
        for (int i = 0; i < 20; i++) {
            refused(verifier, SigningKey.of("ES256", "made-up-" + i).token(claims()));
        }
        assertThat(fetches.get()).isOne();
    }

    /** One that cannot be read would otherwise keep all others from being rotated. */
    @Test
    void aBadKeyAmongOthersIsPassedOver() {
        SigningKey good = SigningKey.of("ES256", "k1");
        JsonObject offCurve = new JsonObject()
                .put("kty", "EC")
                .put("crv", "P-256")
                .put("kid", "bad")
                .put("x", "AAAA")
                .put("y", "AAAA");
        JsonObject noBase64 = new JsonObject().put("kty", "RSA").put("n", "***").put("e", "AQAB");
        JsonArray keys = new JsonArray().add(offCurve).add(noBase64).add("no key");
        keys.addAll(SigningKey.set(good).getJsonArray("keys"));
        TokenVerifier verifier = verifier(Tokens.none()
                .withKeyFiles(List.of(
                        ApiServer.keyFile(new JsonObject().put("keys", keys).encode()))));
        await(verifier.verify(good.token(claims())));
    }

    @Test
    void aKeyServersEndlessAnswerIsNotRead() {
        AtomicLong sent = new AtomicLong();
        Buffer part = Buffer.buffer(" ".repeat(64 * 1024));
        var server = await(vertx.createHttpServer()
                .requestHandler(request -> {
                    HttpServerResponse response = request.response().setChunked(true);
                    vertx.setPeriodic(1, timer -> {
                        if (response.closed()) {
                            vertx.cancelTimer(timer);
                        } else if (!response.writeQueueFull()) {
                            sent.addAndGet(part.length());
                            response.write(part);
                        }
                    });
                })
                .listen(0, "127.0.0.1"));
        KeyRing ring =
                ring(Tokens.none().withKeyUrls(List.of(URI.create("http://127.0.0.1:" + server.actualPort() + "/"))));
        assertThat(ring.now().verifier()).isNull();
        assertThat(sent.get()).isLessThan(16 * 1024 * 1024);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "too short",
                "{\"keys\": []}",
                "{",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
                "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2hvcnQ\"}]}"
            })
    void aKeyFileThatIsNoneIsAMistakeAtStart(String content) {
        assertThatThrownBy(() -> verifier(Tokens.none().withKeyFiles(List.of(ApiServer.keyFile(content)))))
                .hasMessageContaining("cannot use the key file");
    }

    private static void refused(TokenVerifier verifier, String token) {
        assertThatThrownBy(() -> await(verifier.verify(token)))
                .cause()
                .isInstanceOfSatisfying(
                        ApiException.class,
                        e -> assertThat(e.problem()).isIn(Problem.UNAUTHENTICATED, Problem.UNAVAILABLE));
    }

    private static JsonObject without(JsonObject claims, String name) {
        JsonObject copy = claims.copy();
        copy.remove(name);
        return copy;
    }

    private static JsonObject claims() {
        return ApiServer.claims(TENANT, ADA, List.of("jobs.view_jobs"));
    }

    private static Tokens secret() {
        return Tokens.none()
                .withKeyFiles(List.of(ApiServer.keyFile(
                        new String(ApiServer.SECRET.secret(), java.nio.charset.StandardCharsets.UTF_8))));
    }

    private TokenVerifier secretVerifier() {
        return verifier(secret());
    }

    private TokenVerifier verifier(Tokens tokens) {
        return new TokenVerifier(tokens, ring(tokens));
    }

    private KeyRing ring(Tokens tokens) {
        KeyRing ring = new KeyRing(vertx, tokens, Duration.ZERO);
        await(ring.start());
        return ring;
    }
}
