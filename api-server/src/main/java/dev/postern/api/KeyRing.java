package dev.postern.api;

import dev.postern.api.ApiConfig.Tokens;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.JWTOptions;
import io.vertx.ext.auth.jwt.JWTAuth;
import io.vertx.ext.auth.jwt.JWTAuthOptions;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that tokens are checked with, read again every five minutes and when a token names a key that is not among
 * them, so that keys can be rotated without a restart. A source that cannot be read keeps the keys that it had. Belongs to
 * the server's context.
 */
final class KeyRing {

    private static final Logger log = LoggerFactory.getLogger(KeyRing.class);

    private static final long READ_AGAIN_MS = Duration.ofMinutes(5).toMillis();
    private static final int LEAST_SECRET_BYTES = 32;
    private static final int LEAST_RSA_BITS = 2048;
    private static final int LARGEST_KEY_SET = 256 * 1024;
    private static final long FETCH_SECONDS = 5;

    private final Vertx vertx;
    private final Tokens tokens;
    private final HttpClient client;

    /** Tokens with made-up key ids must not become requests to somebody's key server. */
    private final long leastMsBetweenReads;

    private final List<List<JsonObject>> keysBySource = new ArrayList<>();
    private Keys keys = new Keys(null, Set.of(), Set.of());
    private long readAt;
    private @Nullable Future<Keys> reading;

    /**
     * What is known now.
     *
     * @param verifier null while there is no key at all
     * @param ids of the keys that have one
     * @param algorithms that some key is for
     */
    record Keys(@Nullable JWTAuth verifier, Set<String> ids, Set<String> algorithms) {}

    KeyRing(Vertx vertx, Tokens tokens, Duration leastBetweenReads) {
        this.vertx = vertx;
        this.tokens = tokens;
        this.client = vertx.createHttpClient();
        this.leastMsBetweenReads = leastBetweenReads.toMillis();
    }

    /** Reads all sources. Fails when a file cannot be read; an address may answer later. */
    Future<Keys> start() {
        for (int i = 0; i < tokens.keyFiles().size() + tokens.keyUrls().size(); i++) {
            keysBySource.add(List.of());
        }
        List<Future<?>> files = new ArrayList<>();
        for (Path file : tokens.keyFiles()) {
            files.add(readFile(file));
        }
        return Future.all(files).compose(readable -> read()).onSuccess(first -> readLater());
    }

    Keys now() {
        return keys;
    }

    /** Reads again unless that was a moment ago. */
    Future<Keys> refreshed() {
        if (reading != null) {
            return reading;
        }
        return millis() - readAt < leastMsBetweenReads ? Future.succeededFuture(keys) : read();
    }

    /** Reads all sources now. */
    Future<Keys> read() {
        List<Future<List<JsonObject>>> sources = new ArrayList<>();
        tokens.keyFiles().forEach(file -> sources.add(readFile(file)));
        tokens.keyUrls().forEach(url -> sources.add(fetch(url)));
        readAt = millis();
        Future<Keys> read = Future.join(sources).otherwiseEmpty().map(ended -> {
            reading = null;
            for (int i = 0; i < sources.size(); i++) {
                if (sources.get(i).succeeded()) {
                    keysBySource.set(i, sources.get(i).result());
                } else {
                    log.warn(
                            "cannot read the keys of {}: {}; the ones that it had stay",
                            source(i),
                            sources.get(i).cause().getMessage());
                }
            }
            keys = ring();
            return keys;
        });
        if (!read.isComplete()) {
            reading = read;
        }
        return read;
    }

    Future<Void> close() {
        return client.close();
    }

    private void readLater() {
        vertx.setTimer(READ_AGAIN_MS, fired -> read().onComplete(done -> readLater()));
    }

    private Object source(int index) {
        int files = tokens.keyFiles().size();
        return index < files ? tokens.keyFiles().get(index) : tokens.keyUrls().get(index - files);
    }

    private Keys ring() {
        JWTAuthOptions options = new JWTAuthOptions().setJWTOptions(new JWTOptions().setLeeway(TokenVerifier.LEEWAY));
        Set<String> ids = new HashSet<>();
        Set<String> algorithms = new HashSet<>();
        for (List<JsonObject> ofSource : keysBySource) {
            for (JsonObject key : ofSource) {
                options.addJwk(key);
                algorithms.add(key.getString("alg"));
                Optional.ofNullable(key.getString("kid")).ifPresent(ids::add);
            }
        }
        // Without any key, Vert.x would take tokens that nobody signed.
        return new Keys(algorithms.isEmpty() ? null : JWTAuth.create(vertx, options), ids, algorithms);
    }

    private Future<List<JsonObject>> readFile(Path file) {
        return vertx.fileSystem()
                .readFile(file.toString())
                .map(KeyRing::keys)
                .recover(cause -> Future.failedFuture(new IllegalStateException(
                        "cannot use the key file " + file + ": " + cause.getMessage(), cause)));
    }

    private Future<List<JsonObject>> fetch(URI url) {
        // One inside the other: a body that is asked for after it has come never arrives.
        return client.request(new RequestOptions().setMethod(HttpMethod.GET).setAbsoluteURI(url.toString()))
                .compose(request -> request.send().compose(KeyRing::body))
                .timeout(FETCH_SECONDS, TimeUnit.SECONDS)
                .map(KeyRing::keySet);
    }

    private static Future<Buffer> body(HttpClientResponse response) {
        if (response.statusCode() != 200) {
            return Future.failedFuture("it answered " + response.statusCode());
        }
        Buffer body = Buffer.buffer();
        Promise<Buffer> whole = Promise.promise();
        response.handler(part -> {
                    if (body.length() + part.length() > LARGEST_KEY_SET) {
                        whole.tryFail("it is larger than " + LARGEST_KEY_SET + " bytes");
                        response.request().reset();
                    } else {
                        body.appendBuffer(part);
                    }
                })
                .exceptionHandler(whole::tryFail)
                .endHandler(end -> whole.tryComplete(body));
        return whole.future();
    }

    private static List<JsonObject> keys(Buffer content) {
        String text = content.toString(StandardCharsets.UTF_8).strip();
        if (text.startsWith("{")) {
            return keySet(content);
        }
        if (text.startsWith("-----BEGIN PUBLIC KEY-----")) {
            return List.of(publicKey(text));
        }
        if (text.startsWith("-----BEGIN")) {
            throw new IllegalArgumentException("it is neither a public key in PEM, a JWK set, nor a secret");
        }
        byte[] secret = text.getBytes(StandardCharsets.UTF_8);
        if (secret.length < LEAST_SECRET_BYTES) {
            throw new IllegalArgumentException(
                    "a secret must have at least " + LEAST_SECRET_BYTES + " bytes, has " + secret.length);
        }
        return List.of(new JsonObject().put("kty", "oct").put("alg", "HS256").put("k", base64(secret)));
    }

    private static List<JsonObject> keySet(Buffer content) {
        try {
            JsonObject set = new JsonObject(content);
            List<JsonObject> keys = new ArrayList<>();
            if (set.containsKey("keys")) {
                set.getJsonArray("keys").forEach(key -> readable(key).ifPresent(keys::add));
            } else {
                readable(set).ifPresent(keys::add);
            }
            if (keys.isEmpty()) {
                throw new IllegalArgumentException(
                        "it has no key for signatures by RS256, ES256, EdDSA (Ed25519) or HS256");
            }
            return keys;
        } catch (DecodeException | ClassCastException e) {
            throw new IllegalArgumentException("it is no JWK set", e);
        }
    }

    // One that cannot be read must not keep the others of its set from being rotated.
    private static Optional<JsonObject> readable(Object key) {
        try {
            return usable((JsonObject) key);
        } catch (IllegalArgumentException | ClassCastException e) {
            log.warn("a key is passed over, because it cannot be read: {}", e.getMessage());
            return Optional.empty();
        }
    }

    // An algorithm for each key, whatever a token's header says: none can be used for another one's signatures.
    private static Optional<JsonObject> usable(JsonObject key) {
        String algorithm = switch (key.getString("kty", "")) {
            case "RSA" -> rsaBits(key) >= LEAST_RSA_BITS ? "RS256" : "";
            case "EC" -> key.getString("crv", "").equals("P-256") ? "ES256" : "";
            case "OKP" -> key.getString("crv", "").equals("Ed25519") ? "EdDSA" : "";
            case "oct" -> decoded(key, "k").length >= LEAST_SECRET_BYTES ? "HS256" : "";
            default -> "";
        };
        boolean forSignatures = key.getString("use", "sig").equals("sig");
        boolean ours = key.getString("alg", algorithm).equals(algorithm);
        if (algorithm.isEmpty() || !forSignatures || !ours) {
            log.info("a key is passed over: kty {}, alg {}", key.getString("kty"), key.getString("alg"));
            return Optional.empty();
        }
        JsonObject copy = key.copy().put("alg", algorithm);
        copy.remove("d");
        return Optional.of(copy);
    }

    private static int rsaBits(JsonObject key) {
        return new java.math.BigInteger(1, decoded(key, "n")).bitLength();
    }

    private static byte[] decoded(JsonObject key, String field) {
        return Base64.getUrlDecoder().decode(key.getString(field, ""));
    }

    private static JsonObject publicKey(String pem) {
        byte[] der = Base64.getMimeDecoder()
                .decode(pem.replaceAll("-----[A-Z ]+-----", "").strip());
        for (String kind : List.of("RSA", "EC", "Ed25519")) {
            try {
                return jwk(KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(der)));
            } catch (InvalidKeySpecException e) {
                log.trace("the key is not of kind {}", kind, e);
            } catch (java.security.NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has " + kind, e);
            }
        }
        throw new IllegalArgumentException("it is no RSA, P-256 or Ed25519 key");
    }

    private static JsonObject jwk(PublicKey key) {
        JsonObject jwk = switch (key) {
            case RSAPublicKey rsa ->
                new JsonObject()
                        .put("kty", "RSA")
                        .put("n", base64(rsa.getModulus().toByteArray()))
                        .put("e", base64(rsa.getPublicExponent().toByteArray()));
            case ECPublicKey ec ->
                new JsonObject()
                        .put("kty", "EC")
                        .put("crv", "P-" + ec.getParams().getCurve().getField().getFieldSize())
                        .put("x", base64(fixed(ec.getW().getAffineX().toByteArray())))
                        .put("y", base64(fixed(ec.getW().getAffineY().toByteArray())));
            case EdECPublicKey ed -> {
                byte[] encoded = ed.getEncoded();
                yield new JsonObject()
                        .put("kty", "OKP")
                        .put("crv", "Ed25519")
                        .put("x", base64(java.util.Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length)));
            }
            default -> new JsonObject();
        };
        return usable(jwk)
                .orElseThrow(() ->
                        new IllegalArgumentException("its key is none of RSA (2048 bits or more), P-256 and Ed25519"));
    }

    private static byte[] fixed(byte[] number) {
        byte[] value = new byte[32];
        int length = Math.min(number.length, 32);
        System.arraycopy(number, number.length - length, value, 32 - length, length);
        return value;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static long millis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
