package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.callback.CallbackServer.Answer;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobDatabase;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The line to the database is cut or falls silent under a running callback server. */
class DatabaseAwayTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    static CallbackServer server;

    @BeforeAll
    static void start() {
        server = CallbackServer.start(database, CallbackServer.LOOPBACK.withOutcomeWait(Duration.ofMillis(400)));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void tellsToComeBackWhileTheDatabaseIsAwayAndAcceptsTheOutcomeLater() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/heartbeat", "").status()).isEqualTo(200);
        server.line.cut();
        assertToldToComeBack(attempt);
        server.line.resume();
        assertAcceptedInTheEnd(attempt);
    }

    @Test
    void tellsToComeBackWhileTheDatabaseIsSilentAndAcceptsTheOutcomeLater() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/heartbeat", "").status()).isEqualTo(200);
        server.line.stall();
        assertToldToComeBack(attempt);
        server.line.resume();
        assertAcceptedInTheEnd(attempt);
    }

    @Test
    void outlivesTheDatabasesRestart() {
        Attempt attempt = server.claimed();
        assertThat(server.post(attempt, "/heartbeat", "").status()).isEqualTo(200);
        database.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                + " where datname = current_database() and application_name = 'callback-server'");
        assertAcceptedInTheEnd(attempt);
    }

    private static void assertToldToComeBack(Attempt attempt) {
        for (String report : List.of("", "/complete", "/heartbeat", "/progress")) {
            Answer answer = server.post(attempt, report, "{\"percent\": 1}");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.problem()).isEqualTo("database-away");
            assertThat(Integer.parseInt(answer.header("retry-after"))).isPositive();
        }
        assertThat(server.send(HttpRequest.newBuilder(server.uri("/healthz")).build())
                        .status())
                .isEqualTo(200);
    }

    // As a function does: the same report again until it is not told to come back.
    private static void assertAcceptedInTheEnd(Attempt attempt) {
        Answer answer = server.post(attempt, "/complete", "{}");
        for (int i = 0; answer.status() == 503 && i < 50; i++) {
            answer = server.post(attempt, "/complete", "{}");
        }
        assertThat(answer.status()).isEqualTo(200);
        assertThat(database.rows("select state from app_jobs.job_history where id = ?", attempt.jobId()))
                .singleElement()
                .satisfies(row -> assertThat(row).containsEntry("state", "succeeded"));
    }
}
