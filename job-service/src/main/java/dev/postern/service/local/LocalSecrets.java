package dev.postern.service.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.function.Supplier;

/** What a laptop's sample functions sign with: made on first use, then kept beside the data. */
public final class LocalSecrets {

    private static final int WEBHOOK_BYTES = 32;

    private LocalSecrets() {}

    /** The Ed25519 key that passports are signed with: the private key in PKCS #8, in Base64. */
    public static String passportKey(Path directory) {
        return kept(directory.resolve("passport-signing-key"), () -> {
            try {
                return Base64.getEncoder()
                        .encodeToString(KeyPairGenerator.getInstance("Ed25519")
                                .generateKeyPair()
                                .getPrivate()
                                .getEncoded());
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java of 15 and newer has Ed25519", e);
            }
        });
    }

    /** The secret that webhooks are signed with, by Standard Webhooks. */
    public static String webhookSecret(Path directory) {
        return kept(directory.resolve("webhook-secret"), () -> {
            byte[] bytes = new byte[WEBHOOK_BYTES];
            new SecureRandom().nextBytes(bytes);
            return "whsec_" + Base64.getEncoder().encodeToString(bytes);
        });
    }

    private static String kept(Path file, Supplier<String> made) {
        try {
            if (!Files.exists(file)) {
                Path directory = Files.createDirectories(file.toAbsolutePath().getParent());
                if (Files.getFileStore(directory).supportsFileAttributeView("posix")) {
                    Files.createFile(
                            file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                }
                Files.writeString(file, made.get());
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new LocalException("cannot keep a secret in " + file + ": " + e.getMessage(), e);
        }
    }
}
