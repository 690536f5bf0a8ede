package dev.postern.scheduler;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@code schedule_info} says. */
sealed interface ScheduleRule {

    /** The first tick after an instant; empty when none is left. */
    Optional<Instant> after(Instant instant);

    /** Where its clock hangs. */
    ZoneId zone();

    /**
     * The last tick up to an instant, that included. Takes some thirty looks a year, however many ticks there are.
     *
     * @param first a tick that is not after the instant
     */
    default Instant last(Instant first, Instant to) {
        Instant last = first;
        // Ever longer stretches before the instant, until one has a tick in it.
        for (Duration back = Duration.ofSeconds(1); to.minus(back).isAfter(first); back = back.multipliedBy(2)) {
            Optional<Instant> tick = upTo(to.minus(back), to);
            if (tick.isPresent()) {
                last = tick.get();
                break;
            }
        }
        // None is left between "end" and the instant; each round halves what lies before it.
        Instant end = to;
        while (true) {
            Optional<Instant> next = upTo(last, end);
            if (next.isEmpty()) {
                return last;
            }
            last = next.get();
            Instant middle = last.plus(Duration.between(last, end).dividedBy(2));
            Optional<Instant> later = upTo(middle, end);
            if (later.isPresent()) {
                last = later.get();
            } else {
                end = middle;
            }
        }
    }

    private Optional<Instant> upTo(Instant after, Instant to) {
        return after(after).filter(tick -> !tick.isAfter(to));
    }

    /** Due once, at a date; never when its {@code start} or {@code end} leaves that out. */
    record Once(
            Instant at,
            ZoneId zone,
            @Nullable Instant start,
            @Nullable Instant end) implements ScheduleRule {

        @Override
        public Optional<Instant> after(Instant instant) {
            boolean within = (start == null || !at.isBefore(start)) && (end == null || !at.isAfter(end));
            return within && at.isAfter(instant) ? Optional.of(at) : Optional.empty();
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

        @Override
        public ZoneId zone() {
            return ticks.zone();
        }
    }
}
