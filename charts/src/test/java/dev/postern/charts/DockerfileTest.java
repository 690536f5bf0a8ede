package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The image of the job service keeps what the chart and the compose file count on. */
class DockerfileTest {

    private static final Path DIRECTORY = Path.of("..", "job-service");

    private final StrictYaml yaml = new StrictYaml();

    @Test
    void runsAsANumberedUserThatTheChartAlsoUses() throws IOException {
        String user = yaml.tree(Files.readString(Chart.SOURCE.resolve("values.yaml")))
                .path("runAsUser")
                .asText();

        assertThat(instruction("USER")).containsExactly(user + ":" + user);
    }

    @Test
    void makesJavaProcessOneAndServesByDefault() throws IOException {
        // The exec form is a JSON array; a shell form would not parse, and would not pass SIGTERM on.
        assertThat(yaml.tree(instruction("ENTRYPOINT").getFirst()))
                .extracting(argument -> argument.asText())
                .startsWith("java")
                .endsWith("-jar", "job-service.jar");
        assertThat(instruction("CMD")).containsExactly("[\"serve\"]");
        assertThat(instruction("STOPSIGNAL")).containsExactly("SIGTERM");
    }

    @Test
    void exposesThePortsOfCallbackHealthAndMetrics() throws IOException {
        assertThat(instruction("EXPOSE")).containsExactly("8080 8081 12345");
    }

    @Test
    void copiesOnlyWhatReachesTheBuildContext() throws IOException {
        List<String> context = Files.readAllLines(DIRECTORY.resolve(".dockerignore"));

        assertThat(context).contains("*");
        assertThat(instruction("COPY"))
                .hasSize(2)
                .allSatisfy(copy -> assertThat(context)
                        .contains("!" + copy.substring(0, copy.indexOf(' ')).replaceFirst("/$", "")));
    }

    private static List<String> instruction(String name) throws IOException {
        return Files.readAllLines(DIRECTORY.resolve("Dockerfile")).stream()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.substring(name.length() + 1))
                .toList();
    }
}
