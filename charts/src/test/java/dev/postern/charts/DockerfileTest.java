package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.knative.serving.v1.Service;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The images keep what the chart and the compose file count on. */
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

    /** What each function's module has to have, so that all of them can be deployed alike. */
    @Test
    void everyFunctionHasAnImageThatRunsItsJarAsANumberedUser() throws IOException {
        List<Path> functions;
        try (Stream<Path> modules = Files.list(Path.of("..", "functions"))) {
            functions = modules.filter(DockerfileTest::runs).sorted().toList();
        }

        assertThat(functions).hasSizeGreaterThan(4);
        for (Path function : functions) {
            String jar = function.getFileName() + ".jar";
            assertThat(instruction(function, "USER")).as("%s", function).containsExactly("10001:10001");
            assertThat(instruction(function, "COPY"))
                    .as("%s", function)
                    .containsExactly("target/lib/ lib/", "target/" + jar + " " + jar);
            assertThat(yaml.tree(instruction(function, "ENTRYPOINT").getFirst()))
                    .as("%s", function)
                    .extracting(argument -> argument.asText())
                    .startsWith("java")
                    .endsWith("-jar", jar);
            // The cache is made of the files that are run, and by the JVM that runs them.
            if (!function.endsWith("graphql-stand-in")) {
                assertThat(instruction(function, "RUN"))
                        .as("%s", function)
                        .contains("java -XX:AOTCacheOutput=app.aot -Dpostern.rehearsal=true -jar " + jar);
                assertThat(instruction(function, "ENTRYPOINT").getFirst())
                        .as("%s", function)
                        .contains("\"-XX:AOTCache=app.aot\"");
            }
            assertThat(instruction(function, "ENV"))
                    .as("%s", function)
                    .containsExactly("PORT=" + instruction(function, "EXPOSE").getFirst());
        }
    }

    @Test
    void everyManifestBesideAnImageIsOneThatKnativeTakes() throws IOException {
        List<Path> manifests;
        try (Stream<Path> modules = Files.list(Path.of("..", "functions"))) {
            manifests = modules.map(module -> module.resolve("knative.yaml"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        }

        assertThat(manifests).hasSizeGreaterThan(4);
        for (Path manifest : manifests) {
            String function = manifest.getName(manifest.getNameCount() - 2).toString();
            assertThat(yaml.manifests(Files.readString(manifest)))
                    .as("%s", manifest)
                    .singleElement()
                    .isInstanceOfSatisfying(Service.class, service -> {
                        assertThat(service.getMetadata().getName()).isEqualTo(function);
                        assertThat(service.getSpec()
                                        .getTemplate()
                                        .getSpec()
                                        .getContainers()
                                        .getFirst()
                                        .getImage())
                                .isEqualTo("postern/" + function);
                    });
        }
    }

    private static boolean runs(Path module) {
        if (!Files.isDirectory(module.resolve("src/main/java"))) {
            return false;
        }
        try (Stream<Path> files = Files.walk(module.resolve("src/main/java"))) {
            return files.anyMatch(file -> file.endsWith("Main.java"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> instruction(String name) throws IOException {
        return instruction(DIRECTORY, name);
    }

    private static List<String> instruction(Path directory, String name) throws IOException {
        return Files.readAllLines(directory.resolve("Dockerfile")).stream()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.substring(name.length() + 1))
                .toList();
    }
}
