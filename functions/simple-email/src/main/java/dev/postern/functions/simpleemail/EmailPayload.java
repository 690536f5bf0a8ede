package dev.postern.functions.simpleemail;

import org.jspecify.annotations.Nullable;

/** The payload as it comes, under the names of Constructive's function; {@link SimpleEmail} says what must be there. */
record EmailPayload(
        @Nullable String to,
        @Nullable String subject,
        @Nullable String html,
        @Nullable String text,
        @Nullable String from,
        @Nullable String replyTo) {}
