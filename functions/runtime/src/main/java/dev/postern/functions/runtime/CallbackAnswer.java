package dev.postern.functions.runtime;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What became of one POST to the callback server. */
sealed interface CallbackAnswer {

    /** 2xx: heard. */
    record Heard() implements CallbackAnswer {}

    /** Another 4xx, or a redirect: saying it again changes nothing. */
    record Refused(int status) implements CallbackAnswer {}

    /** No connection, a time-out, 429 or 5xx: worth another try, not before {@code retryAfter}. */
    record Unheard(String why, @Nullable Duration retryAfter) implements CallbackAnswer {}
}
