package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.Outcome;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of docs/protocol.md, row by row. */
class AnswerTableTest {

    private static final long JOB = 812;
    private static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");

    private final AnswerTable table =
            new AnswerTable(InstantSource.fixed(NOW), new Random(1), Duration.ofMinutes(5), Duration.ofHours(1));

    private Outcome outcome(int status, String body, String... headers) {
        MultiMap map = MultiMap.caseInsensitiveMultiMap().add("content-type", "application/json");
        for (int i = 0; i < headers.length; i += 2) {
            map.set(headers[i], headers[i + 1]);
        }
        return table.outcome(new DispatchResult.Answer(status, map, Buffer.buffer(body)), JOB)
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 203, 204, 206})
    void completes(int status) {
        assertThat(outcome(status, "")).isEqualTo(Outcome.Complete.EMPTY);
    }

    @Test
    void keepsAJsonBodyAsResult() {
        assertThat(outcome(200, "{\"n\": 1.10}")).isEqualTo(new Outcome.Complete("{\"n\": 1.10}", null));
    }

    @Test
    void keepsNoResultThatIsNotJsonOrTooLargeOrUnstorable() {
        assertThat(outcome(200, "hello", "content-type", "text/plain")).isEqualTo(Outcome.Complete.EMPTY);
        assertThat(outcome(200, "{broken")).isEqualTo(Outcome.Complete.EMPTY);
        assertThat(outcome(200, "\"" + "x".repeat(AnswerTable.RESULT_LIMIT) + "\""))
                .isEqualTo(Outcome.Complete.EMPTY);
        assertThat(outcome(200, "{\"a\":\"\\u0000\"}")).isEqualTo(Outcome.Complete.EMPTY);
    }

    @Test
    void losesNoFollowUpJobToWhatTheDatabaseCannotHold() {
        assertThat(outcome(200, "{\"a\":\"\\u0000\",\"jobs\":[{\"task\":\"next\"}]}"))
                .isEqualTo(new Outcome.Complete(null, "[{\"task\":\"next\"}]"));
        assertThat(outcome(200, "{\"jobs\":[{\"task\":\"next\",\"payload\":\"\\u0000\"}]}"))
                .isInstanceOf(Outcome.Dead.class);
    }

    @Test
    void takesFollowUpJobsOutOfTheResult() {
        assertThat(outcome(200, "{\"jobs\":[{\"task\":\"next\"}]}"))
                .isEqualTo(new Outcome.Complete("{\"jobs\":[{\"task\":\"next\"}]}", "[{\"task\":\"next\"}]"));
    }

    @Test
    void makesADeadLetterOfMalformedFollowUpJobs() {
        assertThat(outcome(200, "{\"jobs\":[{\"task\":\"next\"},{\"payload\":{}}]}"))
                .isEqualTo(
                        new Outcome.Dead(
                                200,
                                "the answer's follow-up jobs are malformed: jobs[1].task must be a non-empty string, is missing"));
    }

    @Test
    void failsASuccessThatSaysItIsAnError() {
        assertThat(outcome(200, "{\"message\":\"no such site\"}", "X-Job-Error", "true"))
                .isEqualTo(new Outcome.Retry(200, "HTTP 200: no such site", Duration.ZERO));
    }

    @ParameterizedTest
    @CsvSource({"'', 300", "900, 900", "7200, 3600", "0, 300", "soon, 300"})
    void waitsForTheCallbackOf202(String asked, long granted) {
        assertThat(outcome(202, "", "X-Job-Lease-Seconds", asked))
                .isEqualTo(new Outcome.Wait(Duration.ofSeconds(granted)));
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 409, 425, 500, 501, 505, 599})
    void triesAgain(int status) {
        assertThat(outcome(status, "{\"error\":\"busy\"}", "Retry-After", "7"))
                .isEqualTo(new Outcome.Retry(status, "HTTP " + status + ": busy", Duration.ofSeconds(7)));
    }

    @Test
    void treatsAMissingFunctionByItsOwnRule() {
        assertThat(outcome(404, "")).isEqualTo(new Outcome.Missing(404, "HTTP 404", Duration.ZERO));
    }

    @ParameterizedTest
    @CsvSource({"429, 10", "503, 10"})
    void backsOffWithoutChargeWhenAskedTo(int status, String retryAfter) {
        assertThat(outcome(status, "", "Retry-After", retryAfter))
                .isInstanceOfSatisfying(
                        Outcome.Backpressure.class,
                        o -> assertThat(o.delay()).isBetween(Duration.ofSeconds(10), Duration.ofSeconds(11)));
    }

    @Test
    void readsRetryAfterAsADateToo() {
        assertThat(outcome(429, "", "Retry-After", "Sun, 22 Nov 2026 12:01:40 GMT"))
                .isInstanceOfSatisfying(
                        Outcome.Backpressure.class,
                        o -> assertThat(o.delay()).isBetween(Duration.ofSeconds(100), Duration.ofSeconds(110)));
    }

    @Test
    void backsOffFrom429WithoutRetryAfter() {
        assertThat(outcome(429, "")).isInstanceOf(Outcome.Backpressure.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {502, 503, 504})
    void blamesTheInfrastructureForAGatewaysAnswer(int status) {
        assertThat(outcome(status, "")).isInstanceOf(Outcome.Infrastructure.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {502, 503, 504})
    void chargesTheFunctionForItsOwn(int status) {
        assertThat(outcome(status, "", "X-Job-Id", "812")).isInstanceOf(Outcome.Retry.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 405, 406, 410, 413, 415, 422, 451, 489})
    void isRefusedForGood(int status) {
        assertThat(outcome(status, "{\"detail\":\"no\"}"))
                .isEqualTo(new Outcome.Dead(status, "HTTP " + status + ": no"));
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 202, 429, 500, 503})
    void neverMeansNever(int status) {
        assertThat(outcome(status, "", "X-Job-Retry", "never")).isInstanceOf(Outcome.Dead.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 202, 429, 503})
    void snoozesWithoutCharge(int status) {
        assertThat(outcome(status, "", "X-Job-Retry", "after=30"))
                .isEqualTo(new Outcome.Snooze(Duration.ofSeconds(30)));
    }

    @Test
    void chargesAFailureThatWishesItsOwnDelay() {
        assertThat(outcome(500, "", "X-Job-Retry", "after=30"))
                .isEqualTo(new Outcome.Retry(500, "HTTP 500", Duration.ofSeconds(30)));
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 307, 308})
    void neverFollowsARedirect(int status) {
        assertThat(outcome(status, "", "Location", "http://elsewhere/"))
                .isEqualTo(new Outcome.Dead(
                        status,
                        "HTTP " + status + ": redirects are not followed; give the function's own URL (it points to"
                                + " http://elsewhere/)"));
    }

    @Test
    void chargesATimeOutButNotAMissingConnection() {
        assertThat(table.outcome(new DispatchResult.TimedOut("no answer within 300 s"), JOB))
                .contains(new Outcome.Retry(null, "no answer within 300 s", Duration.ZERO));
        assertThat(table.outcome(new DispatchResult.Unreachable("connection refused"), JOB))
                .contains(new Outcome.Infrastructure(null, "function not reached: connection refused", Duration.ZERO));
        assertThat(table.outcome(new DispatchResult.Aborted(), JOB)).isEqualTo(Optional.empty());
    }
}
