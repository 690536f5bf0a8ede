package dev.postern.functions.passport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class SigningKeyTest {

    /** RFC 8032, section 7.1, test 1. */
    private static final byte[] PRIVATE = HexFormat.of()
            .parseHex("302e020100300506032b657004220420"
                    + "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

    private static final String PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    private static final String SIGNATURE = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    @Test
    void signsAsTheStandardSays() throws Exception {
        SigningKey key = SigningKey.read(Base64.getEncoder().encodeToString(PRIVATE), "test-1");

        assertThat(HexFormat.of().formatHex(key.publicKey().getEncoded())).endsWith(PUBLIC);
        assertThat(HexFormat.of().formatHex(key.sign(new byte[0]))).isEqualTo(SIGNATURE);
        assertThat(key.toString()).isEqualTo("Ed25519 key test-1");
    }

    @Test
    void readsWhatOpensslWritesInPemOrInBase64() throws Exception {
        String pem = "-----BEGIN PRIVATE KEY-----\n" + Base64.getEncoder().encodeToString(PRIVATE)
                + "\n-----END PRIVATE KEY-----\n";
        String base64 = Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII));
        for (String text : List.of(pem, base64)) {
            SigningKey key = SigningKey.read(text, null);
            assertThat(HexFormat.of().formatHex(key.sign(new byte[0]))).isEqualTo(SIGNATURE);
            assertThat(key.keyId()).matches("[0-9a-f]{16}");
        }
    }

    @Test
    void findsEveryFlippedBitOfASignature() throws Exception {
        SigningKey key = SigningKey.read(Base64.getEncoder().encodeToString(PRIVATE), null);
        byte[] message = {1, 2, 3};
        byte[] signature = key.sign(message);
        byte[] encoded = key.publicKey().getEncoded();

        assertThat(SigningKey.verifies(encoded, message, signature)).isTrue();
        for (int bit = 0; bit < signature.length * 8; bit++) {
            byte[] flipped = signature.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(SigningKey.verifies(encoded, message, flipped))
                    .as("bit %d", bit)
                    .isFalse();
        }
        assertThat(SigningKey.verifies(encoded, new byte[] {1, 2, 4}, signature))
                .isFalse();
    }

    @Test
    void refusesOtherKeysWithoutRepeatingThem() throws Exception {
        String rsa = Base64.getEncoder()
                .encodeToString(KeyPairGenerator.getInstance("RSA")
                        .generateKeyPair()
                        .getPrivate()
                        .getEncoded());
        for (String text : List.of("secret!", "", rsa)) {
            assertThatThrownBy(() -> SigningKey.read(text, null))
                    .isInstanceOf(GeneralSecurityException.class)
                    .message()
                    .doesNotContain("secret");
        }
    }
}
