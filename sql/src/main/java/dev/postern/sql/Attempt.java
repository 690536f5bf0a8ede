package dev.postern.sql;

import java.util.UUID;

/**
 * The fence: which attempt, under which lease, somebody speaks for.
 *
 * @param jobId the job
 * @param number the attempt, from 1
 * @param lease token of the claim that began it
 */
public record Attempt(long jobId, int number, UUID lease) {}
