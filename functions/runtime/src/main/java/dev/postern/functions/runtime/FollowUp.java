package dev.postern.functions.runtime;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A job that is added in the transaction that completes this one: both happen or neither. It belongs to the same tenant
 * and carries the same actor, entity, request and trace.
 *
 * @param task the task identifier, not empty
 * @param payload what Jackson can write; {@code null} for none
 * @param key the job key; {@code null} for none. A key that names the work makes a chain bear repetition: a step that
 *     runs twice adds its next step once
 * @param keyMode what becomes of the tenant's job of that key: {@code replace} (when {@code null}),
 *     {@code preserve_run_at} or {@code unsafe_dedupe}
 * @param queue the queue whose jobs run one at a time; {@code null} for none
 * @param runAt the time before which it does not run; {@code null} for now
 * @param maxAttempts the attempt after which the trying ends, at least 1; {@code null} for the default
 * @param priority lower goes first; {@code null} for the default
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record FollowUp(
        String task,
        @Nullable Object payload,
        @Nullable String key,
        @JsonProperty("key_mode") @Nullable String keyMode,
        @Nullable String queue,
        @JsonProperty("run_at") @Nullable Instant runAt,
        @JsonProperty("max_attempts") @Nullable Integer maxAttempts,
        @Nullable Integer priority) {

    /** Refuses an empty task and attempts below 1. */
    public FollowUp {
        if (task.isBlank()) {
            throw new IllegalArgumentException("a follow-up job needs a task");
        }
        if (maxAttempts != null && maxAttempts < 1) {
            throw new IllegalArgumentException("max attempts must be at least 1, is " + maxAttempts);
        }
    }

    /** A job of a task, with the defaults for everything else. */
    public static FollowUp of(String task, Object payload) {
        return new FollowUp(task, payload, null, null, null, null, null, null);
    }

    /** The same under a job key. */
    public FollowUp withKey(String newKey) {
        return new FollowUp(task, payload, newKey, keyMode, queue, runAt, maxAttempts, priority);
    }

    /** The same with a rule for a key that is taken. */
    public FollowUp withKeyMode(String newKeyMode) {
        return new FollowUp(task, payload, key, newKeyMode, queue, runAt, maxAttempts, priority);
    }

    /** The same in a queue. */
    public FollowUp withQueue(String newQueue) {
        return new FollowUp(task, payload, key, keyMode, newQueue, runAt, maxAttempts, priority);
    }

    /** The same, not before a time. */
    public FollowUp withRunAt(Instant newRunAt) {
        return new FollowUp(task, payload, key, keyMode, queue, newRunAt, maxAttempts, priority);
    }

    /** The same with another end of the trying. */
    public FollowUp withMaxAttempts(int newMaxAttempts) {
        return new FollowUp(task, payload, key, keyMode, queue, runAt, newMaxAttempts, priority);
    }

    /** The same with another priority; lower goes first. */
    public FollowUp withPriority(int newPriority) {
        return new FollowUp(task, payload, key, keyMode, queue, runAt, maxAttempts, newPriority);
    }
}
