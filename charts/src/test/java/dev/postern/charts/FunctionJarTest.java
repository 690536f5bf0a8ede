package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.runtime.FunctionJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the images run: each packaged jar starts on its libraries beside it, is healthy, and ends when it is asked to. */
class FunctionJarTest {

    private static final Path FUNCTIONS = Path.of("..", "functions");

    /** With the least that each has to be told; none of it is reached. */
    private static final Map<String, Map<String, String>> SETTINGS = new TreeMap<>(Map.of(
            "deliver-webhook",
            Map.of("DELIVER_WEBHOOK_SECRETS", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
            "export-report",
            Map.of("EXPORT_DIR", "target/exports", "DATABASE_URL", "postgres://postern@127.0.0.1:1/postern"),
            "graphql-stand-in",
            Map.of(),
            "passport",
            Map.of("PASSPORT_MIGRATE", "false", "DATABASE_URL", "postgres://postern@127.0.0.1:1/postern"),
            "requests-reminder",
            Map.of(),
            "send-email-link",
            Map.of("SEND_EMAIL_LINK_DRY_RUN", "true", "GRAPHQL_URL", "http://127.0.0.1:1/graphql"),
            "simple-email",
            Map.of("SIMPLE_EMAIL_DRY_RUN", "true"),
            "system-ping",
            Map.of()));

    private static Stream<String> functions() {
        return SETTINGS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("functions")
    void startsAnswersAndEnds(String name) throws Exception {
        Path jar = FUNCTIONS.resolve(name).resolve("target").resolve(name + ".jar");
        assertThat(jar).as("what 'mvn package' leaves").isRegularFile();
        try (FunctionJvm function = FunctionJvm.ofJar(jar, SETTINGS.getOrDefault(name, Map.of()))) {
            assertThat(function.get("/healthz").statusCode()).isEqualTo(200);

            function.terminate();

            // 128 and SIGTERM: it ended by it, and in order.
            assertThat(function.exitCode()).isEqualTo(143);
            assertThat(function.output()).allSatisfy(line -> assertThat(line).startsWith("{"));
        }
    }

    /** As the build of their image does, where nothing is set and nobody is there. */
    @ParameterizedTest
    @MethodSource("functions")
    void rehearsesItsStartAlone(String name) throws Exception {
        Path module = FUNCTIONS.resolve(name);
        if (Files.readString(module.resolve("Dockerfile")).contains("postern.rehearsal")) {
            Path jar = module.resolve("target").resolve(name + ".jar");
            Map<String, String> asked = Map.of("JAVA_TOOL_OPTIONS", "-Dpostern.rehearsal=true");
            try (FunctionJvm function = FunctionJvm.ofJar(jar, asked)) {
                assertThat(function.exitCode()).as("%s", function.output()).isZero();
            }
        }
    }

    /** Those that new-function wrote are their authors'. */
    @Test
    void knowsEverySampleFunction() throws IOException {
        String documented = Files.readString(Path.of("..", "docs", "sample-functions.md"));

        assertThat(documented.lines().filter(line -> line.startsWith("| [`")).map(line -> line.split("`")[1]))
                .isNotEmpty()
                .allSatisfy(name -> assertThat(SETTINGS).containsKey(name));
    }
}
