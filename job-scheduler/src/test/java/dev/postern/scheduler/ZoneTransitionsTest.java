package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * Around every jump that any clock of the tz database makes from 2020 to 2030, the calendar's ticks are those that the
 * rules of docs/schedules.md name: none lost, none doubled. The rules are put here a second time, for each minute that a
 * wall clock would show without jumps.
 */
class ZoneTransitionsTest {

    private static final Instant FIRST = Instant.parse("2020-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("2031-01-01T00:00:00Z");
    private static final Duration AROUND = Duration.ofHours(30);

    /** How the hours of a rule are written decides what a jump means to it. */
    private enum Hours {
        EVERY,
        STEPS,
        FIXED
    }

    private record Sample(String cron, Hours hours, Predicate<LocalDateTime> matches) {}

    private static final List<Sample> SAMPLES = List.of(
            new Sample("30 * * * *", Hours.EVERY, at -> at.getMinute() == 30),
            new Sample("*/20 * * * *", Hours.EVERY, at -> at.getMinute() % 20 == 0),
            new Sample("15 */2 * * *", Hours.STEPS, at -> at.getMinute() == 15 && at.getHour() % 2 == 0),
            // Next to the jumps, on both sides.
            new Sample("0,59 * * * *", Hours.EVERY, at -> at.getMinute() % 59 == 0),
            new Sample("0,59 0-4 * * *", Hours.FIXED, at -> at.getMinute() % 59 == 0 && at.getHour() <= 4),
            new Sample("30 2 * * *", Hours.FIXED, at -> at.getMinute() == 30 && at.getHour() == 2),
            new Sample("10 0 * * *", Hours.FIXED, at -> at.getMinute() == 10 && at.getHour() == 0),
            new Sample("*/15 0-3 * * *", Hours.FIXED, at -> at.getMinute() % 15 == 0 && at.getHour() <= 3),
            new Sample(
                    "45 0,1,23 * * 0,6",
                    Hours.FIXED,
                    at -> at.getMinute() == 45
                            && (at.getHour() <= 1 || at.getHour() == 23)
                            && at.getDayOfWeek().getValue() >= 6));

    private final CronCalendar calendar = new CronCalendar();

    @Test
    void noTickIsLostAndNoneDoubledAtAnyTransitionFrom2020To2030() {
        int checked = 0;
        // Many names share one clock.
        Set<ZoneRules> known = new HashSet<>();
        Set<ZoneOffsetTransition> seen = new HashSet<>();
        for (String zone : new TreeSet<>(ZoneId.getAvailableZoneIds())) {
            ZoneRules rules = ZoneId.of(zone).getRules();
            if (!known.add(rules)) {
                continue;
            }
            for (ZoneOffsetTransition jump = rules.nextTransition(FIRST.minusSeconds(1));
                    jump != null && jump.getInstant().isBefore(LAST);
                    jump = rules.nextTransition(jump.getInstant())) {
                if (seen.add(jump) || isCloseToAnother(rules, jump)) {
                    for (Sample sample : SAMPLES) {
                        checkAround(zone, rules, jump, sample);
                    }
                    checked++;
                }
            }
        }
        assertThat(checked).isGreaterThan(300);
    }

    // Ramadan in Morocco: two jumps within weeks are still apart; were they not, the pair would have to be looked at.
    private static boolean isCloseToAnother(ZoneRules rules, ZoneOffsetTransition jump) {
        ZoneOffsetTransition next = rules.nextTransition(jump.getInstant());
        return next != null
                && Duration.between(jump.getInstant(), next.getInstant()).compareTo(AROUND) < 0;
    }

    private void checkAround(String zone, ZoneRules rules, ZoneOffsetTransition jump, Sample sample) {
        Instant from = jump.getInstant().minus(AROUND);
        Instant to = jump.getInstant().plus(AROUND);
        List<Instant> found = new ArrayList<>();
        ScheduleRule rule = calendar.read(
                new JsonObject().put("rule", sample.cron()).put("tz", zone).encode());
        for (Optional<Instant> tick = rule.after(from);
                tick.isPresent() && !tick.get().isAfter(to);
                tick = rule.after(tick.get())) {
            found.add(tick.get());
        }
        assertThat(found)
                .as("%s in %s around %s", sample.cron(), zone, jump)
                .containsExactlyElementsOf(expected(rules, from, to, sample));
        assertThat(found.isEmpty() ? null : rule.last(found.getFirst(), to))
                .as("last of %s in %s around %s", sample.cron(), zone, jump)
                .isEqualTo(found.isEmpty() ? null : found.getLast());
    }

    private static SortedSet<Instant> expected(ZoneRules rules, Instant from, Instant to, Sample sample) {
        SortedSet<Instant> ticks = new TreeSet<>();
        LocalDateTime end = LocalDateTime.ofInstant(to, ZoneOffset.UTC).plusDays(1);
        for (LocalDateTime at = LocalDateTime.ofInstant(from, ZoneOffset.UTC)
                        .minusDays(1)
                        .withSecond(0);
                at.isBefore(end);
                at = at.plusMinutes(1)) {
            if (sample.matches().test(at)) {
                ticks.addAll(instants(rules, at, sample.hours()));
            }
        }
        ticks.removeIf(tick -> !tick.isAfter(from) || tick.isAfter(to));
        return ticks;
    }

    private static List<Instant> instants(ZoneRules rules, LocalDateTime at, Hours hours) {
        List<ZoneOffset> offsets = rules.getValidOffsets(at);
        if (offsets.isEmpty()) {
            return hours == Hours.EVERY
                    ? List.of()
                    : List.of(rules.getTransition(at).getInstant());
        }
        return (hours == Hours.FIXED ? offsets.subList(0, 1) : offsets)
                .stream().map(at::toInstant).toList();
    }
}
