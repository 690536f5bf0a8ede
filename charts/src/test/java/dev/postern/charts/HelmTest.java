package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A second opinion: whoever installs the chart has another Helm than the one within helm-java. Skipped where there is none;
 * {@code .ci/helm} fetches one.
 */
class HelmTest {

    private final StrictYaml yaml = new StrictYaml();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path scratch;

    @ParameterizedTest
    @EnumSource
    void rendersTheSame(ChartValues values) throws Exception {
        String other = Tool.run(
                scratch,
                "helm",
                "template",
                "acme",
                Chart.SOURCE.toString(),
                "--namespace=jobs",
                "--kube-version=" + Chart.KUBERNETES,
                "--values=" + file(values));

        assertThat(yaml.trees(other))
                .containsExactlyInAnyOrderElementsOf(yaml.trees(new Chart(scratch).text(values.yaml())));
    }

    @ParameterizedTest
    @EnumSource
    void hasNothingToSayOnceThereAreValues(ChartValues values) throws Exception {
        Tool.run(scratch, "helm", "lint", "--strict", Chart.SOURCE.toString(), "--values=" + file(values));
    }

    private Path file(ChartValues values) throws IOException {
        return Files.writeString(Files.createTempFile(scratch, "values", ".yaml"), values.yaml());
    }
}
