package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Functions that are down, slow, reset connections or answer nonsense cost their own job's time and nothing else. */
class FunctionFaultsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private Map<String, Object> job(long id) {
        return database.rows(
                        "select attempts, infra_failures, last_error, locked_at is null as free,"
                                + " run_at > updated_at as later, jsonb_array_length(errors) as failures"
                                + " from app_jobs.jobs where id = ?",
                        id)
                .getFirst();
    }

    private void failsAsInfrastructure(long id) {
        fixture.eventually(
                1, "select count(*) from app_jobs.jobs where id = ? and infra_failures = 1 and locked_at is null", id);
        assertThat(job(id))
                .containsEntry("attempts", 0)
                .containsEntry("later", true)
                .containsEntry("failures", 1);
    }

    private void failsCharged(long id, String error) {
        fixture.eventually(
                1, "select count(*) from app_jobs.jobs where id = ? and attempts = 1 and locked_at is null", id);
        assertThat(job(id)).containsEntry("infra_failures", 0).containsEntry("later", true);
        assertThat((String) job(id).get("last_error")).contains(error);
    }

    /** Speaks TCP, not HTTP. */
    private void speaks(Consumer<NetSocket> answer) {
        NetServer server =
                fixture.vertx.createNetServer().connectHandler(socket -> socket.handler(b -> answer.accept(socket)));
        FakeFunction.await(server.listen(0, "127.0.0.1"));
        fixture.route("http://127.0.0.1:" + server.actualPort());
    }

    @Test
    void aFunctionThatIsDownIsNotCharged() {
        fixture.route("http://127.0.0.1:1");
        fixture.start();
        failsAsInfrastructure(database.addJob("down", "{}"));
    }

    @Test
    void aHostThatDoesNotExistIsNotCharged() {
        fixture.route("http://no-such-host.invalid");
        fixture.start();
        failsAsInfrastructure(database.addJob("nowhere", "{}"));
    }

    @Test
    void aConnectionThatIsResetIsNotCharged() {
        speaks(NetSocket::close);
        fixture.start();
        failsAsInfrastructure(database.addJob("reset", "{}"));
    }

    @Test
    void garbageIsCharged() {
        speaks(socket -> socket.write("220 this is a mail server\r\n\r\n"));
        fixture.start();
        failsCharged(database.addJob("garbage", "{}"), "");
    }

    @Test
    void anAnswerThatBreaksOffIsCharged() {
        speaks(socket -> socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                .onComplete(w -> socket.close()));
        fixture.start();
        failsCharged(database.addJob("half", "{}"), "broke off");
    }

    @Test
    void anAnswerThatDoesNotComeInTimeIsCharged() {
        fixture.function.answers(request -> {});
        fixture.start(config -> config.withTimeouts(
                new WorkerConfig.Timeouts(Duration.ofSeconds(5), Duration.ofMillis(200), Duration.ofSeconds(5))));
        failsCharged(database.addJob("slow", "{}"), "no answer within");
    }

    @Test
    void anAnswerThatDripsIsCharged() {
        fixture.function.answers(request -> {
            request.response().setChunked(true).write("{");
        });
        fixture.start(config -> config.withTimeouts(
                new WorkerConfig.Timeouts(Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofMillis(300))));
        failsCharged(database.addJob("drip", "{}"), "not complete within");
    }

    @Test
    void anEndlessBodyIsGivenUpButItsStatusCounts() {
        fixture.function.answers(request -> {
            request.response().setChunked(true);
            pour(request);
        });
        fixture.start();
        long id = database.addJob("endless", "{}");
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and result is null", id);
    }

    private void pour(HttpServerRequest request) {
        if (!request.response().closed()) {
            request.response()
                    .write("x".repeat(100_000))
                    .onSuccess(written -> fixture.vertx.runOnContext(next -> pour(request)));
        }
    }

    @Test
    void aHeaderThatATenantStoredCannotBreakTheRequest() {
        fixture.start();
        long id = database.number(
                "select id from app_jobs.add_job(?, 'inject', request_id => E'a\\r\\nX-Worker-Id: evil')",
                JobDatabase.TENANT);
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", id);
        assertThat(fixture.function.calls.getFirst().header("X-Request-Id")).isEqualTo("a??X-Worker-Id: evil");
    }

    @Test
    void aTaskWithoutARouteWaitsForOne() {
        fixture.noRoute();
        fixture.start();
        long id = database.addJob("unrouted", "{}");
        failsAsInfrastructure(id);
        assertThat((String) job(id).get("last_error")).contains("no URL for task 'unrouted'");
    }

    @Test
    void aJobsFailureDoesNotHoldUpItsNeighbours() {
        fixture.function.answers(request -> {
            if (request.path().equals("/hangs")) {
                return;
            }
            request.response().end();
        });
        fixture.start();
        database.addJob("hangs", "{}");
        database.execute("select app_jobs.add_job(?, 'fine') from generate_series(1, 50)", JobDatabase.TENANT);
        fixture.eventually(50, "select count(*) from app_jobs.job_history");
    }
}
