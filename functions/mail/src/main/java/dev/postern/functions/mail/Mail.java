package dev.postern.functions.mail;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A mail, ready to go.
 *
 * @param to the addresses it goes to, at least one, each with or without a name
 * @param subject one line
 * @param body what it says
 * @param from the sender; {@code null} for the configured one
 * @param replyTo where answers go; {@code null} for the configured address, if there is one
 * @param trace what it is about, for the log and the files of a dry run
 * @param key the same for all attempts of a job; {@code null} for a call by hand without one
 */
public record Mail(
        List<String> to,
        String subject,
        Body body,
        @Nullable String from,
        @Nullable String replyTo,
        Trace trace,
        @Nullable String key) {

    /** Refuses a mail to nobody, and line breaks in what becomes a header. */
    public Mail {
        to = List.copyOf(to);
        if (to.isEmpty()) {
            throw new IllegalArgumentException("a mail needs somebody it goes to");
        }
        if (subject.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("a subject is one line without control characters");
        }
    }

    /** One part or both. */
    public record Body(@Nullable String html, @Nullable String text) {

        /** Refuses a body of nothing. */
        public Body {
            if (html == null && text == null) {
                throw new IllegalArgumentException("a mail needs a text, an HTML text, or both");
            }
        }
    }

    /**
     * What a mail is about, for people who look.
     *
     * @param kind a word that may stand in a file name
     * @param link the one link that matters, where the mail was written for one
     */
    public record Trace(String kind, @Nullable URI link) {}

    /** A Message-ID that a second attempt repeats, so that mail servers and clients can tell. */
    @Nullable
    String messageId(String sender) {
        if (key == null) {
            return null;
        }
        String domain = sender.substring(sender.lastIndexOf('@') + 1).replaceAll("[^A-Za-z0-9.-]", "");
        return "<" + UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)) + "@" + domain + ">";
    }
}
