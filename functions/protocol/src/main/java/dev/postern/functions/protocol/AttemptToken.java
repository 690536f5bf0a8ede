package dev.postern.functions.protocol;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.UUID;

/**
 * What a callback must show to report on an attempt: the fence of promise 3 in one word. Written as
 * {@code <job>.<attempt>.<lease>}, the lease in 22 characters of URL-safe Base64. The lease token is a random UUID
 * (122 bits) made by the database for each claim, so the word cannot be guessed and dies with the attempt.
 *
 * @param jobId the job, from 1
 * @param attempt the attempt, from 1
 * @param lease the lease token of the claim
 */
public record AttemptToken(long jobId, int attempt, UUID lease) {

    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    private static final int LEASE_LENGTH = 22;

    /** Refuses ids and attempts below 1. */
    public AttemptToken {
        if (jobId < 1) {
            throw new IllegalArgumentException("job id must be at least 1, is " + jobId);
        }
        if (attempt < 1) {
            throw new IllegalArgumentException("attempt must be at least 1, is " + attempt);
        }
    }

    /** The word that goes into a URL. */
    public String encode() {
        byte[] bytes = ByteBuffer.allocate(16)
                .putLong(lease.getMostSignificantBits())
                .putLong(lease.getLeastSignificantBits())
                .array();
        return jobId + "." + attempt + "." + ENCODER.encodeToString(bytes);
    }

    /**
     * Reads what {@link #encode} wrote.
     *
     * @throws IllegalArgumentException when the text is no token; the message does not repeat the text, which may be
     *     somebody's secret
     */
    public static AttemptToken decode(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 3 || parts[2].length() != LEASE_LENGTH) {
            throw new IllegalArgumentException("not an attempt token");
        }
        try {
            ByteBuffer lease = ByteBuffer.wrap(Base64.getUrlDecoder().decode(parts[2]));
            return new AttemptToken(
                    Long.parseLong(parts[0]), Integer.parseInt(parts[1]), new UUID(lease.getLong(), lease.getLong()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not an attempt token", e);
        }
    }

    /** Without the lease, so that a log line gives nothing away. */
    @Override
    public String toString() {
        return "job " + jobId + ", attempt " + attempt;
    }
}
