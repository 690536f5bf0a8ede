package dev.postern.service.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.SchemaMigrator;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalPostgresTest {

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path directory;

    @Test
    void keepsItsDataOverARestart() {
        try (LocalPostgres first = LocalPostgres.start(directory, 0)) {
            assertThat(new SchemaMigrator(first.config()).migrate().applied()).isPositive();
            assertThat(LocalPostgres.running(directory))
                    .map(DatabaseConfig::port)
                    .contains(first.config().port());
        }
        assertThat(LocalPostgres.running(directory)).isEmpty();
        try (LocalPostgres second = LocalPostgres.start(directory, 0)) {
            assertThat(new SchemaMigrator(second.config()).migrate().applied()).isZero();
        }
    }

    @Test
    void takesAnotherPortWhenTheWishedOneIsBusy() throws IOException {
        try (var busy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                LocalPostgres server = LocalPostgres.start(directory, busy.getLocalPort())) {
            assertThat(server.config().port()).isNotEqualTo(busy.getLocalPort());
        }
    }
}
