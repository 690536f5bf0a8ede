package dev.postern.api;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Who sends a request.
 *
 * @param tenant the tenant whose jobs exist for it
 * @param actor the user, or null for a program that acts for the tenant
 * @param name the user as the token has it, for people who read the audit log
 * @param permissions what it may do
 */
record Caller(UUID tenant, @Nullable UUID actor, String name, Set<String> permissions) {

    /** To see and change the jobs of all users of the tenant. */
    static final String ALL_OF_TENANT = "jobs.view_tenant_jobs";

    private static final int LONGEST_NAME = 512;

    /** The version of uuids that are made of names. */
    private static final int MADE = 8;

    Caller {
        permissions = Set.copyOf(permissions);
    }

    boolean may(String permission) {
        return permissions.contains(permission);
    }

    /** Whether only the actor's own jobs exist for it; a program without a user has none of its own. */
    boolean ownOnly() {
        return !may(ALL_OF_TENANT);
    }

    /** Its name for people; of a program without a user, the API's. */
    String who() {
        return name.isEmpty() ? "api" : name;
    }

    /** Whether a job of this user exists for it. */
    boolean mayMeet(@Nullable UUID owner) {
        return !ownOnly() || (actor != null && actor.equals(owner));
    }

    /** Whether the audit log can keep this name of a user. */
    static boolean isName(String name) {
        return name.length() <= LONGEST_NAME && name.indexOf('\0') < 0;
    }

    static Optional<UUID> uuid(String text) {
        try {
            UUID uuid = UUID.fromString(text);
            // The JDK takes shortened groups too.
            return uuid.toString().equalsIgnoreCase(text) ? Optional.of(uuid) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * The user's id: a uuid as it is; of any other name one of its own within the tenant, always the same. Those are of
     * version 8, and a name that is such a uuid is a name like others: nobody becomes somebody else by calling himself so.
     */
    static UUID actorOf(UUID tenant, String name) {
        return uuid(name).filter(id -> id.version() != MADE).orElseGet(() -> {
            byte[] hash = sha256(tenant + "\0" + name);
            hash[6] = (byte) ((hash[6] & 0x0f) | 0x80);
            hash[8] = (byte) ((hash[8] & 0x3f) | 0x80);
            long high = 0;
            long low = 0;
            for (int i = 0; i < 8; i++) {
                high = (high << 8) | (hash[i] & 0xff);
                low = (low << 8) | (hash[i + 8] & 0xff);
            }
            return new UUID(high, low);
        });
    }

    /** A text's hash, in hexadecimal digits. */
    static String hex(String text) {
        return HexFormat.of().formatHex(sha256(text));
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
