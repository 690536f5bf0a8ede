package dev.postern.functions.passport;

import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * An Ed25519 key pair and its name. Signing is deterministic: the same bytes get the same signature.
 *
 * @param keyId stands beside each signature, so that keys can be changed
 * @param privateKey never leaves the process
 * @param publicKey what others check with
 */
record SigningKey(String keyId, PrivateKey privateKey, PublicKey publicKey) {

    private static final String ED25519 = "Ed25519";

    /**
     * Reads a private key in PKCS #8: PEM as {@code openssl genpkey -algorithm ed25519} writes it, that in Base64, or its
     * DER in Base64.
     *
     * @param keyId its name; {@code null} for the first 16 hex digits of the public key's SHA-256
     * @throws GeneralSecurityException when it is something else; the message does not repeat it
     */
    static SigningKey read(String text, @Nullable String keyId) throws GeneralSecurityException {
        try {
            String base64 = text.strip();
            if (!base64.startsWith("-----")) {
                byte[] decoded = Base64.getMimeDecoder().decode(base64);
                String inner = new String(decoded, StandardCharsets.ISO_8859_1);
                base64 = inner.startsWith("-----") ? inner : base64;
            }
            byte[] der = Base64.getMimeDecoder().decode(base64.replaceAll("-----[A-Z ]+-----", ""));
            PrivateKey privateKey = KeyFactory.getInstance(ED25519).generatePrivate(new PKCS8EncodedKeySpec(der));
            PublicKey publicKey = publicOf(privateKey);
            String name = keyId == null
                    ? HexFormat.of().formatHex(CanonicalJson.sha256(publicKey.getEncoded()), 0, 8)
                    : keyId;
            return new SigningKey(name, privateKey, publicKey);
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("no Base64", e);
        }
    }

    byte[] sign(byte[] message) {
        try {
            Signature signature = Signature.getInstance(ED25519);
            signature.initSign(privateKey);
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot sign with " + keyId, e);
        }
    }

    /** Whether the key whose X.509 encoding is given signed the message. */
    static boolean verifies(byte[] encodedKey, byte[] message, byte[] signed) {
        try {
            Signature signature = Signature.getInstance(ED25519);
            signature.initVerify(KeyFactory.getInstance(ED25519).generatePublic(new X509EncodedKeySpec(encodedKey)));
            signature.update(message);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false; // a key or signature that is none verifies nothing
        }
    }

    /**
     * Java does not compute a public key from a private one, but its generator does from the bytes that it takes as
     * random, and a private key is just those bytes.
     */
    private static PublicKey publicOf(PrivateKey privateKey) throws GeneralSecurityException {
        byte[] seed = ((EdECPrivateKey) privateKey)
                .getBytes()
                .orElseThrow(() -> new GeneralSecurityException("the key's bytes cannot be had"));
        KeyPairGenerator generator = KeyPairGenerator.getInstance(ED25519);
        generator.initialize(NamedParameterSpec.ED25519, new Seed(seed));
        PublicKey publicKey = generator.generateKeyPair().getPublic();
        byte[] probe = {1};
        if (!verifies(publicKey.getEncoded(), probe, new SigningKey("", privateKey, publicKey).sign(probe))) {
            throw new GeneralSecurityException("this Java makes another public key than the private one's");
        }
        return publicKey;
    }

    /** Without the private key. */
    @Override
    public String toString() {
        return "Ed25519 key " + keyId;
    }

    private static final class Seed extends SecureRandom {

        @Serial
        private static final long serialVersionUID = 1;

        private final transient byte[] bytes;

        Seed(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void nextBytes(byte[] target) {
            System.arraycopy(bytes, 0, target, 0, target.length);
        }
    }
}
