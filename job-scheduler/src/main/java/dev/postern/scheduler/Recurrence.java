package dev.postern.scheduler;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Optional;

/**
 * Moments on a wall clock, without a zone. Sets of numbers are bit masks: bit n stands for the value n.
 *
 * @param seconds 0 to 59
 * @param minutes 0 to 59
 * @param hours 0 to 23
 * @param hoursWild whether the hours were written as "any" or "every n-th", so that an hour that the clock shows twice
 *     counts twice
 * @param days the days
 */
record Recurrence(long seconds, long minutes, long hours, boolean hoursWild, DayRule days) {

    /** The hours of a day, all of them. */
    static final long ALL_HOURS = bits(0, 23, 1);

    /** A 29 February on a given weekday comes back within 40 years; what has not come by then never does. */
    private static final int SEARCH_DAYS = 40 * 366;

    /** Whether it knows no hour in which it rests. */
    boolean everyHour() {
        return hours == ALL_HOURS;
    }

    /** The first moment at or after the given one, which is on a full second; empty when there is none. */
    Optional<LocalDateTime> atOrAfter(LocalDateTime from) {
        LocalDate day = from.toLocalDate();
        LocalTime time = from.toLocalTime();
        for (int looked = 0; looked < SEARCH_DAYS; looked++) {
            Optional<LocalDate> inYear = inRightYear(day);
            if (inYear.isEmpty()) {
                return Optional.empty();
            }
            if (!inYear.get().equals(day)) {
                day = inYear.get();
                time = LocalTime.MIDNIGHT;
            }
            if (!days.monthMatches(day)) {
                day = day.withDayOfMonth(1).plusMonths(1);
                time = LocalTime.MIDNIGHT;
                continue;
            }
            if (days.dayMatches(day)) {
                Optional<LocalTime> hit = atOrAfter(time);
                if (hit.isPresent()) {
                    return Optional.of(day.atTime(hit.get()));
                }
            }
            day = day.plusDays(1);
            time = LocalTime.MIDNIGHT;
        }
        return Optional.empty();
    }

    private Optional<LocalDate> inRightYear(LocalDate day) {
        if (days.years().isEmpty() || days.years().contains(day.getYear())) {
            return Optional.of(day);
        }
        return days.years().stream()
                .filter(year -> year > day.getYear())
                .findFirst()
                .map(year -> LocalDate.of(year, 1, 1));
    }

    private Optional<LocalTime> atOrAfter(LocalTime from) {
        for (int hour = next(hours, from.getHour()); hour >= 0; hour = next(hours, hour + 1)) {
            boolean sameHour = hour == from.getHour();
            for (int minute = next(minutes, sameHour ? from.getMinute() : 0);
                    minute >= 0;
                    minute = next(minutes, minute + 1)) {
                boolean sameMinute = sameHour && minute == from.getMinute();
                int second = next(seconds, sameMinute ? from.getSecond() : 0);
                if (second >= 0) {
                    return Optional.of(LocalTime.of(hour, minute, second));
                }
            }
        }
        return Optional.empty();
    }

    /** The set of every {@code step}-th number from {@code from} to {@code to}, both included. */
    static long bits(int from, int to, int step) {
        long bits = 0;
        for (int value = from; value <= to; value += step) {
            bits |= 1L << value;
        }
        return bits;
    }

    private static int next(long set, int from) {
        long rest = set & (-1L << from);
        return rest == 0 ? -1 : Long.numberOfTrailingZeros(rest);
    }
}
