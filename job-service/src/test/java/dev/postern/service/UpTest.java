package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.service.cli.Postern;
import dev.postern.service.local.FreePort;
import dev.postern.service.local.LocalException;
import dev.postern.service.local.LocalPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./postern up} as its user has it: started, used from beside, killed, started again. */
class UpTest {

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path directory;

    @Test
    void survivesKillAndASecondStart() throws Exception {
        try (ScriptedFunction function = new ScriptedFunction()) {
            Map<String, String> environment = Map.of(
                    "POSTERN_DATA",
                    directory.toString(),
                    "POSTERN_POSTGRES_PORT",
                    "0",
                    "POSTERN_HTTP_PORT",
                    "0",
                    "POSTERN_API_PORT",
                    "0",
                    "INTERNAL_JOBS_CALLBACK_PORT",
                    Integer.toString(FreePort.any()),
                    "FUNCTION_URL",
                    function.url());
            try (ServiceProcess up = ServiceProcess.start(environment, "up", "--no-functions")) {
                up.awaitReady();
                assertThatThrownBy(() -> LocalPostgres.start(directory.resolve("postgres"), 0))
                        .isInstanceOf(LocalException.class)
                        .hasMessageContaining("is in use by process");
                assertThat(Postern.run(environment, "add", "first")).isZero();
                // What it prints is what works.
                String look = Awaitility.await()
                        .until(
                                () -> up.output.stream()
                                        .map(String::strip)
                                        .filter(line -> line.startsWith("./postern jobs list"))
                                        .findFirst()
                                        .orElse(""),
                                line -> !line.isEmpty());
                Ran listed =
                        Ran.run(Map.of(), look.substring("./postern ".length()).split(" "));
                assertThat(listed.out()).contains("  first ");
                Awaitility.await().until(() -> function.calls.size() == 1);
                up.kill();
            }
            try (ServiceProcess again = ServiceProcess.start(environment, "up", "--no-functions")) {
                again.awaitReady();
                assertThat(Postern.run(environment, "status", "1")).isZero();
                assertThat(Postern.run(environment, "add", "second")).isZero();
                Awaitility.await()
                        .until(() -> function.calls.stream()
                                .anyMatch(call -> call.header("X-Job-Task").equals("second")));
                assertThat(again.terminate(Duration.ofSeconds(60))).isEqualTo(143);
            }
            assertThat(LocalPostgres.running(directory.resolve("postgres"))).isEmpty();
        }
    }

    @Test
    void saysInOneLineWhatIsWrong() {
        Map<String, String> nothing = Map.of("POSTERN_DATA", directory.toString());
        assertThat(Postern.run(nothing, "status")).isEqualTo(1);
        assertThat(Postern.run(nothing, "serve")).isEqualTo(2);
        assertThat(Postern.run(nothing, "cook")).isEqualTo(2);
        assertThat(Postern.run(nothing, "add")).isEqualTo(2);
    }
}
