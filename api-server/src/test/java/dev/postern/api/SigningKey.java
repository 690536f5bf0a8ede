package dev.postern.api;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Signs tokens as an identity provider does; by the JDK alone, so that it agrees with the verifier for no other reason. */
record SigningKey(
        String algorithm, @Nullable String id, @Nullable KeyPair pair, byte[] secret) {

    static SigningKey secret(String secret) {
        return new SigningKey("HS256", null, null, secret.getBytes(StandardCharsets.UTF_8));
    }

    static SigningKey of(String algorithm, @Nullable String id) {
        try {
            KeyPairGenerator generator = switch (algorithm) {
                case "RS256" -> generator("RSA", 2048);
                case "ES256" -> generator("EC", 256);
                default -> KeyPairGenerator.getInstance("Ed25519");
            };
            return new SigningKey(algorithm, id, generator.generateKeyPair(), new byte[0]);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPairGenerator generator(String kind, int size) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
        generator.initialize(size);
        return generator;
    }

    String pem() {
        return "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(pair().getPublic().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
    }

    JsonObject jwk() {
        JsonObject jwk = switch (pair().getPublic()) {
            case RSAPublicKey rsa ->
                new JsonObject()
                        .put("kty", "RSA")
                        .put("n", url(rsa.getModulus().toByteArray()))
                        .put("e", url(rsa.getPublicExponent().toByteArray()));
            case ECPublicKey ec ->
                new JsonObject()
                        .put("kty", "EC")
                        .put("crv", "P-256")
                        .put("x", url(fixed(ec.getW().getAffineX().toByteArray())))
                        .put("y", url(fixed(ec.getW().getAffineY().toByteArray())));
            default -> {
                byte[] encoded = pair().getPublic().getEncoded();
                yield new JsonObject()
                        .put("kty", "OKP")
                        .put("crv", "Ed25519")
                        .put("x", url(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length)));
            }
        };
        return id == null ? jwk : jwk.put("kid", id);
    }

    static JsonObject set(SigningKey... keys) {
        JsonArray array = new JsonArray();
        Arrays.stream(keys).forEach(key -> array.add(key.jwk()));
        return new JsonObject().put("keys", array);
    }

    String token(JsonObject claims) {
        JsonObject header = new JsonObject().put("alg", algorithm).put("typ", "JWT");
        if (id != null) {
            header.put("kid", id);
        }
        return token(header, claims);
    }

    /** With any header, signed by what this key is for. */
    String token(JsonObject header, JsonObject claims) {
        String signed = url(header.encode().getBytes(StandardCharsets.UTF_8)) + "."
                + url(claims.encode().getBytes(StandardCharsets.UTF_8));
        return signed + "." + url(signature(signed.getBytes(StandardCharsets.US_ASCII)));
    }

    private byte[] signature(byte[] text) {
        try {
            if (algorithm.equals("HS256")) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(secret, "HmacSHA256"));
                return mac.doFinal(text);
            }
            Signature signature = Signature.getInstance(
                    switch (algorithm) {
                        case "RS256" -> "SHA256withRSA";
                        case "ES256" -> "SHA256withECDSAinP1363Format";
                        default -> "Ed25519";
                    });
            signature.initSign(pair().getPrivate());
            signature.update(text);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public KeyPair pair() {
        if (pair == null) {
            throw new IllegalStateException("a secret has no pair");
        }
        return pair;
    }

    private static byte[] fixed(byte[] number) {
        byte[] value = new byte[32];
        int length = Math.min(number.length, 32);
        System.arraycopy(number, number.length - length, value, 32 - length, length);
        return value;
    }

    private static String url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
