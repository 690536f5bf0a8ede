package dev.postern.sql;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A schedule as the scheduler sees it.
 *
 * @param id its id
 * @param task the task that its jobs name
 * @param rule the JSON text of {@code schedule_info}
 * @param nextTick the next due moment, or null when it has not been planned
 * @param now the database's clock when the row was read
 * @param missedTicks what becomes of ticks that were not taken in time
 * @param missedTicksMax how many of them make a job at most, with {@link MissedTicks#ALL}; at least 1
 */
public record Schedule(
        long id,
        String task,
        String rule,
        @Nullable Instant nextTick,
        Instant now,
        MissedTicks missedTicks,
        int missedTicksMax) {

    /** The values of {@code missed_ticks}. */
    public enum MissedTicks {
        /** They make no job. */
        SKIP,
        /** The latest of them makes a job. */
        LATEST,
        /** Each makes a job. */
        ALL
    }
}
