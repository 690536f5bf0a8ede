package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A program on the PATH, asked for its opinion. {@code .ci/helm} and {@code .ci/promtool} fetch those that are not there. */
final class Tool {

    private Tool() {}

    /** What it printed; the test fails with that when the program is not content, and is skipped where there is none. */
    static String run(Path scratch, String program, String... arguments) throws IOException, InterruptedException {
        assumeTrue(
                Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
                        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program))),
                program + " is not on the PATH, and nobody asks it");
        Path out = Files.createTempFile(scratch, program, ".out");
        ProcessBuilder builder = new ProcessBuilder(
                        Stream.concat(Stream.of(program), Stream.of(arguments)).toList())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile());
        builder.environment().put("KUBECONFIG", "/dev/null");
        Process process = builder.start();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        String said = Files.readString(out);
        assertThat(process.exitValue()).as("%s", said).isZero();
        return said;
    }
}
