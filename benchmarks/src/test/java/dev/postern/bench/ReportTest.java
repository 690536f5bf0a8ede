package dev.postern.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

    private static final Path CHECKOUT = Path.of("..");

    @Test
    void theTableShowsMedianSpreadTargetAndVerdict() {
        Report report = report();

        assertThat(report.table())
                .containsPattern("Postern / pg-boss +1.10 × +0.90–1.30 +≥ 1.00 \\(goal 1.2\\) +met")
                .containsPattern("receipt, p99 +30.0 ms +≤ 25.0 +missed by 20 %")
                .contains("note: no peers")
                .contains("1 of 2 targets met");
    }

    @Test
    void theJsonHasEveryTurn() throws IOException {
        JsonNode first = new ObjectMapper().readTree(report().json()).at("/figures/1");

        assertThat(first.at("/name").asText()).isEqualTo("Postern / pg-boss");
        assertThat(first.at("/turns")).hasSize(3);
        assertThat(first.at("/met").asBoolean()).isTrue();
    }

    @Test
    void thePlotIsXmlWithABarForEachRate() throws Exception {
        String plot = Plot.of(report().figures().all());

        var document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(plot.getBytes(StandardCharsets.UTF_8)));
        // The ground, the rate, the latency.
        assertThat(document.getElementsByTagName("rect").getLength()).isEqualTo(3);
    }

    @Test
    void aWorkerGetsTheFlagsOfTheImage(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("Dockerfile"), """
                FROM x
                ENTRYPOINT ["java", "-XX:+UseSerialGC", "-XX:MaxRAMPercentage=75", "-XX:AOTCache=/opt/x.aot", "--a=b", "-jar", "x.jar"]
                """);

        assertThat(Postern.flags(file)).containsExactly("-XX:+UseSerialGC", "-XX:MaxRAMPercentage=75", "--a=b");
        assertThat(Postern.flags(CHECKOUT.resolve("job-service/Dockerfile"))).isNotEmpty();
    }

    @Test
    void theInsertIntoTheHistoryIsFoundInTheFunctionThatIsCompared() throws IOException {
        String function = Files.readString(CHECKOUT.resolve("sql/functions/R__finish_jobs.sql"));

        assertThat(function).contains("insert into ${schema}.job_history");
        assertThat(HistoryPart.without(function))
                .doesNotContain("insert into ${schema}.job_history")
                .contains("waiting as (", "completed as (");
        assertThatThrownBy(() -> HistoryPart.without("select 1")).isInstanceOf(BenchException.class);
    }

    @Test
    void processorTimeIsReadBehindANameWithBlanks() {
        String stat = "7 (a b) c) S 1 7 7 0 -1 4194304 1 2 3 4 11 22 33 44 20 0 1 0";

        assertThat(Proc.ticks(stat, 2)).isEqualTo(33);
        assertThat(Proc.ticks(stat, 4)).isEqualTo(110);
    }

    private static Report report() {
        Figures figures = new Figures();
        figures.add("throughput", "Postern", "jobs/s", Series.of(10_000, 11_000, 12_000));
        figures.add(
                "throughput",
                "Postern / pg-boss",
                "×",
                Series.of(0.9, 1.1, 1.3),
                Target.atLeast(1).noting("goal 1.2"));
        figures.add("steady load", "commit to receipt, p99", "ms", Series.of(30), Target.atMost(25));
        figures.note("no peers");
        return new Report(figures, Map.of("commit", "abc"), Instant.EPOCH, Size.quick(3));
    }
}
