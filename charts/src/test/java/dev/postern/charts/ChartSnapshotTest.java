package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the chart renders, whole, so that a change of a template is seen in what it changes. {@code mvn -pl charts test
 * -Dtest=ChartSnapshotTest -Dsnapshots=write} writes the files anew: read their diff before you commit it.
 */
class ChartSnapshotTest {

    private static final Path SNAPSHOTS = Path.of("src", "test", "snapshots");

    @ParameterizedTest
    @EnumSource
    void rendersAsReviewed(ChartValues values, @TempDir Path scratch) throws IOException {
        String rendered = withoutDashboard(new Chart(scratch).text(values.yaml()));
        Path file = SNAPSHOTS.resolve(values.name().toLowerCase(java.util.Locale.ROOT) + ".yaml");
        if ("write".equals(System.getProperty("snapshots"))) {
            Files.createDirectories(SNAPSHOTS);
            Files.writeString(file, rendered);
        }
        assertThat(file).as("write it with -Dsnapshots=write").exists();
        assertThat(rendered).as("against %s", file).isEqualTo(Files.readString(file));
    }

    // It is a file of the chart and would only be repeated here.
    private static String withoutDashboard(String rendered) {
        StringBuilder rest = new StringBuilder();
        boolean within = false;
        for (String line : rendered.split("\n", -1)) {
            within = line.equals("  postern.json: |") || within && line.startsWith("    ");
            if (!within) {
                rest.append(line).append('\n');
            }
        }
        return rest.toString();
    }
}
