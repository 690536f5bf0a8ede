package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MissedTicksTest {

    private static final Instant NINE = Instant.parse("2026-11-22T09:00:00Z");

    private final CronCalendar calendar = new CronCalendar();
    private final MissedTicks missedTicks = new MissedTicks(Duration.ofMinutes(1));

    @Test
    void takesATickThatIsOnTimeWhateverThePolicy() {
        for (Schedule.MissedTicks policy : Schedule.MissedTicks.values()) {
            assertThat(choose(policy, "0 * * * *", NINE, NINE.plusSeconds(60)))
                    .as("%s", policy)
                    .isEqualTo(new MissedTicks.Choice(Optional.of(NINE), Optional.of(NINE.plusSeconds(3600)), 0));
        }
    }

    @Test
    void skipTakesNoneThatIsLate() {
        assertThat(choose(Schedule.MissedTicks.SKIP, "0 * * * *", NINE, NINE.plusSeconds(2 * 3600 + 61)))
                .isEqualTo(new MissedTicks.Choice(Optional.empty(), Optional.of(NINE.plusSeconds(3 * 3600)), 3));
        assertThat(choose(Schedule.MissedTicks.SKIP, "0 * * * *", NINE, NINE.plusSeconds(2 * 3600 + 60)))
                .isEqualTo(new MissedTicks.Choice(
                        Optional.of(NINE.plusSeconds(2 * 3600)), Optional.of(NINE.plusSeconds(3 * 3600)), 2));
    }

    @Test
    void latestTakesTheLastOneAndPassesOverTheOthers() {
        assertThat(choose(Schedule.MissedTicks.LATEST, "0 * * * *", NINE, NINE.plusSeconds(5 * 3600 + 1800)))
                .isEqualTo(new MissedTicks.Choice(
                        Optional.of(NINE.plusSeconds(5 * 3600)), Optional.of(NINE.plusSeconds(6 * 3600)), 5));
    }

    @Test
    void latestTakesADateLate() {
        assertThat(choose(Schedule.MissedTicks.LATEST, "\"2026-11-22T09:00:00Z\"", NINE, NINE.plusSeconds(86_400)))
                .isEqualTo(new MissedTicks.Choice(Optional.of(NINE), Optional.empty(), 0));
    }

    @Test
    void allTakesOneAfterTheOtherAndNoMoreThanItsBound() {
        Instant now = NINE.plusSeconds(9 * 3600 + 1);
        assertThat(choose(Schedule.MissedTicks.ALL, "0 * * * *", NINE.plusSeconds(7 * 3600), now))
                .isEqualTo(new MissedTicks.Choice(
                        Optional.of(NINE.plusSeconds(7 * 3600)), Optional.of(NINE.plusSeconds(8 * 3600)), 0));

        List<Instant> taken = new ArrayList<>();
        int passedOver = 0;
        for (Instant planned = NINE; !planned.isAfter(now); ) {
            MissedTicks.Choice choice = choose(Schedule.MissedTicks.ALL, "0 * * * *", planned, now);
            taken.add(choice.tick().orElseThrow());
            passedOver += choice.passedOver();
            planned = choice.next().orElseThrow();
        }
        assertThat(taken)
                .containsExactly(NINE.plusSeconds(7 * 3600), NINE.plusSeconds(8 * 3600), NINE.plusSeconds(9 * 3600));
        assertThat(passedOver).isEqualTo(7);
    }

    @Test
    void countsTheTicksOfALongRestNoFurtherThanIsWorthIt() {
        MissedTicks.Choice choice =
                choose(Schedule.MissedTicks.LATEST, "* * * * * *", NINE, NINE.plusSeconds(365 * 86_400));
        assertThat(choice.tick()).contains(NINE.plusSeconds(365 * 86_400));
        assertThat(choice.passedOver()).isEqualTo(MissedTicks.COUNTED);
    }

    @Test
    void findsTheLastTickWhereCountingFindsIt() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (String cron : List.of("*/7 * * * * *", "13 */5 * * *", "0 3 * * *", "30 12 1 * *", "0 0 29 2 *")) {
            ScheduleRule rule = calendar.read("\"" + cron + "\"");
            for (int n = 0; n < 200; n++) {
                Instant first =
                        rule.after(NINE.plusSeconds(random.nextInt(40_000_000))).orElseThrow();
                Instant to = first.plusMillis(random.nextLong(n % 2 == 0 ? 5_000_000L : 2_000_000_000L));
                Instant last = first;
                for (Optional<Instant> tick = rule.after(first);
                        tick.isPresent() && !tick.get().isAfter(to);
                        tick = rule.after(tick.get())) {
                    last = tick.get();
                }
                assertThat(rule.last(first, to))
                        .as("%s from %s to %s, seed %s", cron, first, to, seed)
                        .isEqualTo(last);
            }
        }
    }

    private MissedTicks.Choice choose(Schedule.MissedTicks policy, String rule, Instant planned, Instant now) {
        String json = rule.startsWith("\"") ? rule : "\"" + rule + "\"";
        return missedTicks.choose(new Schedule(1, "ping", json, planned, now, policy, 3), calendar.read(json));
    }
}
