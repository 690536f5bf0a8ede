package dev.postern.scheduler;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A recurrence in a time zone. Where the zone's clock jumps:
 *
 * <ul>
 *   <li>Forward: moments that the clock leaves out become one tick at the first instant after the jump. A recurrence of
 *       every hour has none there: its next one comes as soon as it would have come without the jump.
 *   <li>Back: moments that the clock shows twice are ticks the first time only; where the hours are a wildcard they are
 *       ticks both times.
 * </ul>
 *
 * cron-utils would leave a moment in a gap out until the next day (9.2.1), hence this class.
 */
record ZonedTicks(Recurrence recurrence, ZoneId zone) {

    /** The first tick at or after the given instant; empty when there is none. */
    Optional<Instant> atOrAfter(Instant instant) {
        ZoneRules rules = zone.getRules();
        Instant from = ceiling(instant);
        // Each round looks at a stretch of constant offset, from a jump or the start to the jump that ends it.
        while (true) {
            ZoneOffset offset = rules.getOffset(from);
            ZoneOffsetTransition begin = rules.previousTransition(from.plusNanos(1));
            if (begin != null && begin.isGap() && begin.getInstant().equals(from) && takesPlaceOf(begin)) {
                return Optional.of(from);
            }
            ZoneOffsetTransition end = rules.nextTransition(from);
            Optional<LocalDateTime> moment =
                    recurrence.atOrAfter(firstMoment(begin, LocalDateTime.ofInstant(from, offset)));
            if (moment.isPresent() && (end == null || moment.get().isBefore(end.getDateTimeBefore()))) {
                return Optional.of(moment.get().toInstant(offset));
            }
            if (end == null) {
                return Optional.empty();
            }
            Optional<LocalDateTime> later =
                    recurrence.atOrAfter(end.isGap() ? end.getDateTimeBefore() : end.getDateTimeAfter());
            if (later.isEmpty()) {
                return Optional.empty();
            }
            from = skipQuietYears(end.getInstant(), later.get());
        }
    }

    // In a stretch that begins with a jump back, moments were ticks before it, unless the hours are a wildcard.
    private LocalDateTime firstMoment(@Nullable ZoneOffsetTransition begin, LocalDateTime moment) {
        boolean shownBefore = begin != null && begin.isOverlap() && moment.isBefore(begin.getDateTimeBefore());
        return begin != null && shownBefore && !recurrence.hoursWild() ? begin.getDateTimeBefore() : moment;
    }

    // Whether the first instant after the gap is the tick of a moment that the gap left out.
    private boolean takesPlaceOf(ZoneOffsetTransition gap) {
        return !recurrence.everyHour()
                && recurrence
                        .atOrAfter(gap.getDateTimeBefore())
                        .filter(moment -> moment.isBefore(gap.getDateTimeAfter()))
                        .isPresent();
    }

    // No clock has jumped by more than a day, so nothing is missed by starting two days ahead.
    private static Instant skipQuietYears(Instant jump, LocalDateTime moment) {
        Instant ahead = moment.minusDays(2).toInstant(ZoneOffset.UTC);
        return ahead.isAfter(jump) ? ahead : jump;
    }

    private static Instant ceiling(Instant instant) {
        Instant second = instant.truncatedTo(ChronoUnit.SECONDS);
        return second.equals(instant) ? second : second.plusSeconds(1);
    }
}
