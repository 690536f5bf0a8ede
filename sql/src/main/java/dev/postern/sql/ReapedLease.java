package dev.postern.sql;

import org.jspecify.annotations.Nullable;

/**
 * A job that was taken back because its lease expired.
 *
 * @param jobId the job
 * @param task its task identifier
 * @param attempt the attempt that ended so
 * @param workerId the worker that had claimed it, where known
 * @param waited whether a function held the lease (202) and its callback did not come
 * @param dead whether the job is now a dead letter
 */
public record ReapedLease(
        long jobId, String task, int attempt, @Nullable String workerId, boolean waited, boolean dead) {}
