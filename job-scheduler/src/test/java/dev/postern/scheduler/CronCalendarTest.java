package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CronCalendarTest {

    /** A Sunday. */
    private static final Instant NOW = Instant.parse("2026-11-22T02:42:15.123456Z");

    private final CronCalendar calendar = new CronCalendar();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "*/5 * * * *          | 2026-11-22T02:45:00Z 2026-11-22T02:50:00Z 2026-11-22T02:55:00Z",
                "* * * * * *          | 2026-11-22T02:42:16Z 2026-11-22T02:42:17Z 2026-11-22T02:42:18Z",
                "30 0 12 * * *        | 2026-11-22T12:00:30Z 2026-11-23T12:00:30Z 2026-11-24T12:00:30Z",
                "0 */5,3 * * *        | 2026-11-22T03:00:00Z 2026-11-22T05:00:00Z 2026-11-22T10:00:00Z",
                "5/20 3 * * *         | 2026-11-22T03:05:00Z 2026-11-22T03:25:00Z 2026-11-22T03:45:00Z",
                "0,30 9-17/8 * * 1-5  | 2026-11-23T09:00:00Z 2026-11-23T09:30:00Z 2026-11-23T17:00:00Z",
                "0 0 * * 7            | 2026-11-29T00:00:00Z 2026-12-06T00:00:00Z 2026-12-13T00:00:00Z",
                "0 0 * * sun-TUE      | 2026-11-23T00:00:00Z 2026-11-24T00:00:00Z 2026-11-29T00:00:00Z",
                "0 0 * * fri-sun      | 2026-11-27T00:00:00Z 2026-11-28T00:00:00Z 2026-11-29T00:00:00Z",
                "0 0 * JAN,mar 1      | 2027-01-04T00:00:00Z 2027-01-11T00:00:00Z 2027-01-18T00:00:00Z",
                "0 0 13 * 5           | 2026-11-27T00:00:00Z 2026-12-04T00:00:00Z 2026-12-11T00:00:00Z",
                "0 0 1-31 * 5         | 2026-11-27T00:00:00Z 2026-12-04T00:00:00Z 2026-12-11T00:00:00Z",
                "0 0 ? * 5            | 2026-11-27T00:00:00Z 2026-12-04T00:00:00Z 2026-12-11T00:00:00Z",
                "0 0 L * *            | 2026-11-30T00:00:00Z 2026-12-31T00:00:00Z 2027-01-31T00:00:00Z",
                "0 0 * * 5L           | 2026-11-27T00:00:00Z 2026-12-25T00:00:00Z 2027-01-29T00:00:00Z",
                "0 0 * * 1#2          | 2026-12-14T00:00:00Z 2027-01-11T00:00:00Z 2027-02-08T00:00:00Z",
                "0 0 29 2 *           | 2028-02-29T00:00:00Z 2032-02-29T00:00:00Z 2036-02-29T00:00:00Z",
                "@daily               | 2026-11-23T00:00:00Z 2026-11-24T00:00:00Z 2026-11-25T00:00:00Z",
            })
    void readsCronStrings(String rule, String expected) {
        assertThat(ticks(text(rule), NOW, 3)).containsExactly(instants(expected));
        assertThat(ticks("{\"rule\": " + text(rule) + "}", NOW, 3)).containsExactly(instants(expected));
    }

    @Test
    void answersATickStrictlyAfterTheInstant() {
        assertThat(next(text("0 3 * * *"), Instant.parse("2026-11-22T03:00:00Z")))
                .contains(Instant.parse("2026-11-23T03:00:00Z"));
        assertThat(next(text("0 3 * * *"), Instant.parse("2026-11-22T02:59:59.999999Z")))
                .contains(Instant.parse("2026-11-22T03:00:00Z"));
    }

    @Test
    void keepsToStartAndEndBothIncluded() {
        String rule = "{\"rule\": \"*/5 * * * *\", \"start\": \"2026-11-22T03:00:00+00:00\","
                + " \"end\": \"2026-11-22 04:10:00+01\"}";

        assertThat(ticks(rule, NOW, 9))
                .containsExactly(instants("2026-11-22T03:00:00Z 2026-11-22T03:05:00Z 2026-11-22T03:10:00Z"));
    }

    @Test
    void takesTheNextSecondAfterAStartWithinOne() {
        assertThat(next("{\"rule\": \"* * * * * *\", \"start\": \"2026-11-22T02:50:15.123456+00:00\"}", NOW))
                .contains(Instant.parse("2026-11-22T02:50:16Z"));
    }

    @Test
    void takesBoundsAsMillisecondsAndNullAsNone() {
        long start = Instant.parse("2026-11-22T05:00:00Z").toEpochMilli();

        assertThat(ticks("{\"rule\": \"0 * * * *\", \"start\": " + start + ", \"end\": null, \"tz\": null}", NOW, 2))
                .containsExactly(instants("2026-11-22T05:00:00Z 2026-11-22T06:00:00Z"));
    }

    @Test
    void readsTheRecurrenceObjectOfThePublishedTests() {
        String hours = "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22]";
        String rule = "{\"hour\": " + hours + ", \"minute\": [0,15,30,45], \"dayOfWeek\": [0,1,2,3,4,5]}";

        assertThat(ticks(rule, NOW, 2)).containsExactly(instants("2026-11-22T02:45:00Z 2026-11-22T03:00:00Z"));
        assertThat(ticks(rule, Instant.parse("2026-11-27T22:45:00Z"), 1))
                .containsExactly(instants("2026-11-29T00:00:00Z"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"minute\": 42}                                   | 2026-11-22T03:42:00Z 2026-11-22T04:42:00Z",
                "{\"second\": null, \"minute\": 0, \"hour\": 3}     | 2026-11-22T03:00:00Z 2026-11-22T03:00:01Z",
                "{\"second\": {\"start\": 0, \"end\": 40, \"step\": 20}, \"hour\": 3, \"minute\": 5}"
                        + " | 2026-11-22T03:05:00Z 2026-11-22T03:05:20Z",
                "{\"month\": 0, \"date\": 1, \"hour\": 0, \"minute\": 0} | 2027-01-01T00:00:00Z 2028-01-01T00:00:00Z",
                "{\"date\": 13, \"dayOfWeek\": 5, \"hour\": 0, \"minute\": 0}"
                        + " | 2027-08-13T00:00:00Z 2028-10-13T00:00:00Z",
                "{\"year\": [2031, 2030], \"month\": 0, \"date\": 1, \"hour\": 0, \"minute\": 0}"
                        + " | 2030-01-01T00:00:00Z 2031-01-01T00:00:00Z",
                "{\"hour\": [{\"start\": 9, \"end\": 10}, 17], \"minute\": 0} | 2026-11-22T09:00:00Z 2026-11-22T10:00:00Z",
                "{\"hour\": 9, \"minute\": 0, \"tz\": \"Asia/Tokyo\", \"recurs\": true}"
                        + " | 2026-11-23T00:00:00Z 2026-11-24T00:00:00Z",
                "{\"rule\": {\"hour\": 9, \"minute\": 0}, \"tz\": \"Asia/Tokyo\", \"start\": \"2026-12-01\"}"
                        + " | 2026-12-01T00:00:00Z 2026-12-02T00:00:00Z",
            })
    void readsRecurrenceObjects(String rule, String expected) {
        assertThat(ticks(rule, NOW, 2)).containsExactly(instants(expected));
    }

    @Test
    void findsNoTickInYearsThatAreOver() {
        assertThat(next("{\"year\": 2020, \"hour\": 0}", NOW)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"2026-11-22T03:00:00.5Z\"",
                "\"2026-11-22T04:00:00.500+01:00\"",
                "\"2026-11-22 03:00:00.500+00\"",
                "\"2026-11-22T03:00:00.5\"",
                "1795316400500",
                "{\"rule\": 1795316400500}",
                "{\"rule\": \"2026-11-22T12:00:00.5\", \"tz\": \"Asia/Tokyo\"}",
            })
    void isDueOnceAtADate(String rule) {
        assertThat(ticks(rule, NOW, 2)).containsExactly(Instant.parse("2026-11-22T03:00:00.500Z"));
    }

    @Test
    void keepsNoMoreOfADateThanTheDatabaseDoes() {
        Instant tick = next("\"2026-11-22T03:00:00.123456789Z\"", NOW).orElseThrow();

        assertThat(tick).isEqualTo("2026-11-22T03:00:00.123456Z");
        assertThat(next("\"2026-11-22T03:00:00.123456789Z\"", tick)).isEmpty();
    }

    // Berlin: 2026-03-29 02:00 CET becomes 03:00 CEST. New York: 2026-03-08 02:00 EST becomes 03:00 EDT.
    @ParameterizedTest
    @CsvSource({
        "Europe/Berlin,    30 2 * * *,    2026-03-28T02:30+01:00 2026-03-29T03:00+02:00 2026-03-30T02:30+02:00",
        "Europe/Berlin,    */15 2 * * *,  2026-03-28T02:45+01:00 2026-03-29T03:00+02:00 2026-03-30T02:00+02:00",
        "Europe/Berlin,    0 2-3 * * *,   2026-03-28T03:00+01:00 2026-03-29T03:00+02:00 2026-03-30T02:00+02:00",
        "Europe/Berlin,    0 3 * * *,     2026-03-28T03:00+01:00 2026-03-29T03:00+02:00 2026-03-30T03:00+02:00",
        "Europe/Berlin,    30 * * * *,    2026-03-29T01:30+01:00 2026-03-29T03:30+02:00 2026-03-29T04:30+02:00",
        "Europe/Berlin,    30 2 29 3 *,   2025-03-29T02:30+01:00 2026-03-29T03:00+02:00 2027-03-29T02:30+02:00",
        "America/New_York, 30 2 * * *,    2026-03-07T02:30-05:00 2026-03-08T03:00-04:00 2026-03-09T02:30-04:00",
        "America/New_York, */20 * * * *,  2026-03-08T01:40-05:00 2026-03-08T03:00-04:00 2026-03-08T03:20-04:00",
        "Africa/Cairo,     0 0 * * *,     2026-04-23T00:00+02:00 2026-04-24T01:00+03:00 2026-04-25T00:00+03:00",
    })
    void runsOnceAfterAGapWhatTheGapLeftOut(String zone, String cron, String expected) {
        assertTicks(zone, cron, expected);
    }

    // Berlin: 2026-10-25 03:00 CEST becomes 02:00 CET. New York: 2026-11-01 02:00 EDT becomes 01:00 EST.
    @ParameterizedTest
    @CsvSource({
        "Europe/Berlin,    30 2 * * *,    2026-10-24T02:30+02:00 2026-10-25T02:30+02:00 2026-10-26T02:30+01:00",
        "Europe/Berlin,    */30 2 * * *,  2026-10-25T02:00+02:00 2026-10-25T02:30+02:00 2026-10-26T02:00+01:00",
        "Europe/Berlin,    0 2-3 * * *,   2026-10-25T02:00+02:00 2026-10-25T03:00+01:00 2026-10-26T02:00+01:00",
        "Europe/Berlin,    30 * * * *,    2026-10-25T02:30+02:00 2026-10-25T02:30+01:00 2026-10-25T03:30+01:00",
        "Europe/Berlin,    0 */2 * * *,   2026-10-25T02:00+02:00 2026-10-25T02:00+01:00 2026-10-25T04:00+01:00",
        "America/New_York, 0 1 * * *,     2026-11-01T01:00-04:00 2026-11-02T01:00-05:00 2026-11-03T01:00-05:00",
        "America/New_York, */30 * * * *,  2026-11-01T01:30-04:00 2026-11-01T01:00-05:00 2026-11-01T01:30-05:00",
    })
    void runsFixedHoursOnceAndWildcardsTwiceInAnOverlap(String zone, String cron, String expected) {
        assertTicks(zone, cron, expected);
    }

    @Test
    void answersTheSameAroundAJumpWhereverItStarts() {
        for (String zone : List.of("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo")) {
            for (String cron : List.of("30 2 * * *", "*/7 1-2 * * *", "15 * * * *", "0 */2 * * *", "45 0,1,3 * * *")) {
                assertSameFromEveryQuarterHour(zone, cron);
            }
        }
    }

    private void assertSameFromEveryQuarterHour(String zone, String cron) {
        Instant jump = NOW.minusSeconds(365 * 86_400);
        for (int jumps = 0; jumps < 2; jumps++) {
            jump = ZoneId.of(zone).getRules().nextTransition(jump).getInstant();
            Instant from = jump.minusSeconds(86_400);
            Optional<Instant> tick = next(rule(zone, cron), from);
            for (Instant at = from; at.isBefore(jump.plusSeconds(86_400)); at = at.plusSeconds(900)) {
                while (!tick.orElseThrow().isAfter(at)) {
                    tick = next(rule(zone, cron), tick.orElseThrow());
                }
                assertThat(next(rule(zone, cron), at))
                        .as("%s %s after %s", zone, cron, at)
                        .isEqualTo(tick);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"nonsense\"                        | 'nonsense': found 1 fields, expected 5",
                "\"\"                                | found 0 fields, expected 5",
                "\"60 * * * *\"                      | Value 60 not in range [0, 59]",
                "\"0 22-2 * * *\"                    | Invalid range! [22,2]",
                "\"*/0 * * * *\"                     | Period 0",
                "\"0 0 L-3 * *\"                     | only 'L' is",
                "\"0 0 5L * *\"                       | only 'L' is",
                "\"0 0 * * L\"                       | '5L' or '1#2'",
                "\"0 0 * * 1#6\"                     | '5L' or '1#2'",
                "\"0 0 30 2 *\"                      | names a day that never comes",
                "\"2026-02-30T00:00:00Z\"            | cannot read the date: found '2026-02-30T00:00:00Z', expected ISO 8601",
                "99999999999999999999                | cannot read the date",
                "{}                                  | found {}, which says nothing of when",
                "[]                                  | found [], expected a cron string",
                "null                                | found null, expected a cron string",
                "true                                | found 'true', expected a cron string",
                "{\"rule\": null}                    | found null, expected a cron string",
                "{\"rule\": {\"rule\": \"@daily\"}}  | a rule within a rule",
                "{\"minutes\": 5}                    | unknown key 'minutes'",
                "{\"rule\": \"@daily\", \"zone\": 1} | unknown key 'zone'",
                "{\"minute\": 60}                    | cannot read minute: found '60', expected a number from 0 to 59",
                "{\"minute\": \"5\"}                 | cannot read minute: found \"5\", expected a number from 0 to 59",
                "{\"minute\": []}                    | cannot read minute: found []",
                "{\"hour\": 1.5}                     | cannot read hour: found '1.5'",
                "{\"hour\": {\"start\": 5, \"end\": 3}} | cannot read hour",
                "{\"hour\": {\"from\": 5}}           | cannot read hour",
                "{\"month\": 12}                     | cannot read month: found '12', expected a number from 0 to 11",
                "{\"month\": 1, \"date\": 30}        | names a day that never comes",
                "{\"hour\": 1, \"tz\": \"Mars/Base\"} | cannot read tz: found 'Mars/Base'",
                "{\"rule\": \"@daily\", \"start\": \"soon\"} | cannot read start: found 'soon', expected ISO 8601",
                "{\"rule\": \"@daily\", \"start\": \"2026-12-02\", \"end\": \"2026-12-01\"} | ends at"
                        + " 2026-12-01T00:00:00Z, before it starts at 2026-12-02T00:00:00Z",
            })
    void saysWhatItFoundAndWhatItExpected(String rule, String message) {
        assertThatThrownBy(() -> next(rule, NOW))
                .isInstanceOf(BadRuleException.class)
                .hasMessageContaining(message);
    }

    @Test
    void putsNothingIntoAMessageThatTheDatabaseCannotStore() {
        assertThatThrownBy(() -> next("\"\\u0000 * * * *\"", NOW))
                .isInstanceOf(BadRuleException.class)
                .message()
                .doesNotContain("\0");
    }

    private void assertTicks(String zone, String cron, String expected) {
        List<ZonedDateTime> moments =
                List.of(expected.split(" ")).stream().map(ZonedDateTime::parse).toList();
        List<String> ticks = ticks(
                        rule(zone, cron), moments.getFirst().toInstant().minusSeconds(1), 3)
                .stream()
                .map(tick -> tick.atZone(ZoneId.of(zone)).toOffsetDateTime().toString())
                .toList();
        assertThat(ticks).containsExactly(expected.split(" "));
    }

    private List<Instant> ticks(String rule, Instant after, int most) {
        List<Instant> ticks = new ArrayList<>();
        Optional<Instant> tick = next(rule, after);
        while (tick.isPresent() && ticks.size() < most) {
            ticks.add(tick.get());
            tick = next(rule, tick.get());
        }
        return ticks;
    }

    private Optional<Instant> next(String rule, Instant after) {
        return calendar.read(rule).after(after);
    }

    private static String rule(String zone, String cron) {
        return new JsonObject().put("rule", cron).put("tz", zone).encode();
    }

    private static String text(String cron) {
        return "\"" + cron + "\"";
    }

    private static Instant[] instants(String text) {
        return List.of(text.split(" ")).stream().map(Instant::parse).toArray(Instant[]::new);
    }
}
