package dev.postern.sql;

import org.jspecify.annotations.Nullable;

/**
 * What became of a due moment.
 *
 * @param verdict who took it
 * @param jobId the job made for it, or null
 */
public record TickOutcome(Verdict verdict, @Nullable Long jobId) {

    /** Answers of {@code run_schedule_tick}. */
    public enum Verdict {
        /** The job was made. */
        MADE,
        /** The previous job had not ended; the moment passed without one. */
        OVERLAP,
        /** No moment was to be taken; the next one is set. */
        PASSED,
        /** Somebody else took the moment, or the schedule changed meanwhile. */
        TAKEN
    }
}
