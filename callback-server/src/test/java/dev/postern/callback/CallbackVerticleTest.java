package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.callback.CallbackServer.Answer;
import dev.postern.sql.Attempt;
import dev.postern.sql.JobDatabase;
import io.vertx.core.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Starting and stopping. */
class CallbackVerticleTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @Test
    void stopsWithoutStartAndTwice() {
        try (CallbackServer server = CallbackServer.start(database, CallbackServer.LOOPBACK)) {
            CallbackServer.await(server.stop());
            CallbackServer.await(server.verticle().stop());
            CallbackServer.await(server.verticle().stop());
        }
    }

    @Test
    void saysWhichAddressIsTaken() {
        try (CallbackServer first = CallbackServer.start(database, CallbackServer.LOOPBACK)) {
            int taken = first.verticle().port();
            assertThatThrownBy(() ->
                            CallbackServer.start(database, CallbackServer.LOOPBACK.withAddress("127.0.0.1", taken)))
                    .hasMessageContaining("cannot listen for callbacks on 127.0.0.1:" + taken);
        }
    }

    @Test
    void answersRequestsInFlightBeforeItStops() throws Exception {
        try (CallbackServer server = CallbackServer.start(database, CallbackServer.LOOPBACK)) {
            Attempt attempt = server.claimed();
            CompletableFuture<Answer> inFlight;
            Future<Void> stopped;
            try (Connection holder = database.connect()) {
                holder.setAutoCommit(false);
                JobDatabase.rows(holder, "select 1 from app_jobs.jobs where id = ? for update", attempt.jobId());
                inFlight = server.postAsync(attempt, "/complete", "{}");
                server.awaitBlocked(1);
                stopped = server.stop();
                holder.commit();
            }
            assertThat(inFlight.join().status()).isEqualTo(200);
            CallbackServer.await(stopped);
            assertThatThrownBy(() -> server.send(
                            HttpRequest.newBuilder(server.uri("/healthz")).build()))
                    .hasRootCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void closesAConnectionThatFallsSilent() throws Exception {
        CallbackConfig impatient = CallbackServer.LOOPBACK.withClientTimeout(Duration.ofSeconds(1));
        try (CallbackServer server = CallbackServer.start(database, impatient);
                Socket socket = new Socket(
                        InetAddress.getLoopbackAddress(), server.verticle().port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write(("POST " + CallbackServer.path(server.claimed())
                                    + "/complete HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
                            .getBytes(StandardCharsets.US_ASCII));
            // Ends when the server closes; a server that waits for ever makes the read time out.
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .doesNotContain("HTTP/1.1 200");
        }
    }
}
