package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.Outcome;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each kind of answer says about its target. The bodies are those of Knative 1.x and Envoy. */
class TargetSignTest {

    private static final long JOB = 812;

    private final AnswerTable table =
            new AnswerTable(InstantSource.system(), new Random(1), Duration.ofMinutes(5), Duration.ofHours(1));

    private TargetSign sign(int status, String body, String... headers) {
        MultiMap map = MultiMap.caseInsensitiveMultiMap();
        for (int i = 0; i < headers.length; i += 2) {
            map.set(headers[i], headers[i + 1]);
        }
        DispatchResult answer = new DispatchResult.Answer(status, map, Buffer.buffer(body));
        return TargetSign.of(answer, table.outcome(answer, JOB)).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 202, 204, 302, 400, 401, 404, 408, 409, 422, 489})
    void whatIsAnsweredOnPurposeIsHealthy(int status) {
        assertThat(sign(status, "")).isEqualTo(new TargetSign.Healthy());
    }

    @Test
    void aWishIsHealthyWhateverItsStatus() {
        assertThat(sign(500, "", "X-Job-Retry", "never")).isEqualTo(new TargetSign.Healthy());
        assertThat(sign(503, "", "X-Job-Retry", "after=60")).isEqualTo(new TargetSign.Healthy());
        assertThat(sign(200, "{\"error\":\"x\"}", "X-Job-Error", "true")).isEqualTo(new TargetSign.Healthy());
    }

    @ParameterizedTest
    @CsvSource({"500, ''", "500, 812", "501, 812", "502, 812", "503, 812", "504, 812"})
    void theFunctionsOwnErrorsFail(int status, String echoed) {
        assertThat(sign(status, "", "X-Job-Id", echoed)).isEqualTo(new TargetSign.Failing("HTTP " + status));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "503|context deadline exceeded",
                "503|pending request queue full",
                "502|dial tcp 10.0.0.7:8080: connect: connection refused",
                "504|activator request timeout",
                "504|request timeout",
                "503|no healthy upstream",
                "503|upstream connect error or disconnect/reset before headers. reset reason: overflow",
                "504|upstream request timeout",
            })
    void whatStandsBeforeTheFunctionIsStrained(int status, String body) {
        // Envoy puts both on what it only passes on, too; they must make no difference.
        assertThat(sign(status, body, "server", "envoy", "x-envoy-upstream-service-time", "4"))
                .isEqualTo(new TargetSign.Strained("HTTP " + status));
        assertThat(sign(status, body)).isEqualTo(new TargetSign.Strained("HTTP " + status));
    }

    @Test
    void whoAsksForLessIsBusyAndPausesOnlyWhenItNamesATime() {
        assertThat(sign(429, "")).isEqualTo(new TargetSign.Busy(Duration.ZERO));
        assertThat(sign(429, "local_rate_limited", "x-envoy-ratelimited", "true"))
                .isEqualTo(new TargetSign.Busy(Duration.ZERO));
        for (int status : new int[] {429, 503}) {
            TargetSign.Busy busy = (TargetSign.Busy) sign(status, "", "Retry-After", "10");
            assertThat(busy.pause()).isBetween(Duration.ofSeconds(10), Duration.ofSeconds(11));
        }
    }

    @Test
    void noAnswerIsStrainedUnlessTheWorkerBrokeItOff() {
        assertThat(noAnswer(new DispatchResult.Unreachable("refused"))).contains(new TargetSign.Strained("refused"));
        assertThat(noAnswer(new DispatchResult.TimedOut("slow"))).contains(new TargetSign.Strained("slow"));
        assertThat(noAnswer(new DispatchResult.Garbled("smtp"))).contains(new TargetSign.Strained("smtp"));
        assertThat(noAnswer(new DispatchResult.Aborted())).isEmpty();
        assertThat(noAnswer(new DispatchResult.NoRoute("nowhere"))).isEmpty();
    }

    private Optional<TargetSign> noAnswer(DispatchResult result) {
        Optional<Outcome> outcome = table.outcome(result, JOB);
        return TargetSign.of(result, outcome);
    }
}
