package dev.postern.scheduler;

import com.cronutils.model.Cron;
import com.cronutils.model.definition.CronDefinition;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.field.CronFieldName;
import com.cronutils.model.field.expression.Always;
import com.cronutils.model.field.expression.And;
import com.cronutils.model.field.expression.Between;
import com.cronutils.model.field.expression.Every;
import com.cronutils.model.field.expression.FieldExpression;
import com.cronutils.model.field.expression.On;
import com.cronutils.model.field.value.FieldValue;
import com.cronutils.model.field.value.SpecialChar;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Answers when a schedule is due next. The only class that touches cron-utils, and for parsing only: its calendar loses
 * values ({@code *}{@code /5,3} runs as {@code *}{@code /5}), takes milliseconds a question and leaves out moments in a
 * DST gap (9.2.1), so the days and the zones are ours ({@link Recurrence}, {@link ZonedTicks}).
 *
 * <p>The dialect is that of node-schedule: five fields, or six with leading seconds; names of months and weekdays, lists,
 * ranges, steps; {@code L} for the last day of the month, {@code 5L} for its last Friday, {@code 1#2} for its second
 * Monday; {@code @daily} and the like. A day that fits the date or the weekday is enough when both are restricted.
 */
public final class CronCalendar {

    private static final Map<String, String> NICKNAMES = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");

    private static final long ALL_DATES = Recurrence.bits(1, 31, 1);
    private static final long ALL_WEEKDAYS = Recurrence.bits(0, 6, 1);

    private final CronParser parser = new CronParser(definition());
    private final RuleReader reader = new RuleReader(this::recurrence);

    /**
     * The next ticks after an instant, each in the rule's zone, UTC where it names none. Any thread.
     *
     * @param scheduleInfo JSON text of the rule
     * @param most how many at most; fewer when the rule has no more
     * @throws BadRuleException when the rule cannot be read
     */
    public List<ZonedDateTime> next(String scheduleInfo, Instant after, int most) {
        ScheduleRule rule = read(scheduleInfo);
        List<ZonedDateTime> ticks = new ArrayList<>();
        for (Optional<Instant> tick = rule.after(after);
                tick.isPresent() && ticks.size() < most;
                tick = rule.after(tick.get())) {
            ticks.add(tick.get().atZone(rule.zone()));
        }
        return ticks;
    }

    /**
     * What a rule says.
     *
     * @param scheduleInfo JSON text of the rule
     * @throws BadRuleException when the rule cannot be read
     */
    ScheduleRule read(String scheduleInfo) {
        return reader.read(scheduleInfo);
    }

    private Recurrence recurrence(String text) {
        String normal = text.strip().toLowerCase(Locale.ROOT);
        List<String> fields =
                new ArrayList<>(List.of(NICKNAMES.getOrDefault(normal, normal).split("\\s+")));
        if (fields.size() == 5) {
            fields.addFirst("0");
        }
        if (fields.size() != 6) {
            throw new BadRuleException("cannot read the cron rule " + RuleReader.quote(text) + ": found "
                    + (normal.isEmpty() ? 0 : fields.size()) + " fields, expected 5 (minute hour date month weekday)"
                    + " or 6 (with leading seconds), or a date such as \"2026-11-22T02:42:15Z\"");
        }
        fields.set(3, fields.get(3).replace('?', '*'));
        // Sunday begins a range as 0 and ends it as 7.
        fields.set(5, fields.get(5).replace('?', '*').replace("-sun", "-7").replace("sun", "0"));
        try {
            return recurrence(parser.parse(String.join(" ", fields)));
        } catch (IllegalArgumentException e) {
            String reason = String.valueOf(e.getMessage()).replace("Failed to parse cron expression. ", "");
            throw new BadRuleException("cannot read the cron rule " + RuleReader.quote(text) + ": " + reason
                    + "; expected 5 fields (minute hour date month weekday) or 6 (with leading seconds),"
                    + " such as \"*/5 * * * *\"");
        }
    }

    private static Recurrence recurrence(Cron cron) {
        FieldExpression hours = field(cron, CronFieldName.HOUR);
        FieldExpression weekdays = field(cron, CronFieldName.DAY_OF_WEEK);
        FieldExpression dates = field(cron, CronFieldName.DAY_OF_MONTH);
        long hourBits = bits(hours, 0, 23);
        long weekdayBits = bits(weekdays, 0, 7);
        weekdayBits = (weekdayBits | weekdayBits >> 7) & ALL_WEEKDAYS;
        long dateBits = bits(dates, 1, 31);
        return new Recurrence(
                bits(field(cron, CronFieldName.SECOND), 0, 59),
                bits(field(cron, CronFieldName.MINUTE), 0, 59),
                hourBits,
                isWild(hours) || hourBits == Recurrence.ALL_HOURS,
                new DayRule(
                        bits(field(cron, CronFieldName.MONTH), 1, 12),
                        dateBits,
                        parts(dates).anyMatch(CronCalendar::isLastDate),
                        weekdayBits,
                        parts(weekdays).flatMap(CronCalendar::nthWeekday).toList(),
                        List.of(),
                        dateBits != ALL_DATES && weekdayBits != ALL_WEEKDAYS));
    }

    private static FieldExpression field(Cron cron, CronFieldName name) {
        return Objects.requireNonNull(cron.retrieveFieldsAsMap().get(name)).getExpression();
    }

    private static boolean isWild(FieldExpression hours) {
        return parts(hours)
                .anyMatch(part -> part instanceof Always
                        || (part instanceof Every every && every.getExpression() instanceof Always));
    }

    private static Stream<FieldExpression> parts(FieldExpression expression) {
        return expression instanceof And and
                ? and.getExpressions().stream().flatMap(CronCalendar::parts)
                : Stream.of(expression);
    }

    private static long bits(FieldExpression expression, int min, int max) {
        return parts(expression).mapToLong(part -> partBits(part, min, max, 1)).reduce(0, (a, b) -> a | b);
    }

    // With a step, a single number stands for everything from it on.
    private static long partBits(FieldExpression part, int min, int max, int step) {
        return switch (part) {
            case Always any -> Recurrence.bits(min, max, step);
            case Between range -> Recurrence.bits(number(range.getFrom()), number(range.getTo()), step);
            case Every every ->
                partBits(every.getExpression(), min, max, every.getPeriod().getValue());
            case On on -> {
                int value = on.getTime().getValue();
                yield isSpecial(on) ? 0 : Recurrence.bits(value, step == 1 ? value : max, step);
            }
            default -> throw new IllegalArgumentException("'" + part.asString() + "' is not understood");
        };
    }

    private static int number(FieldValue<?> value) {
        if (value.getValue() instanceof Integer number) {
            return number;
        }
        throw new IllegalArgumentException("'" + value + "' cannot bound a range");
    }

    private static boolean isSpecial(On on) {
        return on.getSpecialChar().getValue() != SpecialChar.NONE;
    }

    private static boolean isLastDate(FieldExpression part) {
        if (!(part instanceof On on) || !isSpecial(on)) {
            return false;
        }
        if (on.getNth().getValue() > 0 || on.getTime().getValue() >= 0) {
            throw new IllegalArgumentException("'" + on.asString() + "' is not understood, only 'L' is");
        }
        return true;
    }

    private static Stream<DayRule.NthWeekday> nthWeekday(FieldExpression part) {
        if (!(part instanceof On on) || !isSpecial(on)) {
            return Stream.empty();
        }
        int weekday = on.getTime().getValue();
        int nth = on.getSpecialChar().getValue() == SpecialChar.L
                ? DayRule.NthWeekday.LAST
                : on.getNth().getValue();
        if (weekday < 0 || nth > 5) {
            throw new IllegalArgumentException(
                    "'" + on.asString() + "' names no weekday of a month, '5L' or '1#2' would");
        }
        return Stream.of(new DayRule.NthWeekday(weekday % 7, nth));
    }

    private static CronDefinition definition() {
        return CronDefinitionBuilder.defineCron()
                .withSeconds()
                .withStrictRange()
                .and()
                .withMinutes()
                .withStrictRange()
                .and()
                .withHours()
                .withStrictRange()
                .and()
                .withDayOfMonth()
                .supportsL()
                .withStrictRange()
                .and()
                .withMonth()
                .withStrictRange()
                .and()
                .withDayOfWeek()
                .withValidRange(0, 7)
                .withMondayDoWValue(1)
                .supportsHash()
                .supportsL()
                .withStrictRange()
                .and()
                .instance();
    }
}
