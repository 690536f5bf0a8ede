package dev.postern.functions.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.functions.protocol.SigningKeys;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The test kit: a function behind its real server on a free port of loopback, called as a worker calls it, with a callback
 * server that hears what it reports. No database, no worker.
 *
 * <pre>{@code
 * try (var function = FunctionUnderTest.start(Greeting.class, new Greet())) {
 *     var called = function.call("{\"name\": \"Ada\"}");
 *     assertThat(called.outcome()).isEqualTo(Outcome.COMPLETE);
 *     assertThat(called.result().path("greeting").asText()).isEqualTo("hello, Ada");
 *     assertThat(function.call("{}").error()).isEqualTo("name: is missing");
 * }
 * }</pre>
 *
 * <p>One call at a time. What goes wrong in the kit itself is an {@link AssertionError}.
 */
public final class FunctionUnderTest<P> implements AutoCloseable {

    /** The tenant of every call that names no other. */
    public static final String TENANT = "00000000-0000-0000-0000-000000000001";

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** The statuses below 500 that do not end a job at once. */
    private static final List<Integer> TRIED_AGAIN = List.of(404, 408, 409, 425, 429);

    private static final Pattern CODE = Pattern.compile("([A-Z][A-Z0-9_]*): .*", Pattern.DOTALL);

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final FunctionServer<P> server;
    private final URI url;
    private SigningKeys signing = SigningKeys.NONE;
    private boolean cancelling;
    private long jobs;

    /** What a job would come to. */
    public enum Outcome {
        /** Done, with a result. */
        COMPLETE,
        /** Tried again, after a delay that the queue chooses. */
        RETRY,
        /** Tried again after a time that the function named. */
        RETRY_LATER,
        /** A dead letter. */
        DEAD
    }

    /**
     * What the worker and the callback server heard of one call.
     *
     * @param status of the answer; 202 where the outcome was reported later
     * @param outcome what becomes of the job
     * @param result the JSON result without its follow-up jobs; missing where the job is not complete
     * @param followUps the jobs that the completion adds, as objects with {@code task}, {@code payload} and so on
     * @param progress what was reported on the way, as objects with {@code percent} or {@code step} and {@code steps}, and
     *     {@code message}
     * @param error what a person will read in {@code last_error}; {@code null} where the job is complete
     * @param code the code that the error begins with; {@code null} where it has none
     * @param retryAfter the time that the function named; {@code null} where it named none
     */
    public record Called(
            int status,
            Outcome outcome,
            JsonNode result,
            List<JsonNode> followUps,
            List<JsonNode> progress,
            @Nullable String error,
            @Nullable String code,
            @Nullable Duration retryAfter) {

        /** The result read into a type, such as the record that the function answered. */
        public <T> T resultAs(Class<T> type) {
            try {
                return Payloads.JSON.treeToValue(result, type);
            } catch (JsonProcessingException e) {
                throw new AssertionError("the result is no " + type.getSimpleName() + ": " + result, e);
            }
        }
    }

    private FunctionUnderTest(FunctionConfig config, Class<P> payloadType, JobFunction<P> function) {
        server = new FunctionServer<>(
                vertx, payloadType, function, config, Clock.systemUTC(), RandomGenerator.getDefault());
        url = URI.create("http://127.0.0.1:" + within(server.start()) + "/" + config.name());
    }

    /**
     * Starts it with the runtime's defaults.
     *
     * @param payloadType what a payload is read into
     */
    public static <P> FunctionUnderTest<P> start(Class<P> payloadType, JobFunction<P> function) {
        return start(FunctionConfig.defaults("function-under-test"), payloadType, function);
    }

    /** Starts it on a free port of loopback, and otherwise as {@code config} says. */
    public static <P> FunctionUnderTest<P> start(FunctionConfig config, Class<P> payloadType, JobFunction<P> function) {
        return new FunctionUnderTest<>(config.withAddress("127.0.0.1", 0), payloadType, function);
    }

    /** Where it listens, for what the kit does not do. */
    public URI url() {
        return url;
    }

    /** From here on calls are signed, as by a worker with these secrets. */
    public FunctionUnderTest<P> signing(String secrets) {
        signing = SigningKeys.parse(secrets);
        return this;
    }

    /** From here on each heartbeat and progress report is answered 410: the job was cancelled. */
    public FunctionUnderTest<P> cancelling() {
        cancelling = true;
        return this;
    }

    /**
     * Calls it with a payload and waits for the outcome, at most 30 s.
     *
     * @param payload JSON text, or anything that Jackson writes
     * @param headers names and values in turn, such as {@code "X-Database-Id", tenant}; they stand before the kit's own
     */
    public Called call(Object payload, String... headers) {
        try (FakeCallbackServer callbacks = new FakeCallbackServer()) {
            if (cancelling) {
                callbacks.answersAlways("heartbeat", 410, "{}").answersAlways("progress", 410, "{}");
            }
            String body = payload instanceof String text ? text : Payloads.JSON.writeValueAsString(payload);
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(url).timeout(PATIENCE).POST(HttpRequest.BodyPublishers.ofString(body));
            headers(callbacks.url(), body, headers).forEach(request::setHeader);
            HttpResponse<String> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 202 ? reported(callbacks) : answered(answer, callbacks.all("progress"));
        } catch (IOException e) {
            throw new AssertionError("the function did not answer: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while the function worked", e);
        }
    }

    private Map<String, String> headers(String callbackUrl, String body, String... others) {
        jobs++;
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        headers.putAll(Map.of(
                "Content-Type",
                "application/json",
                JobHeaders.JOB_ID,
                Long.toString(jobs),
                JobHeaders.DATABASE_ID,
                TENANT,
                JobHeaders.WORKER_ID,
                "worker.test",
                JobHeaders.ATTEMPT,
                "1",
                JobHeaders.MAX_ATTEMPTS,
                "25",
                JobHeaders.DEADLINE,
                Clock.systemUTC().instant().plus(PATIENCE).toString(),
                // Heartbeats come each third of it.
                JobHeaders.LEASE_SECONDS,
                "1",
                JobHeaders.CALLBACK_URL,
                callbackUrl));
        if (others.length % 2 != 0) {
            throw new IllegalArgumentException("headers are names and values in turn");
        }
        for (int i = 0; i < others.length; i += 2) {
            headers.put(others[i], others[i + 1]);
        }
        String key = headers.get(JobHeaders.DATABASE_ID) + ":" + headers.get(JobHeaders.JOB_ID);
        headers.putIfAbsent(JobHeaders.IDEMPOTENCY_KEY, key);
        if (!signing.isEmpty()) {
            long now = Clock.systemUTC().instant().getEpochSecond();
            headers.put(JobHeaders.WEBHOOK_ID, key);
            headers.put(JobHeaders.WEBHOOK_TIMESTAMP, Long.toString(now));
            headers.put(JobHeaders.WEBHOOK_SIGNATURE, signing.sign(key, now, body.getBytes(StandardCharsets.UTF_8)));
        }
        return headers;
    }

    private static Called answered(HttpResponse<String> answer, List<JsonNode> progress) {
        JsonNode body = tree(answer.body());
        if (answer.statusCode() < 300) {
            return complete(answer.statusCode(), body, progress);
        }
        String error = body.path("detail").asText(answer.body());
        Duration retryAfter = answer.headers()
                .firstValue("Retry-After")
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)))
                .orElse(null);
        boolean never = answer.headers()
                .firstValue(JobHeaders.JOB_RETRY)
                .filter("never"::equals)
                .isPresent();
        boolean refused = answer.statusCode() < 500 && !TRIED_AGAIN.contains(answer.statusCode());
        return failed(answer.statusCode(), never || refused, error, retryAfter, progress);
    }

    private static Called reported(FakeCallbackServer callbacks) throws InterruptedException {
        FakeCallbackServer.Heard outcome = callbacks.outcome();
        List<JsonNode> progress = callbacks.all("progress");
        if (outcome.action().equals("complete")) {
            return complete(202, outcome.body(), progress);
        }
        JsonNode body = outcome.body();
        long seconds = body.path("retryAfterSeconds").asLong();
        return failed(
                202,
                !body.path("retry").asBoolean(true),
                body.path("error").asText(),
                seconds == 0 ? null : Duration.ofSeconds(seconds),
                progress);
    }

    private static Called complete(int status, JsonNode body, List<JsonNode> progress) {
        List<JsonNode> followUps = new ArrayList<>();
        body.path("jobs").forEach(followUps::add);
        if (!followUps.isEmpty()) {
            ((ObjectNode) body).remove("jobs");
        }
        return new Called(status, Outcome.COMPLETE, body, followUps, progress, null, null, null);
    }

    private static Called failed(
            int status, boolean dead, String error, @Nullable Duration retryAfter, List<JsonNode> progress) {
        Outcome outcome = dead ? Outcome.DEAD : retryAfter == null ? Outcome.RETRY : Outcome.RETRY_LATER;
        Matcher code = CODE.matcher(error);
        JsonNode nothing = Payloads.JSON.missingNode();
        return new Called(
                status,
                outcome,
                nothing,
                List.of(),
                progress,
                error,
                code.matches() ? code.group(1) : null,
                retryAfter);
    }

    private static JsonNode tree(String json) {
        try {
            return Payloads.JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException("the function answered no JSON: " + json, e);
        }
    }

    /** Waits for calls that run, then closes everything. */
    @Override
    public void close() {
        client.shutdownNow();
        // One after the other: a future that hangs on a closed event loop is never told.
        within(server.drain());
        within(server.stop());
        within(vertx.close());
    }

    private static <T> T within(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .join();
    }
}
