package dev.postern.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every fault once, in every build, by the command itself. {@code -Dchaos.seed=7} takes another seed than 1. */
@Tag("short-run")
class ShortRunTest {

    private static final int ONE_ROUND = FaultPlan.ROUND;

    @Test
    void everyRuleHoldsWhileEveryKindOfFaultHappens() throws IOException, InterruptedException {
        Path target = Path.of("target").toAbsolutePath();
        Path jar = target.resolve("chaos.jar");
        assertThat(jar).as("made by the package phase: run 'mvn verify'").exists();
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-jar",
                jar.toString(),
                "--faults=" + ONE_ROUND,
                "--seed=" + System.getProperty("chaos.seed", "1"),
                "--jobs-per-second=40",
                // The machine may be busy with other builds; how fast it is is not the question here.
                "--grace=120");
        builder.environment().put("POSTERN_HOME", target.toString());
        Process chaos = builder.redirectErrorStream(true).start();
        List<String> output = new ArrayList<>();
        try (BufferedReader lines = chaos.inputReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(line -> {
                System.out.println("chaos: " + line);
                output.add(line);
            });
            assertThat(chaos.waitFor()).isZero();
        } finally {
            chaos.destroy();
        }
        assertThat(output).contains("every rule held");
        for (FaultKind kind : FaultPlan.KINDS) {
            assertThat(output)
                    .as("figures of %s", kind)
                    .anyMatch(line -> line.matches(" {2}" + kind.word() + " +[1-9][0-9]*"));
        }
    }
}
