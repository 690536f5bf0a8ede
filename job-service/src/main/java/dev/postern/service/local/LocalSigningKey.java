package dev.postern.service.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** The Ed25519 key that a laptop's passports are signed with: made on first use, then kept beside the data. */
public final class LocalSigningKey {

    private LocalSigningKey() {}

    /** The private key in PKCS #8, in Base64. */
    public static String of(Path directory) {
        Path file = directory.resolve("passport-signing-key");
        try {
            if (!Files.exists(file)) {
                Files.createDirectories(directory);
                byte[] key = KeyPairGenerator.getInstance("Ed25519")
                        .generateKeyPair()
                        .getPrivate()
                        .getEncoded();
                if (Files.getFileStore(directory).supportsFileAttributeView("posix")) {
                    Files.createFile(
                            file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                }
                Files.writeString(file, Base64.getEncoder().encodeToString(key));
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new LocalException("cannot keep a signing key in " + file + ": " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java of 15 and newer has Ed25519", e);
        }
    }
}
