package dev.postern.service.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.service.check.Finding.Verdict;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** functions/node-thumbprint keeps the contract without anything of ours in it. Skipped where there is no Node. */
class NodeFunctionTest {

    private static final String SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Process process;
    private BufferedReader log;
    private URI url = URI.create("about:blank");

    @BeforeEach
    void start() throws IOException {
        assumeTrue(
                Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
                        .anyMatch(directory -> Files.isExecutable(Path.of(directory, "node"))),
                "no node on the path");
        ProcessBuilder builder = new ProcessBuilder("node", "../functions/node-thumbprint/thumbprint.mjs");
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        builder.environment().put("POSTERN_SIGNING_SECRET", SECRET);
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        process = builder.start();
        log = process.inputReader();
        url = URI.create(
                "http://127.0.0.1:" + JSON.readTree(log.readLine()).path("port").asInt() + "/node-thumbprint");
        // What nobody reads would fill the pipe.
        Thread.ofVirtual().start(() -> log.lines().forEach(line -> {}));
    }

    @AfterEach
    void stop() {
        process.destroyForcibly();
    }

    @Test
    void keepsTheContractWhenItAnswersAtOnce() throws Exception {
        assertThat(check("{\"text\": \"hello\"}"))
                .noneMatch(finding -> finding.verdict() == Verdict.FAIL || finding.verdict() == Verdict.WARN)
                .anyMatch(finding -> finding.row() == Row.FORGED && finding.verdict() == Verdict.PASS);
    }

    @Test
    void keepsTheContractWhenItReportsLater() throws Exception {
        assertThat(check("{\"text\": \"hello\", \"rounds\": 2000}"))
                .noneMatch(finding -> finding.verdict() == Verdict.FAIL || finding.verdict() == Verdict.WARN)
                .anyMatch(finding -> finding.row() == Row.REPORT_REFUSED && finding.verdict() == Verdict.PASS);
    }

    @Test
    void leavesWhenItIsAskedTo() throws Exception {
        process.toHandle().destroy();

        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_*AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})
    void startsWithNoSecretThatAnybodyCouldGuess(String secret) throws Exception {
        ProcessBuilder builder = new ProcessBuilder("node", "../functions/node-thumbprint/thumbprint.mjs");
        builder.environment().put("PORT", "0");
        builder.environment().put("POSTERN_HOST", "127.0.0.1");
        builder.environment().put("POSTERN_SIGNING_SECRET", secret);
        Process refused = builder.start();
        try {
            assertThat(refused.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(refused.exitValue()).isEqualTo(2);
            assertThat(refused.errorReader().lines().toList().getLast())
                    .contains("POSTERN_SIGNING_SECRET must hold whsec_")
                    .doesNotContain("hunter2");
        } finally {
            refused.destroyForcibly();
        }
    }

    private List<Finding> check(String payload) throws Exception {
        CheckPlan plan = new CheckPlan(
                url,
                "node-thumbprint",
                new UUID(0, 1),
                payload,
                SigningKeys.parse(SECRET),
                "127.0.0.1",
                Duration.ofSeconds(20),
                Duration.ofMillis(500));
        return new FunctionCheck(plan, InstantSource.system(), finding -> {}).run();
    }
}
