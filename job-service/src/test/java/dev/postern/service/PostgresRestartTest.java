package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.config.ConfigReader;
import dev.postern.service.local.FreePort;
import dev.postern.service.local.LocalPostgres;
import dev.postern.sql.DatabaseConfig;
import dev.postern.worker.WorkerListener;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PostgresRestartTest {

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path directory;

    private static long number(DatabaseConfig config, String sql) {
        try (Connection connection = DriverManager.getConnection(
                        "jdbc:postgresql://" + config.host() + ":" + config.port() + "/" + config.database(),
                        config.user(),
                        "");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void promise7_aRestartOfPostgresUnderLoadCostsNoJobAndNoRestartOfOurs() {
        try (ScriptedFunction function = new ScriptedFunction()) {
            LocalPostgres postgres = LocalPostgres.start(directory, 0);
            DatabaseConfig config = postgres.config();
            JobService service = new JobService(
                    new ConfigReader(
                                    Map.of(
                                            "DATABASE_URL",
                                                    "postgres://postgres@127.0.0.1:" + config.port() + "/postgres",
                                            "FUNCTION_URL", function.url(),
                                            "POSTERN_CONCURRENCY", "4",
                                            "POSTERN_LEASE_SECONDS", "5",
                                            "POSTERN_BIND_HOST", "127.0.0.1",
                                            "POSTERN_HTTP_PORT", "0",
                                            "POSTERN_API_PORT", "0",
                                            "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any())),
                                    "restarttest")
                            .read(),
                    WorkerListener.NONE,
                    InstantSource.system(),
                    new SplittableRandom(3));
            service.start();
            try {
                String add = "select count(app_jobs.add_job('00000000-0000-0000-0000-000000000001', 'load'))"
                        + " from generate_series(1, 500)";
                number(config, add);
                Awaitility.await().until(() -> function.calls.size() > 50);

                postgres.close();
                postgres = LocalPostgres.start(directory, config.port());
                assertThat(postgres.config().port()).isEqualTo(config.port());
                number(config, add);

                Awaitility.await()
                        .atMost(Duration.ofSeconds(90))
                        .pollInterval(Duration.ofMillis(100))
                        .until(() ->
                                number(config, "select count(*) from app_jobs.job_history where state = 'succeeded'")
                                        == 1000);
                assertThat(number(config, "select count(*) from app_jobs.jobs")).isZero();
            } finally {
                service.stop();
                postgres.close();
            }
        }
    }
}
