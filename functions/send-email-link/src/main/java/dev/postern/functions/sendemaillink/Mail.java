package dev.postern.functions.sendemaillink;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A mail, ready to go.
 *
 * @param to the address it goes to
 * @param subject one line
 * @param html the rich part
 * @param text the plain part
 * @param link the link in both
 * @param type the payload's email_type
 * @param key the same for all attempts of a job; {@code null} for a call by hand without one
 */
record Mail(
        String to,
        String subject,
        String html,
        String text,
        URI link,
        String type,
        @Nullable String key) {

    /** A Message-ID that a second attempt repeats, so that mail servers and clients can tell. */
    @Nullable
    String messageId(String from) {
        if (key == null) {
            return null;
        }
        String domain = from.substring(from.lastIndexOf('@') + 1).replaceAll("[^A-Za-z0-9.-]", "");
        return "<" + UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)) + "@" + domain + ">";
    }
}
