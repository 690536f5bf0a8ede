package dev.postern.sql;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where a claim goes on among the ready jobs of one tenant, task and priority, which lie by time and id.
 *
 * @param databaseId the tenant
 * @param task the task identifier
 * @param priority lower goes first
 * @param runAt when the job there was due
 * @param jobId the id of the job there; null for the whole of that time, and then nothing before it is claimed either
 */
public record ClaimPlace(
        UUID databaseId,
        String task,
        int priority,
        OffsetDateTime runAt,
        @Nullable Long jobId) {

    /** Behind the last job of a claim that came back full. */
    public static ClaimPlace behind(ClaimedJob last) {
        return new ClaimPlace(
                last.databaseId(),
                last.task(),
                last.priority(),
                last.runAt(),
                last.attempt().jobId());
    }

    /** So long before the last job of a claim that left nothing: jobs whose transactions were shorter are met from there. */
    public static ClaimPlace before(ClaimedJob last, Duration margin) {
        return new ClaimPlace(
                last.databaseId(), last.task(), last.priority(), last.runAt().minus(margin), null);
    }
}
