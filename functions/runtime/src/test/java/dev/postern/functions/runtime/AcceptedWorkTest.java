package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AcceptedWorkTest {

    private FakeCallbackServer callbacks;

    @BeforeEach
    void startCallbackServer() throws Exception {
        callbacks = new FakeCallbackServer();
    }

    @AfterEach
    void stopCallbackServer() {
        callbacks.close();
    }

    @Test
    void answersAcceptedAndReportsTheResultLater() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    answered.await();
                    return Map.of("pages", 6);
                }))) {
            var answer = call(function);
            assertThat(answer.statusCode()).isEqualTo(202);
            assertThat(answer.headers().firstValue("X-Job-Id")).hasValue("812");
            answered.countDown();

            var complete = callbacks.next("complete");
            assertThat(complete.body().toString()).isEqualTo("{\"pages\":6}");
            assertThat(complete.headers().getFirst("X-Job-Id")).isEqualTo("812");
            assertThat(complete.headers().getFirst("X-Worker-Id")).isEqualTo("worker-a");
            assertThat(complete.headers().getFirst("Content-Type")).isEqualTo("application/json");
        }
    }

    @Test
    void keepsTheTokenOfAQueryBehindTheAction() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.later(() -> null))) {
            function.post("{}", "X-Callback-Url", callbacks.url() + "?token=a%2Bb");

            var complete = callbacks.next("complete");
            assertThat(complete.query()).isEqualTo("token=a+b");
            assertThat(complete.body().toString()).isEqualTo("{}");
        }
    }

    @Test
    void reportsAnUnforeseenFailureAsOneToTryAgain() throws Exception {
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    throw new IllegalStateException("disk full");
                }))) {
            call(function);

            assertThat(callbacks.next("fail").body().toString())
                    .contains("\"error\":\"IllegalStateException: disk full\"")
                    .contains("\"retry\":true");
        }
    }

    @Test
    void reportsAPermanentFailureAsOneNotToTryAgain() throws Exception {
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    throw new PermanentFailure("the account is closed");
                }))) {
            call(function);

            assertThat(callbacks.next("fail").body().toString())
                    .contains("\"error\":\"the account is closed\"")
                    .contains("\"retry\":false");
        }
    }

    @Test
    void reportsWhenToTryAgain() throws Exception {
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    throw new RetryLater(Duration.ofSeconds(90), "the ledger is closed");
                }))) {
            call(function);

            assertThat(callbacks.next("fail").body().toString())
                    .contains("\"retry\":true")
                    .contains("\"retryAfterSeconds\":90");
        }
    }

    @Test
    void saysTheOutcomeAgainUntilItIsHeard() throws Exception {
        callbacks
                .answers("complete", 503, "")
                .hangsUp("complete")
                .answers("complete", 429, "", Map.of("Retry-After", "0"))
                .answers("complete", 500, "")
                .answers("complete", 200, "{}");
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.later(() -> "x"))) {
            call(function);

            for (int i = 0; i < 5; i++) {
                assertThat(callbacks.next("complete").body().asText()).isEqualTo("x");
            }
            assertThat(function.drain().get(20, TimeUnit.SECONDS)).isEmpty();
            assertThat(callbacks.waiting("complete")).isZero();
        }
    }

    @Test
    void stopsSayingAnOutcomeThatIsRefused() throws Exception {
        callbacks.answers("complete", 409, "{}");
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.later(() -> "x"))) {
            call(function);

            callbacks.next("complete");
            assertThat(function.drain().get(20, TimeUnit.SECONDS)).isEmpty();
            assertThat(callbacks.waiting("complete")).isZero();
        }
    }

    @Test
    void doesNotComeBackBeforeRetryAfterEvenIfThatMeansGivingUp() throws Exception {
        callbacks.answers("complete", 503, "", Map.of("Retry-After", "3600"));
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.later(() -> "x"))) {
            call(function);

            callbacks.next("complete");
            assertThat(function.drain().get(20, TimeUnit.SECONDS)).isEmpty();
            assertThat(callbacks.waiting("complete")).isZero();
        }
    }

    @Test
    void givesUpWhenTheBoundHasPassed() throws Exception {
        String nobodyListensThere;
        try (var gone = new FakeCallbackServer()) {
            nobodyListensThere = gone.url();
        }
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> "x"),
                Duration.ofSeconds(20),
                Duration.ofMillis(50))) {
            function.post("{}", "X-Callback-Url", nobodyListensThere);

            assertThat(function.drain().get(20, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void stopsSayingAnOutcomeWhenItsServerStops() throws Exception {
        for (int i = 0; i < 100_000; i++) {
            callbacks.answers("complete", 503, "");
        }
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> "x"),
                Duration.ofSeconds(10),
                Duration.ofHours(1))) {
            call(function);
            callbacks.next("complete");

            function.stop();

            assertThat(function.drain().get(20, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void beatsWhileItWorksAndHearsThatTheJobIsCancelled() throws Exception {
        callbacks
                .answers("heartbeat", 503, "")
                .answers("heartbeat", 200, "{\"leaseExpiresAt\":\"2026-11-22T10:00:00Z\"}")
                .answers("heartbeat", 410, "{\"type\":\"urn:postern:problem:cancelled\"}");
        CompletableFuture<Boolean> cancelledAtFirst = new CompletableFuture<>();
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    cancelledAtFirst.complete(context.cancelled());
                    return untilCancelled(context);
                }))) {
            call(function, "X-Job-Lease-Seconds", "1");

            assertThat(cancelledAtFirst.get(20, TimeUnit.SECONDS)).isFalse();
            var first = callbacks.next("heartbeat");
            assertThat(first.headers().getFirst("X-Job-Id")).isEqualTo("812");
            callbacks.next("heartbeat");
            callbacks.next("heartbeat");
            assertThat(callbacks.next("complete").body().asText()).isEqualTo("stopped early");
            assertThat(callbacks.waiting("heartbeat")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 409, 410})
    void takesARefusedHeartbeatAsTheEndOfTheAttempt(int status) throws Exception {
        callbacks.answers("heartbeat", status, "{}");
        try (var function = new RunningFunction<>(
                JsonNode.class, (payload, context) -> Answer.later(() -> untilCancelled(context)))) {
            call(function, "X-Job-Lease-Seconds", "1");

            callbacks.next("heartbeat");
            assertThat(callbacks.next("complete").body().asText()).isEqualTo("stopped early");
        }
    }

    @Test
    void beatsEachThirdOfTheLeaseAndSoonUnderALongOneToHearOfACancel() {
        assertThat(Heartbeat.pause(Duration.ofSeconds(9))).isEqualTo(Duration.ofSeconds(3));
        assertThat(Heartbeat.pause(Duration.ofHours(1))).isEqualTo(Duration.ofSeconds(10));
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 409, 410})
    void tellsProgressAndHearsInTheAnswerThatTheAttemptIsOver(int status) throws Exception {
        callbacks.answers("progress", 503, "").answers("progress", 400, "{}").answers("progress", status, "{}");
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    context.progress(17.5, "collecting rows");
                    boolean afterFirst = context.cancelled();
                    context.step(2, 6, "sorting rows");
                    boolean afterSecond = context.cancelled();
                    context.step(3, 6, "x".repeat(3000));
                    return List.of(afterFirst, afterSecond, context.cancelled());
                }))) {
            call(function);

            assertThat(callbacks.next("progress").body()).isEqualTo(Payloads.JSON.readTree("""
                            {"percent":17.5,"message":"collecting rows"}
                            """));
            assertThat(callbacks.next("progress").body()).isEqualTo(Payloads.JSON.readTree("""
                            {"step":2,"steps":6,"message":"sorting rows"}
                            """));
            assertThat(callbacks.next("progress").body().path("message").asText())
                    .hasSize(2000);
            assertThat(callbacks.next("complete").body()).isEqualTo(Payloads.JSON.readTree("[false,false,true]"));
        }
    }

    @Test
    void refusesProgressThatCannotBe() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> {
            assertThatIllegalArgumentException().isThrownBy(() -> context.progress(101, "beyond"));
            assertThatIllegalArgumentException().isThrownBy(() -> context.progress(Double.NaN, "nothing"));
            assertThatIllegalArgumentException().isThrownBy(() -> context.step(3, 2, "beyond"));
            assertThatIllegalArgumentException().isThrownBy(() -> context.step(0, 0, "none"));
            return Answer.done();
        })) {
            assertThat(function.post("{}").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void letsACallerWithoutCallbackUrlWaitForTheResult() throws Exception {
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    context.progress(50, "nobody listens");
                    context.step(1, 2, "nobody listens");
                    return "here";
                }))) {
            var answer = function.post("{}");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("\"here\"");
        }
    }

    @Test
    void drainWaitsForAcceptedWorkAndItsReport() throws Exception {
        callbacks.answers("complete", 503, "");
        CountDownLatch goOn = new CountDownLatch(1);
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.later(() -> {
                    goOn.await();
                    return "x";
                }))) {
            call(function);
            var drained = function.drain();
            assertThat(drained).isNotDone();

            goOn.countDown();
            assertThat(drained.get(20, TimeUnit.SECONDS)).isEmpty();
            assertThat(callbacks.waiting("complete")).isEqualTo(2);
        }
    }

    private HttpResponse<String> call(RunningFunction<?> function) throws Exception {
        return call(function, "X-Request-Id", "r");
    }

    private HttpResponse<String> call(RunningFunction<?> function, String header, String value) throws Exception {
        var answer = function.post(
                "{}", "X-Job-Id", "812", "X-Worker-Id", "worker-a", "X-Callback-Url", callbacks.url(), header, value);
        assertThat(answer.statusCode()).isEqualTo(202);
        return answer;
    }

    private static String untilCancelled(JobContext context) {
        while (!context.cancelled()) {
            Thread.onSpinWait();
        }
        return "stopped early";
    }
}
