package dev.postern.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** One fault of each kind, every time the build runs. {@code -Dchaos.seed=…} or CHAOS_SEED takes another seed. */
class ChaosTest {

    private static final long SEED = 1;
    private static final int JOBS_PER_SECOND = 40;

    private static long seed() {
        String fromEnvironment = System.getenv().getOrDefault("CHAOS_SEED", Long.toString(SEED));
        return Long.getLong("chaos.seed", Long.parseLong(fromEnvironment));
    }

    @Test
    void everyRuleHoldsWhileEachKindOfFaultHappens() throws Exception {
        long seed = seed();
        System.out.println("chaos: seed " + seed);
        Path directory = Path.of(
                        "target",
                        "chaos",
                        "seed-" + seed + "-" + ProcessHandle.current().pid())
                .toAbsolutePath();
        ChaosRun.Settings settings = new ChaosRun.Settings(
                seed,
                JOBS_PER_SECOND,
                Duration.ofMinutes(2),
                directory,
                "mvn -pl chaos -am verify -Dchaos.seed=" + seed);
        try (ChaosRun run =
                new ChaosRun(settings, InstantSource.system(), line -> System.out.println("chaos: " + line))) {
            ChaosRun.Result result = run.breakTimes(FaultPlan.ROUND);
            System.out.println(result.report());
            assertThat(result.violations())
                    .as("seed %d; logs and history are in %s", seed, directory)
                    .isEmpty();
            Map<String, String> faults = result.figures().group("faults");
            assertThat(faults).containsKeys("kill", "rolling restart", "postgres immediate restart", "stall");
            assertThat(result.figures().group("at the end")).containsKeys("succeeded", "cancelled");
        }
    }
}
