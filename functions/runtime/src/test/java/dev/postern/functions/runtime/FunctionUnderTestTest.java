package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.FunctionUnderTest.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an author writes against the test kit, in both ways that a function may answer. */
final class FunctionUnderTestTest {

    /** Whether a function does its work before it answers or after. */
    private static Called call(boolean later, JobFunction<JsonNode> function, String payload, String... headers) {
        JobFunction<JsonNode> way =
                later ? (json, context) -> Answer.later(() -> function.handle(json, context)) : function;
        try (var running = FunctionUnderTest.start(JsonNode.class, way)) {
            return running.call(payload, headers);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void seesResultFollowUpsAndProgress(boolean later) {
        Called called = call(
                later,
                (payload, context) -> {
                    context.step(1, 2, "reading");
                    return Answer.of(
                                    Map.of("facts", payload.path("n").asInt()),
                                    FollowUp.of("compile", Map.of("id", 7)).withKey("compile-7"))
                            .andThen(FollowUp.of("tell", Map.of())
                                    .withKeyMode("unsafe_dedupe")
                                    .withQueue("q")
                                    .withRunAt(Instant.parse("2031-01-31T08:00:00Z"))
                                    .withMaxAttempts(3)
                                    .withPriority(-1));
                },
                "{\"n\": 3}");

        assertThat(called.status()).isEqualTo(later ? 202 : 200);
        assertThat(called.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(called.result()).hasToString("{\"facts\":3}");
        assertThat(called.followUps())
                .extracting(JsonNode::toString)
                .containsExactly(
                        "{\"task\":\"compile\",\"payload\":{\"id\":7},\"key\":\"compile-7\"}",
                        "{\"task\":\"tell\",\"payload\":{},\"key_mode\":\"unsafe_dedupe\",\"queue\":\"q\","
                                + "\"run_at\":\"2031-01-31T08:00:00Z\",\"max_attempts\":3,\"priority\":-1}");
        assertThat(called.progress())
                .extracting(JsonNode::toString)
                .singleElement()
                .asString()
                .contains("\"step\":1", "\"steps\":2", "reading");
        assertThat(called.error()).isNull();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void seesTheCodeOfWhatWasRefusedForGood(boolean later) {
        Called called = call(
                later,
                (payload, context) -> {
                    throw PermanentFailure.withCode("SNAPSHOT_NOT_SEALED", "snapshot 12 is open");
                },
                "{}");

        assertThat(called.outcome()).isEqualTo(Outcome.DEAD);
        assertThat(called.code()).isEqualTo("SNAPSHOT_NOT_SEALED");
        assertThat(called.error()).isEqualTo("SNAPSHOT_NOT_SEALED: snapshot 12 is open");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void seesWhenToTryAgainAndWhatNobodyForesaw(boolean later) {
        Called busy = call(
                later,
                (payload, context) -> {
                    throw new RetryLater(Duration.ofSeconds(90), "the ledger is closed");
                },
                "{}");
        Called broken = call(
                later,
                (payload, context) -> {
                    throw new IllegalStateException("disk full");
                },
                "{}");

        assertThat(busy.outcome()).isEqualTo(Outcome.RETRY_LATER);
        assertThat(busy.retryAfter()).isEqualTo(Duration.ofSeconds(90));
        assertThat(broken.outcome()).isEqualTo(Outcome.RETRY);
        assertThat(broken.error()).isEqualTo("IllegalStateException: disk full");
        assertThat(broken.code()).isNull();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void seesWhatFailedElsewhereAndIsNotTheFunctionsFault(boolean later) {
        Called down = call(
                later,
                (payload, context) -> {
                    throw new UpstreamFailure("hooks.example.com answered 500", null);
                },
                "{}");
        Called busy = call(
                later,
                (payload, context) -> {
                    throw new UpstreamFailure(Duration.ofMillis(16_100), "hooks.example.com answered 429", null);
                },
                "{}");

        assertThat(down.status()).isEqualTo(later ? 202 : 425);
        assertThat(down.outcome()).isEqualTo(Outcome.RETRY);
        assertThat(down.error()).isEqualTo("hooks.example.com answered 500");
        assertThat(busy.outcome()).isEqualTo(Outcome.RETRY_LATER);
        assertThat(busy.retryAfter()).isEqualTo(Duration.ofSeconds(17));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void refusesAResultThatPosternWouldDropWithItsFollowUps(boolean later) {
        Called called = call(later, (payload, context) -> Answer.of("x".repeat(64 * 1024)), "{}");

        assertThat(called.outcome()).isEqualTo(Outcome.DEAD);
        assertThat(called.code()).isEqualTo("RESULT_TOO_LARGE");
        assertThat(call(later, (payload, context) -> Answer.of("x".repeat(64 * 1024 - 2)), "{}")
                        .outcome())
                .isEqualTo(Outcome.COMPLETE);
    }

    @Test
    void seesAPayloadThatCannotBeRead() {
        Called called = call(false, (payload, context) -> Answer.done(), "{\"name\":");

        assertThat(called.status()).isEqualTo(400);
        assertThat(called.outcome()).isEqualTo(Outcome.DEAD);
        assertThat(called.error()).startsWith("body: is not JSON");
    }

    @Test
    void callsWithTheHeadersOfAWorkerOrThoseOfTheTest() {
        JobFunction<JsonNode> tells = (payload, context) -> Answer.of(Map.of(
                "job",
                context.job(),
                "hasTime",
                context.timeLeft().orElseThrow().compareTo(Duration.ofSeconds(20)) > 0));
        try (var function = FunctionUnderTest.start(JsonNode.class, tells)) {
            function.call(Map.of());
            JsonNode second = function.call(Map.of(), "x-database-id", "tenant-b", "X-Actor-Id", "ada")
                    .result();

            assertThat(function.call(Map.of()).resultAs(Map.class)).containsEntry("hasTime", true);
            assertThat(second.path("hasTime").asBoolean()).isTrue();
            assertThat(second.at("/job/id").asText()).isEqualTo("2");
            assertThat(second.at("/job/databaseId").asText()).isEqualTo("tenant-b");
            assertThat(second.at("/job/actorId").asText()).isEqualTo("ada");
            assertThat(second.at("/job/idempotencyKey").asText()).isEqualTo("tenant-b:2");
        }
    }

    @Test
    void hasNoTimeLeftAfterTheDeadlineAndNoneToTellWithoutOne() {
        JobFunction<JsonNode> tells = (payload, context) ->
                Answer.of(context.timeLeft().map(Duration::toSeconds).orElse(-1L));
        Called late = call(false, tells, "{}", "X-Job-Deadline", "2020-01-01T00:00:00Z");
        Called open = call(false, tells, "{}", "X-Job-Deadline", "");

        assertThat(late.result().asLong()).isZero();
        assertThat(open.result().asLong()).isEqualTo(-1);
    }

    @Test
    void tellsTheFunctionThatItsJobWasCancelled() {
        JobFunction<JsonNode> patient =
                (payload, context) -> Answer.of(List.of(context.cancelled(), context.heartbeat(), context.cancelled()));
        try (var function = FunctionUnderTest.start(JsonNode.class, patient)) {
            assertThat(function.call("{}").result()).hasToString("[false,true,false]");
            assertThat(function.cancelling().call("{}").result()).hasToString("[false,false,true]");
        }
    }

    @Test
    void refusesCallsThatTheWorkerDidNotSign() {
        String secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        String other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        FunctionConfig config = FunctionConfig.defaults("signed").withSigning(SigningKeys.parse(secret));
        AtomicInteger ran = new AtomicInteger();
        JobFunction<JsonNode> counts = (payload, context) -> {
            ran.incrementAndGet();
            return Answer.done();
        };
        try (var function = FunctionUnderTest.start(config, JsonNode.class, counts)) {
            Called unsigned = function.call("{}");
            assertThat(unsigned.status()).isEqualTo(401);
            assertThat(unsigned.error()).contains("not signed");
            assertThat(function.signing(other).call("{}").status()).isEqualTo(401);
            assertThat(ran).hasValue(0);

            assertThat(function.signing(other + " " + secret).call("{}").status())
                    .isEqualTo(200);
        }
    }

    @Test
    void refusesFollowUpsWithoutAPlaceToTravelIn() {
        FollowUp next = FollowUp.of("next", Map.of());
        assertThatIllegalStateException().isThrownBy(() -> Results.json(Answer.of(List.of(), next)));
        assertThatIllegalStateException().isThrownBy(() -> Results.json(Answer.of(Map.of("jobs", 1), next)));
        assertThatIllegalArgumentException().isThrownBy(() -> FollowUp.of(" ", Map.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> next.withMaxAttempts(0));
        assertThatIllegalArgumentException().isThrownBy(() -> PermanentFailure.withCode("not sealed", "x"));
    }
}
