package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class FunctionServerTest {

    record Greeting(
            @Nullable String name, int times, @Nullable Instant at) {}

    private static final JobFunction<Greeting> GREET =
            (greeting, context) -> Answer.of(Map.of("greeted", String.valueOf(greeting.name())));

    @Test
    void answersTheResultAsJsonAndEchoesTheJobId() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            var answer = function.post("{\"name\":\"Ada\",\"unknown\":1}", "X-Job-Id", "812");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
            assertThat(answer.headers().firstValue("X-Job-Id")).hasValue("812");
            assertThat(answer.body()).isEqualTo("{\"greeted\":\"Ada\"}");
        }
    }

    @Test
    void callsTheFunctionUnderAnyPath() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            var answer = function.send(function.request("/greet")
                    .POST(HttpRequest.BodyPublishers.ofString("{}"))
                    .build());

            assertThat(answer.statusCode()).isEqualTo(200);
        }
    }

    @Test
    void readsAnEmptyBodyAsAnEmptyObject() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.of(payload))) {
            assertThat(function.post("").body()).isEqualTo("{}");
        }
    }

    @Test
    void answersAnEmptyObjectWhenThereIsNothingToSay() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.done())) {
            assertThat(function.post("{}").body()).isEqualTo("{}");
        }
    }

    @Test
    void runsTheFunctionOnAVirtualThreadOfItsOwn() throws Exception {
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> Answer.of(List.of(
                        Thread.currentThread().isVirtual(),
                        Thread.currentThread().getName())))) {
            assertThat(function.post("{}", "X-Job-Id", "9").body()).isEqualTo("[true,\"job-9\"]");
        }
    }

    @Test
    void givesTheFunctionWhatTheHeadersSay() throws Exception {
        CompletableFuture<Job> seen = new CompletableFuture<>();
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> {
            seen.complete(context.job());
            return Answer.done();
        })) {
            function.post(
                    "{}",
                    "X-Job-Id",
                    "812",
                    "X-Job-Task",
                    "export-report",
                    "X-Job-Attempt",
                    "3",
                    "X-Job-Max-Attempts",
                    "25",
                    "X-Job-Deadline",
                    "2026-11-22T10:00:00Z",
                    "X-Database-Id",
                    "db",
                    "X-Worker-Id",
                    "worker-a",
                    "X-Actor-Id",
                    "actor",
                    "X-Entity-Id",
                    "entity",
                    "X-Request-Id",
                    "request",
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    "Idempotency-Key",
                    "key");
        }

        Job job = seen.get(1, TimeUnit.SECONDS);
        assertThat(job)
                .isEqualTo(new Job(
                        "812",
                        "export-report",
                        3,
                        25,
                        Instant.parse("2026-11-22T10:00:00Z"),
                        "db",
                        "worker-a",
                        "actor",
                        "entity",
                        "request",
                        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                        "key"));
        assertThat(job.traceId()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
    }

    @Test
    void takesACallWithoutHeadersAsTheFirstAttemptOfItsOwnTask() throws Exception {
        CompletableFuture<Job> seen = new CompletableFuture<>();
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> {
            seen.complete(context.job());
            return Answer.done();
        })) {
            function.post("{}");
        }

        assertThat(seen.get(1, TimeUnit.SECONDS))
                .isEqualTo(new Job(null, "tested", 1, null, null, null, null, null, null, null, null, null));
    }

    @Test
    void answersBadRequestNamingTheFieldOfTheWrongKind() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            var answer = function.post("{\"name\":\"Ada\",\"times\":\"secret-value\"}", "X-Job-Id", "812");

            JsonNode problem = problem(answer, 400);
            assertThat(problem.path("field").asText()).isEqualTo("times");
            assertThat(problem.path("detail").asText()).contains("times").doesNotContain("secret-value");
            assertThat(answer.headers().firstValue("X-Job-Id")).hasValue("812");
        }
    }

    @Test
    void answersBadRequestNamingTheBodyThatIsNotJson() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            assertThat(problem(function.post("{\"name\":"), 400).path("field").asText())
                    .isEqualTo("body");
            assertThat(problem(function.post("{} {}"), 400).path("field").asText())
                    .isEqualTo("body");
            assertThat(problem(function.post("null"), 400).path("field").asText())
                    .isEqualTo("body");
            assertThat(problem(function.post("[]"), 400).path("field").asText()).isEqualTo("body");
        }
    }

    @Test
    void answersBadRequestNamingTheHeaderThatCannotBeRead() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            assertThat(problem(function.post("{}", "X-Job-Attempt", "0"), 400)
                            .path("field")
                            .asText())
                    .isEqualTo("X-Job-Attempt");
            assertThat(problem(function.post("{}", "X-Job-Deadline", "soon"), 400)
                            .path("field")
                            .asText())
                    .isEqualTo("X-Job-Deadline");
            assertThat(problem(function.post("{}", "X-Callback-Url", "ftp://x/secret"), 400)
                            .toString())
                    .contains("X-Callback-Url")
                    .doesNotContain("secret");
        }
    }

    @Test
    void answersBadRequestNamingTheFieldThatTheFunctionRefuses() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, (payload, context) -> {
            throw new BadPayload("name", "must not be empty");
        })) {
            JsonNode problem = problem(function.post("{}"), 400);

            assertThat(problem.path("field").asText()).isEqualTo("name");
            assertThat(problem.path("detail").asText()).isEqualTo("name: must not be empty");
        }
    }

    @Test
    void answersPermanentFailuresSoThatNobodyTriesAgain() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, (payload, context) -> {
            if (payload.times() == 0) {
                throw new PermanentFailure("the account is closed");
            }
            throw new PermanentFailure(payload.times(), "already there", null);
        })) {
            var unprocessable = function.post("{}");
            var conflict = function.post("{\"times\":409}");

            assertThat(problem(unprocessable, 422).path("detail").asText()).isEqualTo("the account is closed");
            assertThat(unprocessable.headers().firstValue("X-Job-Retry")).hasValue("never");
            problem(conflict, 409);
            assertThat(conflict.headers().firstValue("X-Job-Retry")).hasValue("never");
        }
    }

    @Test
    void answersRetryLaterWithTheTimeInWholeSeconds() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, (payload, context) -> {
            throw new RetryLater(Duration.ofMillis(payload.times()), "the provider is busy");
        })) {
            var busy = function.post("{\"times\":1200}");

            problem(busy, 503);
            assertThat(busy.headers().firstValue("Retry-After")).hasValue("2");
            assertThat(function.post("{}").headers().firstValue("Retry-After")).hasValue("1");
        }
    }

    @Test
    void answersUnforeseenFailuresWithoutAStackTrace() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, (payload, context) -> {
            if (payload.times() == 0) {
                throw new IllegalStateException("no connection");
            }
            throw new StackOverflowError();
        })) {
            JsonNode problem = problem(function.post("{}", "X-Job-Id", "812"), 500);
            assertThat(problem.path("detail").asText()).isEqualTo("IllegalStateException: no connection");
            assertThat(problem.toString()).doesNotContain("at dev.postern");

            problem(function.post("{\"times\":1}"), 500);
        }
    }

    @Test
    void answersAResultThatIsNoJsonAsAFailure() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, (payload, context) -> Answer.of(new Object()))) {
            problem(function.post("{}"), 500);
        }
    }

    @Test
    void refusesABodyBeyondTheLimitAndTakesOneAtTheLimit() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.done())) {
            String atLimit = "\"" + "x".repeat(RunningFunction.BODY_LIMIT - 2) + "\"";

            assertThat(function.post(atLimit).statusCode()).isEqualTo(200);
            var refused = function.post(atLimit + " ", "X-Job-Id", "812");
            assertThat(problem(refused, 413).path("detail").asText()).contains("2000");
            assertThat(refused.headers().firstValue("X-Job-Id")).hasValue("812");
        }
    }

    @Test
    void refusesAnEndlessBodyWithoutReadingItToTheEnd() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> Answer.done());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), function.port())) {
            socket.getOutputStream()
                    .write("POST / HTTP/1.1\r\nHost: x\r\nX-Job-Id: 5\r\nContent-Length: 1000000000\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));

            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);

            assertThat(answer).startsWith("HTTP/1.1 413").containsIgnoringCase("X-Job-Id: 5");
        }
    }

    @Test
    void tellsThatItIsUpAndThatOnlyPostCallsIt() throws Exception {
        try (var function = new RunningFunction<>(Greeting.class, GREET)) {
            assertThat(function.send(function.request("/healthz").build()).statusCode())
                    .isEqualTo(200);
            var get =
                    function.send(function.request("/").header("X-Job-Id", "1").build());
            problem(get, 405);
            assertThat(get.headers().firstValue("Allow")).hasValue("POST");
            assertThat(get.headers().firstValue("X-Job-Id")).hasValue("1");
        }
    }

    @Test
    void staysWithHttp11WhenAskedToUpgrade() throws Exception {
        try (var function = new RunningFunction<>(JsonNode.class, (payload, job) -> Answer.done())) {
            HttpResponse<String> health = function.send(function.request("/healthz")
                    .version(HttpClient.Version.HTTP_2)
                    .build());
            assertThat(health.statusCode()).isEqualTo(200);
            assertThat(health.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
        }
    }

    @Test
    void turnsCallsAwayWhileDrainingAndFinishesWhatRuns() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> {
            begun.countDown();
            goOn.await();
            return Answer.of("finished");
        })) {
            CompletableFuture<HttpResponse<String>> call = function.client()
                    .sendAsync(
                            function.request("/")
                                    .POST(HttpRequest.BodyPublishers.ofString("{}"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            CompletableFuture<List<Job>> drained = function.drain();

            assertThat(function.send(function.request("/healthz").build()).statusCode())
                    .isEqualTo(503);
            var away = function.post("{}", "X-Job-Id", "812");
            problem(away, 503);
            assertThat(away.headers().firstValue("Retry-After")).hasValue("1");
            assertThat(away.headers().firstValue("X-Job-Id")).hasValue("812");
            assertThat(drained).isNotDone();

            goOn.countDown();
            assertThat(call.get(20, TimeUnit.SECONDS).body()).isEqualTo("\"finished\"");
            assertThat(drained.get(20, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void namesWhatTheGraceDidNotSufficeFor() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (var function = new RunningFunction<>(
                JsonNode.class,
                (payload, context) -> {
                    begun.countDown();
                    goOn.await();
                    return Answer.done();
                },
                Duration.ofMillis(1),
                Duration.ofSeconds(1))) {
            function.client()
                    .sendAsync(
                            function.request("/")
                                    .header("X-Job-Id", "812")
                                    .POST(HttpRequest.BodyPublishers.ofString("{}"))
                                    .build(),
                            HttpResponse.BodyHandlers.discarding())
                    .exceptionally(cut -> null);
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();

            assertThat(function.drain().get(20, TimeUnit.SECONDS))
                    .extracting(Job::id)
                    .containsExactly("812");
            goOn.countDown();
        }
    }

    @Test
    void tellsTheFunctionThatItsCallerHungUp() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Boolean> noticed = new CompletableFuture<>();
        try (var function = new RunningFunction<>(JsonNode.class, (payload, context) -> {
            begun.countDown();
            while (!context.cancelled()) {
                Thread.onSpinWait();
            }
            noticed.complete(true);
            return Answer.done();
        })) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), function.port())) {
                socket.getOutputStream()
                        .write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            }

            assertThat(noticed.get(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static JsonNode problem(HttpResponse<String> answer, int status) throws Exception {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = Payloads.JSON.readTree(answer.body());
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("type").asText()).startsWith("urn:postern:problem:");
        assertThat(problem.path("title").asText()).isNotBlank();
        assertThat(problem.path("detail").asText()).isNotBlank();
        return problem;
    }
}
