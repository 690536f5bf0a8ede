package dev.postern.worker;

import static dev.postern.worker.FakeFunction.answering;
import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.protocol.SigningKeys;
import dev.postern.sql.JobDatabase;
import dev.postern.worker.CallResult.Answered;
import dev.postern.worker.CallResult.Failed;
import dev.postern.worker.CallResult.Reason;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Functions called without a job: the same routes, time-outs and guards as jobs have, and none of a job's headers. */
class FunctionCallerTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Map<String, String> HEADERS =
            Map.of("X-Database-Id", JobDatabase.TENANT.toString(), "X-Request-Id", "req-7");

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    @Test
    void handsOnWhateverTheFunctionAnswers() {
        fixture.function.answers(422, "{\"error\": \"no name\"}");

        Answered answer = (Answered) call(fixture.start().worker().functions(), "hello world");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.body()).hasToString("{\"error\": \"no name\"}");
        FakeFunction.Call seen = fixture.function.calls.getFirst();
        assertThat(seen.path()).isEqualTo("/hello%20world");
        assertThat(seen.body()).isEqualTo("{\"n\": 1}");
        assertThat(seen.header("X-Job-Task")).isEqualTo("hello world");
        assertThat(seen.header("X-Request-Id")).isEqualTo("req-7");
        assertThat(Instant.parse(seen.header("X-Job-Deadline")))
                .isBeforeOrEqualTo(Instant.now().plus(MINUTE));
        assertThat(seen.headers().names())
                .noneMatch(name -> name.matches("(?i)X-Job-Id|X-Callback-Url|X-Job-Attempt|X-Job-Lease-Seconds"));
    }

    @Test
    void signsCallsWithoutAJobUnderTheRequestsId() {
        SigningKeys keys = SigningKeys.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        call(
                fixture.start(config -> config.withSigning(keys).withCloudEvents(true))
                        .worker()
                        .functions(),
                "ping");

        FakeFunction.Call seen = fixture.function.calls.getFirst();
        assertThat(seen.header("webhook-id")).isEqualTo("req-7");
        assertThat(seen.header("ce-type")).isEqualTo("dev.postern.call");
        assertThat(keys.refusal(
                        "req-7",
                        seen.header("webhook-timestamp"),
                        seen.header("webhook-signature"),
                        seen.body().getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        Instant.now()))
                .isNull();
    }

    @Test
    void saysWhyThereIsNoAnswer() {
        FunctionCaller functions = fixture.start().worker().functions();
        fixture.function.answers(request -> {});
        assertThat(reason(await(functions
                        .call("slow", HEADERS, Buffer.buffer("{}"), Duration.ofMillis(200))
                        .result())))
                .isEqualTo(Reason.TIMED_OUT);
        fixture.function.answers(request -> request.connection().close());
        assertThat(reason(call(functions, "gone"))).isEqualTo(Reason.UNREACHABLE);
        fixture.function.answers(200, "x".repeat((1 << 20) + 1));
        assertThat(reason(call(functions, "large"))).isEqualTo(Reason.UNREADABLE);
        fixture.noRoute();
        assertThat(reason(call(fixture.start().worker().functions(), "homeless")))
                .isEqualTo(Reason.NO_ROUTE);
    }

    @Test
    void aFunctionSeesItsCallerHangUp() throws Exception {
        BlockingQueue<HttpServerRequest> arrived = new LinkedBlockingQueue<>();
        CompletableFuture<Void> closed = new CompletableFuture<>();
        fixture.function.answers(request -> {
            request.connection().closeHandler(closed::complete);
            arrived.add(request);
        });
        FunctionCaller.Call call =
                fixture.start().worker().functions().call("slow", HEADERS, Buffer.buffer("{}"), MINUTE);
        assertThat(arrived.poll(20, TimeUnit.SECONDS)).isNotNull();

        call.abort();

        assertThat(reason(await(call.result()))).isEqualTo(Reason.ABORTED);
        closed.get(20, TimeUnit.SECONDS);
    }

    /** What calls show holds for jobs: an open breaker keeps them unclaimed, and refuses further calls at once. */
    @Test
    void sharesTheBreakerWithTheJobsOfItsWorker() {
        SettableClock clock = new SettableClock();
        fixture.clock = clock;
        FunctionCaller functions = fixture.start().worker().functions();
        fixture.function.answers(500, "{}");
        for (int i = 0; i < TargetGuard.CALLS_MIN; i++) {
            assertThat(((Answered) call(functions, "broken")).status()).isEqualTo(500);
        }
        fixture.eventually(() -> fixture.events.contains("opened broken"));

        Failed refused = (Failed) call(functions, "broken");

        assertThat(refused.reason()).isEqualTo(Reason.SPARED);
        assertThat(refused.retryAfter()).isPositive();
        assertThat(fixture.function.calls).hasSize(TargetGuard.CALLS_MIN);
    }

    @Test
    void worksWithoutAWorker() {
        FunctionCaller functions = FunctionCaller.withoutWorker(
                fixture.vertx,
                new TaskRouter(Map.of("mapped", fixture.function.url() + "/own"), Optional.empty()),
                WorkerConfig.defaults("no-worker", WorkerFixture.CALLBACK),
                InstantSource.system(),
                new Random(7));
        fixture.function.answers(answering(201, "7"));

        assertThat(((Answered) call(functions, "mapped")).status()).isEqualTo(201);
        assertThat(fixture.function.calls.getFirst().path()).isEqualTo("/own");
        assertThat(reason(call(functions, "other"))).isEqualTo(Reason.NO_ROUTE);
        await(functions.close());
    }

    private static CallResult call(FunctionCaller functions, String task) {
        return await(functions
                .call(task, HEADERS, Buffer.buffer("{\"n\": 1}"), MINUTE)
                .result());
    }

    private static Reason reason(CallResult result) {
        return ((Failed) result).reason();
    }
}
