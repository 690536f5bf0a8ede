package dev.postern.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * By what a request is followed: in its answer, on its log line, with its jobs, and in their functions.
 *
 * @param requestId the caller's name for it, or one of ours
 * @param traceId of the W3C trace that it belongs to
 * @param traceparent what jobs added by it carry on: the trace, and this request as the parent
 */
record Envelope(String requestId, String traceId, String traceparent) {

    private static final Pattern REQUEST_ID = Pattern.compile("[\\x21-\\x7e]{1,128}");
    private static final Pattern TRACEPARENT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?");

    /** Takes over what the caller sent where it is fit, and makes the rest, as W3C wants of an unfit traceparent. */
    static Envelope of(@Nullable String requestId, @Nullable String traceparent, RandomGenerator random) {
        Matcher parent = TRACEPARENT.matcher(traceparent == null ? "" : traceparent);
        boolean joined = parent.matches();
        String traceId = joined ? parent.group(1) : hex(random, 16);
        String id = requestId != null && REQUEST_ID.matcher(requestId).matches() ? requestId : hex(random, 16);
        return new Envelope(
                id, traceId, "00-" + traceId + "-" + hex(random, 8) + "-" + (joined ? parent.group(2) : "01"));
    }

    /** The same request under a traceparent that somebody else made. */
    Envelope under(String made) {
        return new Envelope(requestId, made.split("-", 4)[1], made);
    }

    /** Puts {@code meta} into an answer. */
    void into(ObjectNode answer) {
        answer.putObject("meta").put("traceId", traceId).put("requestId", requestId);
    }

    private static String hex(RandomGenerator random, int bytes) {
        byte[] value = new byte[bytes];
        random.nextBytes(value);
        // All zeros are no id.
        value[0] |= 1;
        return HexFormat.of().formatHex(value);
    }
}
