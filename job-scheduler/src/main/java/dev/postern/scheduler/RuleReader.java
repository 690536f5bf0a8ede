package dev.postern.scheduler;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON of {@code schedule_info}, in the forms that node-schedule takes: a cron string, a date (ISO text or
 * milliseconds since 1970), a recurrence object, or an object that wraps one of these as {@code rule} and adds
 * {@code start}, {@code end} and {@code tz}. Stricter than node-schedule in one thing: a key that nobody reads is refused,
 * because {@code {"minutes": 5}} would otherwise run every minute.
 */
final class RuleReader {

    private static final Set<String> RECURRENCE_KEYS =
            Set.of("second", "minute", "hour", "date", "month", "year", "dayOfWeek");
    private static final Set<String> FRAME_KEYS = Set.of("start", "end", "tz", "recurs");
    private static final Set<String> RANGE_KEYS = Set.of("start", "end", "step");
    private static final String FORMS = "expected a cron string, a date, {\"rule\", \"start\", \"end\", \"tz\"}, or an"
            + " object of second, minute, hour, date, month, year, dayOfWeek";

    private static final Pattern DATE = Pattern.compile("[+-]?\\d{4,}-\\d{2}.*", Pattern.DOTALL);
    private static final int FIRST_YEAR = 1970;
    private static final int LAST_YEAR = 9999;
    private static final int QUOTED_LENGTH = 100;

    /** Where node-schedule lets a range end that was given no end, whatever its field. */
    private static final int OPEN_END = 60;

    // As JavaScript and Postgres write it: T or a space, any fraction, the offset as Z, +00, +0000, +00:00 or left out.
    private static final DateTimeFormatter TIMESTAMP = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .append(DateTimeFormatter.ISO_LOCAL_DATE)
            .optionalStart()
            .appendPattern("['T'][' ']")
            .append(DateTimeFormatter.ISO_LOCAL_TIME)
            .appendPattern("[XXX][XX][X]")
            .optionalEnd()
            .toFormatter(Locale.ROOT)
            .withResolverStyle(ResolverStyle.STRICT);

    private final Function<String, Recurrence> cron;

    RuleReader(Function<String, Recurrence> cron) {
        this.cron = cron;
    }

    ScheduleRule read(String scheduleInfo) {
        Object json;
        try {
            json = Json.decodeValue(scheduleInfo);
        } catch (DecodeException e) {
            throw new BadRuleException("cannot read the schedule " + quote(scheduleInfo) + ": not JSON; " + FORMS);
        }
        ScheduleRule rule = rule(json, new Frame(null, null, null));
        if (rule instanceof ScheduleRule.Recurring recurring) {
            Instant start = recurring.start();
            Instant end = recurring.end();
            if (neverComes(recurring.ticks().recurrence())) {
                throw new BadRuleException("the schedule " + quote(scheduleInfo) + " names a day that never comes");
            }
            if (start != null && end != null && end.isBefore(start)) {
                throw new BadRuleException(
                        "the schedule " + quote(scheduleInfo) + " ends at " + end + ", before it starts at " + start);
            }
        }
        return rule;
    }

    private ScheduleRule rule(@Nullable Object json, Frame frame) {
        if (json instanceof String text && !DATE.matcher(text.strip()).matches()) {
            return frame.around(cron.apply(text));
        }
        if (json instanceof String || json instanceof Number) {
            return new ScheduleRule.Once(
                    timestamp("the date", json, frame.zone()), frame.zone(), frame.start(), frame.end());
        }
        if (json instanceof JsonObject object) {
            return object.containsKey("rule")
                    ? wrapped(object)
                    : frame.inner(object).around(recurrence(object));
        }
        throw new BadRuleException(
                "cannot read the schedule: found " + (json == null ? "null" : quote(Json.encode(json))) + ", " + FORMS);
    }

    private ScheduleRule wrapped(JsonObject object) {
        refuseOthers(object, Set.of("rule"));
        if (object.getValue("rule") instanceof JsonObject inner && inner.containsKey("rule")) {
            throw new BadRuleException("cannot read the schedule " + quote(object.encode())
                    + ": found a rule within a rule; expected a cron string, a date or a recurrence object in it");
        }
        return rule(object.getValue("rule"), new Frame(null, null, null).inner(object));
    }

    private static void refuseOthers(JsonObject object, Set<String> known) {
        Set<String> others = new TreeSet<>(object.fieldNames());
        others.removeAll(known);
        others.removeAll(FRAME_KEYS);
        if (!others.isEmpty()) {
            throw new BadRuleException("cannot read the schedule: found the unknown key "
                    + quote(others.iterator().next()) + "; " + FORMS);
        }
    }

    // start, end and tz, of which those written further inside win.
    private record Frame(
            @Nullable Instant start,
            @Nullable Instant end,
            @Nullable ZoneId tz) {

        Frame inner(JsonObject object) {
            Object name = object.getValue("tz");
            ZoneId zone = name == null ? tz : zoneOf(name);
            ZoneId reading = zone == null ? ZoneOffset.UTC : zone;
            Object newStart = object.getValue("start");
            Object newEnd = object.getValue("end");
            return new Frame(
                    newStart == null ? start : timestamp("start", newStart, reading),
                    newEnd == null ? end : timestamp("end", newEnd, reading),
                    zone);
        }

        ZoneId zone() {
            return tz == null ? ZoneOffset.UTC : tz;
        }

        ScheduleRule around(Recurrence recurrence) {
            return new ScheduleRule.Recurring(new ZonedTicks(recurrence, zone()), start, end);
        }
    }

    private static ZoneId zoneOf(Object name) {
        String text = name.toString();
        try {
            return ZoneId.of(text);
        } catch (DateTimeException e) {
            // node-schedule and the database know zones in any case.
            return ZoneId.getAvailableZoneIds().stream()
                    .filter(text::equalsIgnoreCase)
                    .findFirst()
                    .map(ZoneId::of)
                    .orElseThrow(() -> new BadRuleException("cannot read tz: found " + quote(text)
                            + ", expected the name of a time zone such as \"Europe/Berlin\""));
        }
    }

    // Whole microseconds, because the database keeps no more and a tick must come back as the instant it was.
    private static Instant timestamp(String what, Object value, ZoneId zone) {
        try {
            Instant instant = switch (value) {
                case Number millis -> Instant.ofEpochMilli((long) millis.doubleValue());
                case String text -> parse(text, zone);
                default -> throw new DateTimeException("neither text nor number");
            };
            int year = instant.atOffset(ZoneOffset.UTC).getYear();
            if (year < FIRST_YEAR || year > LAST_YEAR) {
                throw new DateTimeException("year " + year);
            }
            return instant.truncatedTo(ChronoUnit.MICROS);
        } catch (DateTimeException e) {
            throw new BadRuleException("cannot read " + what + ": found " + quote(String.valueOf(value))
                    + ", expected ISO 8601 such as \"2026-11-22T02:42:15Z\", or milliseconds since 1970, in the years "
                    + FIRST_YEAR + " to " + LAST_YEAR);
        }
    }

    private static Instant parse(String text, ZoneId zone) {
        TemporalAccessor parsed =
                TIMESTAMP.parseBest(text.strip(), OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
        return switch (parsed) {
            case OffsetDateTime at -> at.toInstant();
            case LocalDateTime at -> at.atZone(zone).toInstant();
            default -> LocalDate.from(parsed).atStartOfDay(zone).toInstant();
        };
    }

    private static Recurrence recurrence(JsonObject object) {
        refuseOthers(object, RECURRENCE_KEYS);
        if (object.fieldNames().stream().noneMatch(RECURRENCE_KEYS::contains)) {
            throw new BadRuleException("cannot read the schedule: found " + quote(object.encode())
                    + ", which says nothing of when; " + FORMS);
        }
        long hours = field(object, "hour", 0, 23);
        return new Recurrence(
                object.containsKey("second") ? field(object, "second", 0, 59) : 1,
                field(object, "minute", 0, 59),
                hours,
                hours == Recurrence.ALL_HOURS,
                new DayRule(
                        field(object, "month", 0, 11) << 1,
                        field(object, "date", 1, 31),
                        false,
                        field(object, "dayOfWeek", 0, 6),
                        List.of(),
                        object.getValue("year") == null
                                ? List.of()
                                : values("year", object.getValue("year"), FIRST_YEAR, LAST_YEAR),
                        false));
    }

    private static long field(JsonObject object, String name, int min, int max) {
        Object value = object.getValue(name);
        return value == null
                ? Recurrence.bits(min, max, 1)
                : values(name, value, min, max).stream().mapToLong(v -> 1L << v).reduce(0, (a, b) -> a | b);
    }

    private static List<Integer> values(String name, @Nullable Object value, int min, int max) {
        if (value instanceof JsonArray list
                && list.stream().noneMatch(JsonArray.class::isInstance)
                && !list.isEmpty()) {
            return list.stream()
                    .flatMap(each -> values(name, each, min, max).stream())
                    .toList();
        }
        if (!(value instanceof JsonObject range)) {
            return List.of(number(name, value, min, max));
        }
        int start = number(name, range.getValue("start", min), min, max);
        boolean open = range.getValue("end", OPEN_END) instanceof Number end && end.doubleValue() == OPEN_END;
        int end = open ? max : number(name, range.getValue("end"), min, max);
        int step = number(name, range.getValue("step", 1), 1, LAST_YEAR);
        if (start > end || !RANGE_KEYS.containsAll(range.fieldNames())) {
            throw badField(name, value, min, max);
        }
        return IntStream.iterate(start, each -> each <= end, each -> each + step)
                .boxed()
                .toList();
    }

    private static int number(String name, @Nullable Object value, int min, int max) {
        if (value instanceof Number number
                && number.doubleValue() == number.intValue()
                && number.intValue() >= min
                && number.intValue() <= max) {
            return number.intValue();
        }
        throw badField(name, value, min, max);
    }

    private static BadRuleException badField(String name, @Nullable Object value, int min, int max) {
        String found = value == null ? "null" : quote(Json.encode(value));
        return new BadRuleException("cannot read " + name + ": found " + found + ", expected a number from " + min
                + " to " + max + ", a list of such, or a range {\"start\", \"end\", \"step\"}, both ends included");
    }

    // With years given, a rule may simply be over.
    private static boolean neverComes(Recurrence recurrence) {
        return recurrence.days().years().isEmpty()
                && recurrence.atOrAfter(LocalDateTime.of(2000, 1, 1, 0, 0)).isEmpty();
    }

    /** As typed, but not endless. */
    static String quote(String found) {
        String text = found.length() <= QUOTED_LENGTH ? found : found.substring(0, QUOTED_LENGTH) + "…";
        return text.startsWith("\"") || text.startsWith("{") || text.startsWith("[") ? text : "'" + text + "'";
    }
}
