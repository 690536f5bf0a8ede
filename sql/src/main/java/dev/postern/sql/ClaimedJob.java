package dev.postern.sql;

import java.time.OffsetDateTime;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A job as a claim hands it over. Optional values are null.
 *
 * @param attempt the fence of this attempt
 * @param databaseId the tenant
 * @param queueName its FIFO queue, or null for a job that runs in parallel
 * @param task the task identifier
 * @param payload the payload's JSON text, as stored; empty when it has been sent
 * @param maxAttempts the attempt after which the trying ends
 * @param actorId who caused the job
 * @param entityId what it is about
 * @param requestId the request that added it
 * @param traceparent W3C trace context of whoever added it
 * @param priority lower goes first
 * @param runAt when it was due
 */
public record ClaimedJob(
        Attempt attempt,
        UUID databaseId,
        @Nullable String queueName,
        String task,
        String payload,
        int maxAttempts,
        @Nullable UUID actorId,
        @Nullable UUID entityId,
        @Nullable String requestId,
        @Nullable String traceparent,
        int priority,
        OffsetDateTime runAt) {

    /** The same without its payload: a worker keeps the job until it has ended, and payloads only until they are sent. */
    public ClaimedJob withoutPayload() {
        return new ClaimedJob(
                attempt,
                databaseId,
                queueName,
                task,
                "",
                maxAttempts,
                actorId,
                entityId,
                requestId,
                traceparent,
                priority,
                runAt);
    }
}
