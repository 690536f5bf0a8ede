package dev.postern.service.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FunctionProcessTest {

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path home;

    @Test
    void isStartedAgainWithGrowingPausesAndSaysWhyItHadEnded() throws Exception {
        Path jar = home.resolve("functions/broken/target/broken.jar");
        Files.createDirectories(jar.getParent());
        Files.writeString(jar, "no jar");
        Path logs = home.resolve("logs");
        BlockingQueue<String> said = new LinkedBlockingQueue<>();
        AtomicBoolean wanted = new AtomicBoolean(true);

        try (FunctionProcess function = FunctionProcess.start(home, "broken", logs, Map.of());
                HttpClient client = HttpClient.newHttpClient()) {
            function.keepRunning(wanted::get, said::add);

            assertThat(said.poll(60, TimeUnit.SECONDS))
                    .startsWith("function broken ended with exit code 1 and is started again in 1 s; its output is in "
                            + logs);
            assertThat(said.poll(60, TimeUnit.SECONDS)).contains("started again in 2 s");
            wanted.set(false);
            assertThatThrownBy(() -> function.awaitHealthy(client))
                    .isInstanceOf(LocalException.class)
                    .hasMessageContaining("ended with exit code 1");
        }
        assertThat(logs.resolve("broken.log")).content().containsSubsequence("corrupt jarfile", "corrupt jarfile");
    }

    @Test
    void saysHowToComeByAJarThatIsMissing() {
        assertThatThrownBy(() -> FunctionProcess.start(home, "nowhere", home, Map.of()))
                .isInstanceOf(LocalException.class)
                .hasMessageContaining("'mvn package' does");
    }
}
