package dev.postern.chaos;

import java.util.Locale;

/** What can happen to a job's row, as the journal calls it. */
enum Step {
    ADDED,
    /** Added again with its key while nobody held it: starts over. */
    REPLACED,
    RESCHEDULED,
    /** A dead letter that has attempts again. */
    REPLAYED,
    /** A newer job took over its key while it ran. */
    SUPERSEDED,
    CLAIMED,
    /** The function answered 202 and has the lease. */
    WAITING,
    COMPLETE,
    RETRY,
    MISSING,
    DEAD,
    INFRASTRUCTURE,
    BACKPRESSURE,
    SNOOZE,
    /** The lease ran out and was reaped. */
    EXPIRED,
    /** Given back by a worker that drained. */
    RELEASED,
    CANCELLED;

    /** Whether it is an outcome that somebody offered under a lease, and that ended the attempt. */
    boolean isOutcome() {
        return switch (this) {
            case COMPLETE, RETRY, MISSING, DEAD, INFRASTRUCTURE, BACKPRESSURE, SNOOZE -> true;
            case ADDED, REPLACED, RESCHEDULED, REPLAYED, SUPERSEDED, CLAIMED, WAITING, EXPIRED, RELEASED, CANCELLED ->
                false;
        };
    }

    /** Whether nobody holds the job after it. */
    boolean endsLease() {
        return isOutcome() || this == EXPIRED || this == RELEASED || this == CANCELLED;
    }

    /** Whether the attempts are counted afresh after it. */
    boolean startsOver() {
        return this == ADDED || this == REPLACED || this == REPLAYED;
    }

    /** Whether the attempt counts although it did not complete the job. */
    boolean charges() {
        return this == RETRY || this == MISSING || this == DEAD || this == EXPIRED;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
