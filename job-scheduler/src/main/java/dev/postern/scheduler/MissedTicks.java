package dev.postern.scheduler;

import dev.postern.sql.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Which tick of a due schedule is taken, and what becomes of those that nobody took in time.
 *
 * <ul>
 *   <li>{@code skip}: the last one due, if it is no later than the grace; none otherwise.
 *   <li>{@code latest}: the last one due, however late.
 *   <li>{@code all}: the first one due; those after it are due at once, so a pass each takes them in order. When there are
 *       more than the schedule's bound, only the latest are taken.
 * </ul>
 */
final class MissedTicks {

    /** A schedule of every second that rested for three hours: counting more is not worth the time. */
    static final int COUNTED = 10_000;

    private final Duration grace;

    /** A tick that is later than the grace was missed. */
    MissedTicks(Duration grace) {
        this.grace = grace;
    }

    /**
     * What to do.
     *
     * @param tick the tick to take; empty for none
     * @param next the one after it; empty when the rule has none left
     * @param passedOver how many ticks make no job, {@link #COUNTED} standing for as many or more
     */
    record Choice(Optional<Instant> tick, Optional<Instant> next, int passedOver) {}

    /** Chooses for a schedule whose next tick is due. */
    Choice choose(Schedule schedule, ScheduleRule rule) {
        Instant planned = Objects.requireNonNull(schedule.nextTick());
        Instant now = schedule.now();
        return switch (schedule.missedTicks()) {
            case SKIP -> {
                Instant last = rule.last(planned, now);
                int before = count(rule, planned, last);
                yield Duration.between(last, now).compareTo(grace) <= 0
                        ? new Choice(Optional.of(last), rule.after(now), before)
                        : new Choice(Optional.empty(), rule.after(now), Math.min(before + 1, COUNTED));
            }
            case LATEST -> {
                Instant last = rule.last(planned, now);
                yield new Choice(Optional.of(last), rule.after(now), count(rule, planned, last));
            }
            case ALL -> {
                Instant first = firstOfLatest(rule, planned, now, schedule.missedTicksMax());
                yield new Choice(Optional.of(first), rule.after(first), count(rule, planned, first));
            }
        };
    }

    private static Instant firstOfLatest(ScheduleRule rule, Instant planned, Instant now, int most) {
        Optional<Instant> tick = Optional.of(planned);
        for (int n = 0; n < most && tick.isPresent(); n++) {
            tick = rule.after(tick.get()).filter(next -> !next.isAfter(now));
        }
        if (tick.isEmpty()) {
            return planned;
        }
        Instant first = rule.last(planned, now);
        for (int n = 1; n < most; n++) {
            first = rule.last(planned, first.minusNanos(1));
        }
        return first;
    }

    /** How many ticks lie from the first one on, before another. */
    private static int count(ScheduleRule rule, Instant first, Instant before) {
        int count = 0;
        for (Optional<Instant> tick = Optional.of(first);
                count < COUNTED && tick.isPresent() && tick.get().isBefore(before);
                tick = rule.after(tick.get())) {
            count++;
        }
        return count;
    }
}
