package dev.postern.sql;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * For whom a request works; what the database is told before the request's own statements.
 *
 * @param tenant the only one whose rows exist for it
 * @param actor the user, or null for a program of the tenant
 * @param requestId what the caller names this request by
 * @param traceparent the W3C trace that jobs added by it belong to
 */
public record Acting(UUID tenant, @Nullable UUID actor, String requestId, String traceparent) {}
