package dev.postern.service.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDirectory;
import dev.postern.sql.WorkerReport;
import dev.postern.sql.WorkerReport.Breaker;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How {@code ./postern status} speaks of workers and their targets. */
class WorkerLinesTest {

    private static final Duration NONE = Duration.ZERO;

    private static WorkerReport.Target target(Breaker breaker, Duration openFor, Duration pausedFor, int limit) {
        boolean closed = breaker == Breaker.CLOSED;
        return new WorkerReport.Target(
                List.of("export-report"),
                breaker,
                openFor,
                pausedFor,
                limit,
                3,
                closed ? 0 : 20,
                closed ? 0 : 18,
                closed ? null : "connection refused");
    }

    private static List<String> lines(Duration seenAgo, WorkerReport.Target... targets) {
        return WorkerLines.of(List.of(new JobDirectory.Worker(
                new WorkerReport("w1", Optional.empty(), 64, 5, Arrays.asList(targets)), seenAgo)));
    }

    @Test
    void namesEachWorkerAndWhatItTakes() {
        assertThat(lines(Duration.ofSeconds(4))).containsExactly("worker w1 (all tasks): 5 of 64 slots in use");
        assertThat(WorkerLines.of(List.of(new JobDirectory.Worker(
                        new WorkerReport("w2", Optional.of(List.of("a", "b")), 8, 0, List.of()), NONE))))
                .containsExactly("worker w2 (a, b): 0 of 8 slots in use");
        assertThat(WorkerLines.of(List.of())).containsExactly("no worker has reported");
    }

    @Test
    void saysHowLongABreakerStaysOpenAndWhy() {
        assertThat(lines(NONE, target(Breaker.OPEN, Duration.ofMillis(11_200), NONE, 32)))
                .contains("target export-report on worker w1: breaker open for another 12 s"
                        + " (18 of 20 calls failed: connection refused)");
    }

    @Test
    void saysThatTheNextCallDecides() {
        String half = "target export-report on worker w1: breaker half-open, the next call decides"
                + " (18 of 20 calls failed: connection refused)";
        assertThat(lines(NONE, target(Breaker.HALF_OPEN, NONE, NONE, 32))).contains(half);
        assertThat(lines(NONE, target(Breaker.OPEN, NONE, NONE, 32)))
                .as("its cool-down ended since the report")
                .contains(half);
    }

    @Test
    void saysWhatAPauseAndALimitAre() {
        assertThat(lines(NONE, target(Breaker.CLOSED, NONE, Duration.ofSeconds(30), 16)))
                .contains("target export-report on worker w1: limited to 16 of 64 calls at once, 3 in flight;"
                        + " paused for another 30 s, as it asked for");
        assertThat(lines(NONE, target(Breaker.CLOSED, NONE, NONE, 64)))
                .contains("target export-report on worker w1: pause over");
    }

    @Test
    void saysNothingOfTheTargetsOfAWorkerThatIsSilent() {
        assertThat(lines(Duration.ofSeconds(95), target(Breaker.OPEN, NONE, NONE, 1)))
                .containsExactly("worker w1 (all tasks): silent for 95 s, it was killed or cannot reach the database");
    }
}
