package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.sql.JobDatabase;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** add_scheduled_job refuses schedules of the wrong shape, and none that the scheduler can read. */
class ScheduleShapesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final CronCalendar calendar = new CronCalendar();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"nonsense\"                        | schedule_info: 'nonsense' has 1 fields; 5 (minute hour date month",
                "\"\"                                | schedule_info: '' has 0 fields",
                "{\"rule\": \"60 * * * *\"}          | schedule_info.rule: the minute is '60'; 0 to 59 are allowed",
                "{\"rule\": \"0 22-2 * * *\"}        | schedule_info.rule: the hour is '22-2'; the range 22-2 ends before",
                "\"*/0 * * * *\"                     | schedule_info: the minute is '*/0'; a step is at least 1",
                "\"0 0 L-3 * *\"                     | the day of the month is 'l-3'; 'l-3' is not understood",
                "\"0 0 * foo *\"                     | the month is 'foo'",
                "\"0 0 * * mo\"                      | the weekday is 'mo'",
                "\"61 * * * * *\"                    | the second is '61'",
                "\"1,,2 * * * *\"                    | the minute is '1,,2'; '' is not understood",
                "\"\\u0000\"                         | schedule_info holds what the database cannot keep",
                "\"2026-02-30T00:00:00Z\"            | schedule_info is \"2026-02-30T00:00:00Z\"; ISO 8601",
                "\"2026-02-03T25:00:00Z\"            | schedule_info is \"2026-02-03T25:00:00Z\"; ISO 8601",
                "99999999999999999999                | schedule_info is 99999999999999999999; ISO 8601",
                "[]                                  | schedule_info is []; a cron string, a date",
                "null                                | schedule_info is null",
                "true                                | schedule_info is true",
                "{\"rule\": null}                    | schedule_info.rule is null",
                "{\"rule\": {\"rule\": \"@daily\"}}  | schedule_info.rule has a rule within the rule",
                "{\"minutes\": 5}                    | schedule_info has the unknown key 'minutes'",
                "{\"rule\": {\"minutes\": 5}}        | schedule_info.rule has the unknown key 'minutes'",
                "{\"rule\": \"@daily\", \"zone\": 1} | schedule_info has the unknown key 'zone'",
                "{\"minute\": 60}                    | schedule_info.minute is 60; whole numbers from 0 to 59",
                "{\"minute\": \"5\"}                 | schedule_info.minute has \"5\"; a number, a list or a range",
                "{\"minute\": []}                    | schedule_info.minute is an empty list",
                "{\"minute\": [[1]]}                 | schedule_info.minute has [1]",
                "{\"hour\": 1.5}                     | schedule_info.hour is 1.5",
                "{\"hour\": {\"start\": 5, \"end\": 3}} | schedule_info.hour has a range that ends before it begins",
                "{\"hour\": {\"from\": 5}}           | schedule_info.hour has {\"from\": 5}",
                "{\"hour\": {\"start\": 5, \"step\": 0}} | schedule_info.hour.step is 0",
                "{\"rule\": {\"month\": 12}}         | schedule_info.rule.month is 12; whole numbers from 0 to 11",
                "{\"hour\": 1, \"tz\": \"Mars/Base\"} | schedule_info.tz is \"Mars/Base\"; the name of a time zone",
                "{\"rule\": {\"hour\": 1, \"tz\": 1.5}} | schedule_info.tz is 1.5",
                "{\"rule\": \"@daily\", \"start\": \"soon\"} | schedule_info.start is \"soon\"; ISO 8601",
                "{\"rule\": \"@daily\", \"end\": {}} | schedule_info.end is {}; ISO 8601",
            })
    void refusesTheWrongShapeAndNamesTheField(String schedule, String detail) {
        assertThatThrownBy(() -> add(schedule))
                .hasMessageContaining("PJ003")
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining(detail);
        assertThat(unreadable(schedule)).as("what the scheduler says").isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"*/5 * * * *\"",
                "\"  0 0  ? * SUN-tue,5L,1#2 \"",
                "\"0 0 L,1-5/2 jan-MAR *\"",
                "\"5/20 3 * * 7\"",
                "\"@hourly\"",
                "\"2026-11-22T03:00:00.500+17:30\"",
                "\"2026-11-22\"",
                "1795316400500",
                "{\"rule\": \"* * * * * *\", \"start\": null, \"end\": 1795316400500, \"tz\": \"europe/BERLIN\"}",
                "{\"rule\": \"* * * * * *\", \"start\": \"2026-11-22 03:00:00.5+00\", \"tz\": \"America/New_York\"}",
                "{\"recurs\": true, \"year\": null, \"month\": null, \"date\": null, \"dayOfWeek\": [0, {\"start\": 4, \"end\": 6,"
                        + " \"step\": 1}], \"hour\": {\"start\": 9, \"end\": 60, \"step\": 1}, \"minute\": 0, \"second\": 0,"
                        + " \"tz\": \"Europe/Berlin\"}",
            })
    void takesWhatNodeScheduleTakes(String schedule) {
        assertThat(unreadable(schedule)).isEmpty();
        assertThat(add(schedule)).isPositive();
    }

    @Test
    void takesAScheduleWithoutARuleWhichParks() {
        assertThat(add("{}")).isPositive();
        assertThat(unreadable("{}")).isPresent();
    }

    @Test
    void refusesNothingThatTheSchedulerReads() throws SQLException {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<String> wrong = new ArrayList<>();
        int readable = 0;
        int refused = 0;
        try (Connection connection = database.connect()) {
            for (int n = 0; n < 4000; n++) {
                String schedule = n % 2 == 0 ? Json.encode(cron(random)) : recurrence(random);
                Object refusal = refusal(connection, schedule);
                boolean reads = unreadable(schedule).isEmpty();
                readable += reads ? 1 : 0;
                refused += refusal == null ? 0 : 1;
                if (reads && refusal != null) {
                    wrong.add(schedule + ": " + refusal);
                }
            }
        }
        assertThat(wrong).as("seed %s", seed).isEmpty();
        assertThat(readable).isGreaterThan(400);
        assertThat(refused).isGreaterThan(400);
    }

    private static @Nullable Object refusal(Connection connection, String schedule) {
        return JobDatabase.rows(connection, "select app_jobs.schedule_refusal(?::json) as refusal", schedule)
                .getFirst()
                .get("refusal");
    }

    private static String cron(Random random) {
        if (random.nextInt(20) == 0) {
            return pick(random, "@daily", "@weekly", "@reboot", "2026-11-22", "2026-13-01", "2026-11-22 10:00");
        }
        List<String> fields = new ArrayList<>();
        int count = random.nextInt(20) == 0 ? random.nextInt(8) : 5 + random.nextInt(2);
        for (int n = 0; n < count; n++) {
            fields.add(field(random, n + 6 - count));
        }
        return String.join(random.nextInt(10) == 0 ? "  " : " ", fields);
    }

    private static String field(Random random, int index) {
        StringBuilder field = new StringBuilder(part(random, index));
        while (random.nextInt(5) == 0) {
            field.append(',').append(part(random, index));
        }
        return field.toString();
    }

    private static String part(Random random, int index) {
        if (random.nextInt(12) == 0) {
            return pick(
                    random, "?", "L", "W", "15W", "LW", "5L", "1#2", "1#9", "L-2", "*-5", "1-*", "friL", "mon#1", "-1",
                    "january", "monday", "*/x", "1/", "/5", "*/99", "0-0", "?/2", "H", "07", "sunL", "sun#1", "5-sun",
                    "sun-2/2", "#", "1.5", "7L", "7#1", "0#1");
        }
        String step = random.nextInt(4) == 0 ? "/" + random.nextInt(20) : "";
        return switch (random.nextInt(4)) {
            case 0 -> "*" + step;
            case 1 -> value(random, index) + "-" + value(random, index) + step;
            default -> value(random, index) + step;
        };
    }

    private static String value(Random random, int index) {
        if (random.nextInt(4) == 0 && index == 4) {
            return pick(random, "jan", "FEB", "Dec", "mon");
        }
        if (random.nextInt(4) == 0 && index == 5) {
            return pick(random, "sun", "MON", "Sat", "dec");
        }
        int[] most = {60, 60, 24, 32, 13, 8};
        return Integer.toString(random.nextInt(random.nextInt(4) == 0 ? 62 : most[Math.max(0, index)]));
    }

    private static String recurrence(Random random) {
        JsonObject rule = new JsonObject();
        for (String name : List.of("second", "minute", "hour", "date", "month", "year", "dayOfWeek")) {
            if (random.nextInt(3) == 0) {
                rule.put(name, recurrenceValue(random, name));
            }
        }
        if (random.nextInt(4) == 0) {
            rule.put(
                    "tz",
                    pick(random, "UTC", "Europe/Berlin", "Asia/Kathmandu", "+02:00", "UTC+2", "GMT-03:30", "Z", "x"));
        }
        if (random.nextInt(6) == 0) {
            rule.put("start", pick(random, "2026-01-01", "2026-01-01T00:00", "2026-01-01T00:00:00.5+02", "2026-1-1"));
        }
        return (random.nextBoolean() ? new JsonObject().put("rule", rule) : rule).encode();
    }

    private static @Nullable Object recurrenceValue(Random random, String name) {
        int number = name.equals("year") ? 2020 + random.nextInt(20) : random.nextInt(random.nextInt(3) == 0 ? 61 : 7);
        return switch (random.nextInt(8)) {
            case 0 -> null;
            case 1 -> List.of(number, recurrenceRange(random, number));
            case 2 -> recurrenceRange(random, number);
            case 3 -> random.nextInt(5) == 0 ? "5" : number * 1.0;
            default -> number;
        };
    }

    private static JsonObject recurrenceRange(Random random, int start) {
        JsonObject range = new JsonObject().put("start", start);
        if (random.nextBoolean()) {
            range.put("end", random.nextInt(3) == 0 ? 60 : start + random.nextInt(10) - 2);
        }
        return random.nextBoolean() ? range.put("step", random.nextInt(4)) : range;
    }

    private static String pick(Random random, String... values) {
        return values[random.nextInt(values.length)];
    }

    private Optional<String> unreadable(String schedule) {
        try {
            calendar.read(schedule);
            return Optional.empty();
        } catch (BadRuleException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static long add(String schedule) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, 'ping', '{}', ?::json)", JobDatabase.TENANT, schedule);
    }
}
