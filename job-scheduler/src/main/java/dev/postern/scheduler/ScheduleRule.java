package dev.postern.scheduler;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@code schedule_info} says. */
sealed interface ScheduleRule {

    /** The first tick after an instant; empty when none is left. */
    Optional<Instant> after(Instant instant);

    /** Due once, at a date. */
    record Once(Instant at) implements ScheduleRule {

        @Override
        public Optional<Instant> after(Instant instant) {
            return at.isAfter(instant) ? Optional.of(at) : Optional.empty();
        }
    }

    /**
     * Due again and again.
     *
     * @param start the first instant that may be a tick, or null
     * @param end the last instant that may be a tick, or null
     */
    record Recurring(
            ZonedTicks ticks,
            @Nullable Instant start,
            @Nullable Instant end) implements ScheduleRule {

        @Override
        public Optional<Instant> after(Instant instant) {
            Instant from = start != null && start.isAfter(instant) ? start : instant.plusNanos(1);
            return ticks.atOrAfter(from).filter(tick -> end == null || !tick.isAfter(end));
        }
    }
}
