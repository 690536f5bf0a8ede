package dev.postern.sql;

/**
 * What one step of pruning a state's history did.
 *
 * @param dropped days that were dropped whole
 * @param deleted rows that were deleted beside them
 * @param blocked whether somebody reads or writes for so long that a step was given up
 */
public record PrunedHistory(int dropped, int deleted, boolean blocked) {}
