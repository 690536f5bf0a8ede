package dev.postern.chaos;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One claim of a job with how it ended, as the journal has it. Filled by {@link Leases} and read afterwards. */
final class Lease {

    final Event.Journalled claim;
    final UUID token;
    boolean waited;
    Event.@Nullable Journalled end;

    Lease(Event.Journalled claim, UUID token) {
        this.claim = claim;
        this.token = token;
    }

    long job() {
        return claim.job();
    }

    @Nullable
    Step ending() {
        Event.Journalled ended = end;
        return ended == null ? null : ended.step();
    }

    /** When it ended; when it has not, a time after all others. */
    Instant until() {
        Event.Journalled ended = end;
        return ended == null ? Instant.MAX : ended.at();
    }

    String name() {
        return "attempt " + claim.attempts() + " (" + Event.shortened(token) + ")";
    }
}
