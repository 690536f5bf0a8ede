package dev.postern.functions.protocol;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The secrets that sign dispatches by <a href="https://www.standardwebhooks.com">Standard Webhooks</a>: an HMAC with
 * SHA-256 over {@code <webhook-id>.<webhook-timestamp>.<body>}. Whoever signs does so with each of them, and whoever checks is
 * content with one that fits, so that a secret can be changed without a moment in which calls are refused. Immutable;
 * any thread.
 */
public final class SigningKeys {

    /** No secret: nothing is signed, nothing is checked. */
    public static final SigningKeys NONE = new SigningKeys(List.of());

    /** How far a signature's time may be from now: what Standard Webhooks' own libraries allow. */
    public static final Duration TOLERANCE = Duration.ofMinutes(5);

    private static final String ALGORITHM = "HmacSHA256";
    private static final String PREFIX = "whsec_";
    private static final String VERSION = "v1,";
    private static final int SHORTEST_KEY = 24;
    private static final int LONGEST_KEY = 64;

    private final List<SecretKeySpec> keys;

    private SigningKeys(List<SecretKeySpec> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * Reads secrets as {@code POSTERN_SIGNING_SECRET} holds them: one or more, with blanks or commas between them, each
     * {@code whsec_} and the Base64 of 24 to 64 bytes. A blank text is {@link #NONE}.
     *
     * @throws IllegalArgumentException when one is not such a secret; the message does not repeat it
     */
    public static SigningKeys parse(String secrets) {
        List<SecretKeySpec> keys = new ArrayList<>();
        for (String secret : secrets.strip().split("[\\s,]+", -1)) {
            if (!secret.isEmpty()) {
                keys.add(key(secret, keys.size() + 1));
            }
        }
        return keys.isEmpty() ? NONE : new SigningKeys(keys);
    }

    private static SecretKeySpec key(String secret, int number) {
        try {
            if (secret.startsWith(PREFIX)) {
                byte[] bytes = Base64.getDecoder().decode(secret.substring(PREFIX.length()));
                if (bytes.length >= SHORTEST_KEY && bytes.length <= LONGEST_KEY) {
                    return new SecretKeySpec(bytes, ALGORITHM);
                }
            }
        } catch (IllegalArgumentException e) {
            // Not kept as the cause: its message quotes the secret's characters.
        }
        throw new IllegalArgumentException("secret " + number + " must be whsec_ and the Base64 of " + SHORTEST_KEY
                + " to " + LONGEST_KEY + " random bytes, as `echo whsec_$(openssl rand -base64 32)` makes it");
    }

    /** Whether there is none. */
    public boolean isEmpty() {
        return keys.isEmpty();
    }

    /**
     * The value of {@code webhook-signature}: a signature for each secret, with blanks between them.
     *
     * @param id the value of {@code webhook-id}
     * @param timestamp the value of {@code webhook-timestamp}: seconds since 1970
     */
    public String sign(String id, long timestamp, byte[] body) {
        String timestampText = Long.toString(timestamp);
        return keys.stream()
                .map(key -> VERSION + Base64.getEncoder().encodeToString(mac(key, id, timestampText, body)))
                .collect(Collectors.joining(" "));
    }

    /**
     * Says why a call is refused, or {@code null} when one of its signatures fits one of the secrets. Takes the same time
     * wherever a signature differs.
     *
     * @param id the value of {@code webhook-id}, {@code null} when the header is missing; likewise the others
     */
    public @Nullable String refusal(
            @Nullable String id, @Nullable String timestamp, @Nullable String signatures, byte[] body, Instant now) {
        if (id == null || timestamp == null || signatures == null) {
            return "the call is not signed: webhook-id, webhook-timestamp and webhook-signature are required";
        }
        long seconds;
        try {
            seconds = Long.parseLong(timestamp);
        } catch (NumberFormatException e) {
            return "webhook-timestamp is no number of seconds";
        }
        if (Math.abs(now.getEpochSecond() - (double) seconds) > TOLERANCE.toSeconds()) {
            return "webhook-timestamp is more than " + TOLERANCE.toSeconds() + " s from this machine's time";
        }
        boolean fits = false;
        for (SecretKeySpec key : keys) {
            byte[] expected = mac(key, id, timestamp, body);
            for (String signature : signatures.split(" ", -1)) {
                fits |= MessageDigest.isEqual(expected, bytes(signature));
            }
        }
        return fits ? null : "no signature in webhook-signature fits";
    }

    /** Empty for another version or what is no Base64: such a signature fits nothing. */
    private static byte[] bytes(String signature) {
        if (!signature.startsWith(VERSION)) {
            return new byte[0];
        }
        try {
            return Base64.getDecoder().decode(signature.substring(VERSION.length()));
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    private static byte[] mac(SecretKeySpec key, String id, String timestamp, byte[] body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            return mac.doFinal(body);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }

    /** How many, and nothing of them. */
    @Override
    public String toString() {
        return keys.size() + (keys.size() == 1 ? " secret" : " secrets");
    }
}
