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
 */
public record Schedule(
        long id, String task, String rule, @Nullable Instant nextTick, Instant now) {}
