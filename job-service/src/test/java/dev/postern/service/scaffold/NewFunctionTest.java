package dev.postern.service.scaffold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.service.check.CheckPlan;
import dev.postern.service.check.Finding;
import dev.postern.service.check.FunctionCheck;
import dev.postern.service.cli.Postern;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ./postern new-function} in a copy of the checkout, and what comes out of it compiled, run and checked. */
class NewFunctionTest {

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path RUNTIME = ROOT.resolve("functions/runtime/target");
    /** A function's libraries, the runtime among them. */
    private static final Path LIBRARIES = ROOT.resolve("functions/system-ping/target/lib");

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path home;

    @BeforeEach
    void copyWhatACheckoutIsKnownBy() throws IOException {
        Files.copy(ROOT.resolve("pom.xml"), home.resolve("pom.xml"));
        Files.createDirectories(home.resolve("functions/runtime"));
    }

    @Test
    void writesAModuleThatMavenKnows() throws Exception {
        assertThat(newFunction("greet-customer")).isZero();

        String pom = Files.readString(home.resolve("pom.xml"));
        assertThat(pom).contains("<module>functions/greet-customer</module>");
        assertThat(pom.replace("    <module>functions/greet-customer</module>\n", ""))
                .isEqualTo(Files.readString(ROOT.resolve("pom.xml")));
        try (Stream<Path> files = Files.walk(home.resolve("functions/greet-customer"))) {
            assertThat(files.filter(Files::isRegularFile).toList()).hasSize(12).allSatisfy(file -> {
                // Docker's and shell's own braces are single.
                assertThat(Files.readString(file)).doesNotContain("{{").doesNotContain("thumbprint");
            });
        }
    }

    @Test
    void whatItWritesCompilesPassesItsTestAndKeepsTheContract() throws Exception {
        assumeTrue(
                Files.isDirectory(RUNTIME.resolve("test-classes")) && Files.isDirectory(LIBRARIES),
                "functions/runtime and system-ping are not built: 'mvn verify' does so before it comes to this module");
        assertThat(newFunction("greet-customer")).isZero();
        Path module = home.resolve("functions/greet-customer");
        String classPath = compile(module);

        Process test = java(
                classPath,
                TestMethods.class.getName(),
                "dev.postern.functions.greetcustomer.GreetCustomerFunctionTest");
        String said = String.join("\n", test.inputReader().lines().toList());
        assertThat(test.waitFor()).as(said).isZero();
        assertThat(said).contains("2 tests passed");

        Process function = java(classPath, "dev.postern.functions.greetcustomer.Main");
        try {
            BufferedReader log = function.inputReader();
            URI url = URI.create("http://127.0.0.1:" + port(log) + "/greet-customer");
            // What nobody reads would fill the pipe; it ends with the process.
            Thread.ofVirtual().start(() -> log.lines().forEach(line -> {}));
            assertThat(check(url, Files.readString(module.resolve("payload.json"))))
                    .noneMatch(finding ->
                            finding.verdict() == Finding.Verdict.FAIL || finding.verdict() == Finding.Verdict.WARN);
        } finally {
            function.destroyForcibly();
        }
    }

    @Test
    void writesNoLineThatTheFormatterWouldBreak() throws Exception {
        String longest = "a".repeat(35);
        assertThat(newFunction(longest)).isZero();
        assertThat(newFunction(longest + "a")).isEqualTo(1);
        try (Stream<Path> files = Files.walk(home.resolve("functions").resolve(longest))) {
            assertThat(files.filter(file -> file.toString().endsWith(".java")))
                    .allSatisfy(file -> assertThat(Files.readAllLines(file)).allMatch(line -> line.length() <= 120));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Greet",
                "greet_customer",
                "-greet",
                "greet-",
                "../greet",
                "new",
                "",
                "runtime",
                "protocol",
                "sql",
                "job-worker",
                "system-ping",
                "postern",
                "functions-runtime"
            })
    void refusesNamesThatCannotBe(String name) throws IOException {
        assertThatThrownBy(() -> new NewFunction(home, name).write()).isInstanceOf(IllegalArgumentException.class);
        assertThat(home.resolve("pom.xml")).hasSameTextualContentAs(ROOT.resolve("pom.xml"));
    }

    @Test
    void refusesToWriteOverAnotherOrOutsideACheckout() throws IOException {
        assertThat(newFunction("greet")).isZero();
        assertThat(newFunction("greet")).isEqualTo(1);
        assertThatThrownBy(() -> new NewFunction(home.resolve("functions"), "greet"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is no checkout");
    }

    private int newFunction(String name) {
        return Postern.run(Map.of("POSTERN_HOME", home.toString()), "new-function", name);
    }

    private String compile(Path module) throws IOException {
        Path classes = Files.createDirectories(home.resolve("classes"));
        String classPath = String.join(
                File.pathSeparator,
                classes.toString(),
                RUNTIME.resolve("classes").toString(),
                RUNTIME.resolve("test-classes").toString(),
                LIBRARIES.resolve("*").toString(),
                System.getProperty("java.class.path"));
        List<String> arguments =
                new ArrayList<>(List.of("-proc:none", "-parameters", "-d", classes.toString(), "-cp", classPath));
        for (String sources : List.of("src/main/java", "src/test/java")) {
            try (Stream<Path> files = Files.walk(module.resolve(sources))) {
                // Both directories have one; the compiler takes one at a time.
                files.filter(file -> file.toString().endsWith(".java")
                                && !file.getFileName().toString().equals("package-info.java"))
                        .forEach(file -> arguments.add(file.toString()));
            }
        }
        assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(new String[0])))
                .isZero();
        return classPath;
    }

    private static Process java(String classPath, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                // Among this test's own libraries is a logback-test.xml, which would come first.
                "-Dlogback.configurationFile=" + RUNTIME.resolve("classes/logback.xml"),
                "-cp",
                classPath));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        builder.redirectErrorStream(true);
        return builder.start();
    }

    private static int port(BufferedReader log) throws IOException {
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            if (line.contains("\"listening\"")) {
                for (JsonNode pair : JSON.readTree(line).path("kvpList")) {
                    if (pair.has("port")) {
                        return pair.path("port").asInt();
                    }
                }
            }
        }
        throw new IOException("the function ended without listening");
    }

    private static List<Finding> check(URI url, String payload) throws Exception {
        CheckPlan plan = new CheckPlan(
                url,
                "greet-customer",
                new UUID(0, 1),
                payload,
                SigningKeys.NONE,
                "127.0.0.1",
                Duration.ofSeconds(20),
                Duration.ofMillis(500));
        return new FunctionCheck(plan, InstantSource.system(), finding -> {}).run();
    }
}
