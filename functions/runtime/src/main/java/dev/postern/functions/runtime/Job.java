package dev.postern.functions.runtime;

import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.MultiMap;
import java.time.DateTimeException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the call's headers tell about the job. A call made by hand may carry none of them.
 *
 * @param id the job's id
 * @param task the task identifier; the function's own name when the caller named none
 * @param attempt the number of this attempt, from 1
 * @param maxAttempts the attempt after which the trying ends
 * @param deadline when the worker stops waiting for the answer
 * @param databaseId the tenant
 * @param workerId the worker that holds the lease
 * @param actorId who caused the job
 * @param entityId what the job is about
 * @param requestId the request that added the job
 * @param traceparent W3C trace context of whoever added the job
 * @param idempotencyKey the same for all attempts of the job
 */
public record Job(
        @Nullable String id,
        String task,
        int attempt,
        @Nullable Integer maxAttempts,
        @Nullable Instant deadline,
        @Nullable String databaseId,
        @Nullable String workerId,
        @Nullable String actorId,
        @Nullable String entityId,
        @Nullable String requestId,
        @Nullable String traceparent,
        @Nullable String idempotencyKey) {

    /** Refuses attempts below 1. */
    public Job {
        if (attempt < 1) {
            throw new IllegalArgumentException("attempt must be at least 1, is " + attempt);
        }
    }

    static Job from(MultiMap headers, String functionName) {
        String task = text(headers, JobHeaders.TASK);
        Integer attempt = count(headers, JobHeaders.ATTEMPT);
        return new Job(
                text(headers, JobHeaders.JOB_ID),
                task == null ? functionName : task,
                attempt == null ? 1 : attempt,
                count(headers, JobHeaders.MAX_ATTEMPTS),
                instant(headers, JobHeaders.DEADLINE),
                text(headers, JobHeaders.DATABASE_ID),
                text(headers, JobHeaders.WORKER_ID),
                text(headers, JobHeaders.ACTOR_ID),
                text(headers, JobHeaders.ENTITY_ID),
                text(headers, JobHeaders.REQUEST_ID),
                text(headers, JobHeaders.TRACEPARENT),
                text(headers, JobHeaders.IDEMPOTENCY_KEY));
    }

    /** The trace id inside {@code traceparent}, which is what people search logs for; {@code null} without one. */
    public @Nullable String traceId() {
        if (traceparent == null) {
            return null;
        }
        String[] parts = traceparent.split("-", -1);
        return parts.length >= 4 && parts[1].length() == 32 ? parts[1] : null;
    }

    static @Nullable String text(MultiMap headers, String name) {
        String value = headers.get(name);
        return value == null || value.isBlank() ? null : value.strip();
    }

    static @Nullable Integer count(MultiMap headers, String name) {
        String value = text(headers, name);
        if (value == null) {
            return null;
        }
        try {
            int count = Integer.parseInt(value);
            if (count >= 1) {
                return count;
            }
        } catch (NumberFormatException e) {
            throw new BadPayload(name, "the header must be a whole number from 1, is '" + value + "'", e);
        }
        throw new BadPayload(name, "the header must be a whole number from 1, is '" + value + "'");
    }

    private static @Nullable Instant instant(MultiMap headers, String name) {
        String value = text(headers, name);
        if (value == null) {
            return null;
        }
        try {
            return Instant.parse(value);
        } catch (DateTimeException e) {
            throw new BadPayload(name, "the header must be an RFC 3339 instant, is '" + value + "'", e);
        }
    }
}
