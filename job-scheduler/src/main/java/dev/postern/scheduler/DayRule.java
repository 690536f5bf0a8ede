package dev.postern.scheduler;

import java.time.LocalDate;
import java.util.List;

/**
 * The days of a recurrence. Sets of numbers are bit masks: bit n stands for the value n.
 *
 * @param months 1 to 12
 * @param dates days of the month, 1 to 31
 * @param lastDate whether the last day of each month belongs to the dates
 * @param weekdays 0 (Sunday) to 6
 * @param nthWeekdays single weekdays of a month, such as its second Tuesday, beside {@code weekdays}
 * @param years ascending; empty for all
 * @param eitherDay whether a day that fits the dates or the weekdays is enough, as in cron; otherwise it must fit both
 */
record DayRule(
        long months,
        long dates,
        boolean lastDate,
        long weekdays,
        List<NthWeekday> nthWeekdays,
        List<Integer> years,
        boolean eitherDay) {

    DayRule {
        nthWeekdays = List.copyOf(nthWeekdays);
        years = years.stream().sorted().distinct().toList();
    }

    /**
     * One weekday of a month.
     *
     * @param weekday 0 (Sunday) to 6
     * @param nth 1 to 5, or {@link #LAST}
     */
    record NthWeekday(int weekday, int nth) {

        static final int LAST = 0;

        private boolean matches(LocalDate day) {
            if (day.getDayOfWeek().getValue() % 7 != weekday) {
                return false;
            }
            return nth == LAST
                    ? day.getDayOfMonth() > day.lengthOfMonth() - 7
                    : (day.getDayOfMonth() - 1) / 7 + 1 == nth;
        }
    }

    boolean monthMatches(LocalDate day) {
        return has(months, day.getMonthValue());
    }

    /** Whether the day fits, given that its year and month do. */
    boolean dayMatches(LocalDate day) {
        boolean date = has(dates, day.getDayOfMonth()) || (lastDate && day.getDayOfMonth() == day.lengthOfMonth());
        boolean weekday = has(weekdays, day.getDayOfWeek().getValue() % 7)
                || nthWeekdays.stream().anyMatch(nth -> nth.matches(day));
        return eitherDay ? date || weekday : date && weekday;
    }

    private static boolean has(long set, int value) {
        return (set & (1L << value)) != 0;
    }
}
