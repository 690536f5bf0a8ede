package dev.postern.functions.requestsreminder;

import org.jspecify.annotations.Nullable;

/**
 * The payload as it comes.
 *
 * @param requestId the request that is waiting for somebody; required
 */
record ReminderPayload(@Nullable String requestId) {}
