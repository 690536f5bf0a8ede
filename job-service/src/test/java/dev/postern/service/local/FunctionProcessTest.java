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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FunctionProcessTest {

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path home;

    @Test
    void saysThatItEndedAndWhereItsOutputIs() throws Exception {
        Path jar = home.resolve("functions/broken/target/broken.jar");
        Files.createDirectories(jar.getParent());
        Files.writeString(jar, "no jar");
        Path logs = home.resolve("logs");
        BlockingQueue<String> said = new LinkedBlockingQueue<>();

        try (FunctionProcess function = FunctionProcess.start(home, "broken", logs, Map.of());
                HttpClient client = HttpClient.newHttpClient()) {
            function.onEnd(said::add);

            assertThat(said.poll(60, TimeUnit.SECONDS))
                    .startsWith("function broken ended with exit code 1; its output is in " + logs);
            assertThatThrownBy(() -> function.awaitHealthy(client))
                    .isInstanceOf(LocalException.class)
                    .hasMessageContaining("ended with exit code 1");
        }
        assertThat(logs.resolve("broken.log")).content().contains("corrupt jarfile");
    }

    @Test
    void saysHowToComeByAJarThatIsMissing() {
        assertThatThrownBy(() -> FunctionProcess.start(home, "nowhere", home, Map.of()))
                .isInstanceOf(LocalException.class)
                .hasMessageContaining("'mvn package' does");
    }
}
