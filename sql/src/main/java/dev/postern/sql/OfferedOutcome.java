package dev.postern.sql;

/**
 * An outcome on its way to the database.
 *
 * @param attempt whose outcome it is
 * @param outcome what it is
 */
public record OfferedOutcome(Attempt attempt, Outcome outcome) {}
