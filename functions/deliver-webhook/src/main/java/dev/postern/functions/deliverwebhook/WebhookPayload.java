package dev.postern.functions.deliverwebhook;

import com.fasterxml.jackson.databind.util.TokenBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The payload as it comes.
 *
 * @param url where the webhook goes
 * @param body what it says: any JSON but null. Kept as tokens, so that no digit of a number is lost on the way
 */
record WebhookPayload(@Nullable String url, @Nullable TokenBuffer body) {}
