package dev.postern.sql;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an attempt ended, or that its function took it over. {@code finish_jobs} says what each does to the job. Status is
 * the HTTP status where there was an answer, else null; delays are not negative.
 */
public sealed interface Outcome {

    /**
     * The job is completed.
     *
     * @param result JSON text kept as the job's result, or null
     * @param followUps JSON array of jobs to add in the same transaction, or null; keys: task, payload, key, queue,
     *     run_at, max_attempts, priority
     */
    record Complete(@Nullable String result, @Nullable String followUps) implements Outcome {
        /** Completed, nothing to keep. */
        public static final Complete EMPTY = new Complete(null, null);
    }

    /** The attempt failed and is charged. */
    record Retry(@Nullable Integer status, String error, Duration notBefore) implements Outcome {}

    /** The function answered that it does not exist; charged, with an earlier end than {@link Retry}. */
    record Missing(int status, String error, Duration notBefore) implements Outcome {}

    /** The job is refused for good: a dead letter. */
    record Dead(@Nullable Integer status, String error) implements Outcome {}

    /** The failure lay before or beside the function; not charged. */
    record Infrastructure(@Nullable Integer status, String error, Duration notBefore) implements Outcome {}

    /** The function asked for less load; not charged while the job is young. */
    record Backpressure(int status, String error, Duration delay) implements Outcome {}

    /** The function asked to be called again later; not charged. */
    record Snooze(Duration delay) implements Outcome {}

    /** The function answered 202: the lease is its own from now on, for the given time. */
    record Wait(Duration lease) implements Outcome {}
}
