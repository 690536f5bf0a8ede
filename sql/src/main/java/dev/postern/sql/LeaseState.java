package dev.postern.sql;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Answer to a heartbeat or a progress report.
 *
 * @param verdict accepted, or why not
 * @param expiresAt when the lease now ends, by the database's clock; null unless accepted
 */
public record LeaseState(Verdict verdict, @Nullable Instant expiresAt) {}
