package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.service.config.ConfigReader;
import dev.postern.service.local.FreePort;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.PgBouncer;
import dev.postern.sql.SchemaException;
import dev.postern.worker.WorkerListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The whole process behind a pooler in transaction mode. */
class PoolerServiceTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.empty();

    @RegisterExtension
    static final JobDatabase migrated = JobDatabase.migrated();

    private static PgBouncer bouncer;

    @BeforeAll
    static void pool() {
        bouncer = PgBouncer.inTransactionMode(migrated.config(), 2);
    }

    @AfterAll
    static void takeDown() {
        if (bouncer != null) {
            bouncer.close();
        }
    }

    @Test
    void migratesAndListensDirectlyAndDoesTheRestThroughThePooler() {
        DatabaseConfig direct = database.config();
        try (ScriptedFunction function = new ScriptedFunction()) {
            JobService service = service(
                    function, Map.of("DATABASE_URL", url(bouncer.to(direct)), "DATABASE_LISTEN_URL", url(direct)));
            service.start();
            try {
                until(() -> metrics(service).contains("postern_listening{channel=\"jobs:insert\"} 1"));
                until(() -> metrics(service).contains("postern_listening{channel=\"scheduled_jobs:insert\"} 1"));
                database.addJob("pooled", "{}");
                until(() ->
                        database.number("select count(*) from app_jobs.job_history where state = 'succeeded'") == 1);
            } finally {
                service.stop();
            }
        }
    }

    @Test
    void startsWithoutADirectConnectionWhereTheSchemaIsThereAndPolls() {
        try (ScriptedFunction function = new ScriptedFunction()) {
            JobService service =
                    service(function, Map.of("DATABASE_URL", url(bouncer.to(migrated.config())) + "?pgbouncer=true"));
            service.start();
            try {
                migrated.addJob("pooled", "{}");
                until(() ->
                        migrated.number("select count(*) from app_jobs.job_history where state = 'succeeded'") == 1);
                assertThat(metrics(service)).contains("postern_listening{channel=\"jobs:insert\"} 0");
            } finally {
                service.stop();
            }
        }
    }

    @Test
    void refusesToBuildTheSchemaThroughThePoolerInsteadOfWaiting() {
        try (ScriptedFunction function = new ScriptedFunction()) {
            for (String told : new String[] {"?pgbouncer=true", ""}) {
                JobService service =
                        service(function, Map.of("DATABASE_URL", url(bouncer.to(database.config())) + told));
                assertThatThrownBy(service::start)
                        .isInstanceOf(SchemaException.class)
                        .hasMessageContaining("set DATABASE_LISTEN_URL to a direct connection");
            }
        }
    }

    private static JobService service(ScriptedFunction function, Map<String, String> databases) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "FUNCTION_URL",
                function.url(),
                "POSTERN_BIND_HOST",
                "127.0.0.1",
                "POSTERN_HTTP_PORT",
                "0",
                "POSTERN_API_PORT",
                "0",
                "INTERNAL_JOBS_CALLBACK_PORT",
                Integer.toString(FreePort.any())));
        environment.putAll(databases);
        return new JobService(
                new ConfigReader(environment, "poolertest").read(),
                WorkerListener.NONE,
                InstantSource.system(),
                new SplittableRandom(3));
    }

    private static String url(DatabaseConfig config) {
        return "postgres://" + config.user() + ":" + config.password() + "@" + config.host() + ":" + config.port() + "/"
                + config.database();
    }

    private static String metrics(JobService service) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.httpPort() + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void until(Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(50))
                .until(condition);
    }
}
