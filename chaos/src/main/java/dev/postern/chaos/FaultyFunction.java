package dev.postern.chaos;

import dev.postern.chaos.Event.Dispatched;
import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A function for all tasks that misbehaves by the seed: the same call of the same job gets the same behaviour in each
 * run. Everything happens on one event loop; {@link #open}, {@link #close} and {@link #behave} may be called from any
 * other thread.
 */
final class FaultyFunction implements AutoCloseable {

    private final Vertx vertx;
    private final Context context;
    private final int port;
    private final long seed;
    private final Duration callbackLease;
    private final Recorder recorder;
    private final InstantSource clock;
    private final Reports reports;

    private final Map<Long, Integer> callsOfJob = new HashMap<>();
    private final AtomicInteger owed = new AtomicInteger();
    private int dispatches;
    private long offers;
    private @Nullable HttpServer server;

    /** Read on the event loop, set by the run when its faults are over. */
    private volatile boolean good;

    FaultyFunction(Vertx vertx, int port, long seed, Duration callbackLease, Recorder recorder, InstantSource clock) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.port = port;
        this.seed = seed;
        this.callbackLease = callbackLease;
        this.recorder = recorder;
        this.clock = clock;
        this.reports = new Reports(vertx, recorder, clock);
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Takes calls, as at first or again. */
    void open() {
        onContext(() -> {
            HttpServer opened = vertx.createHttpServer(new HttpServerOptions().setReuseAddress(true))
                    .requestHandler(this::take);
            server = opened;
            return opened.listen(port, "127.0.0.1");
        });
    }

    /** Closes the port and every connection; what was under way goes on without them. */
    @Override
    public void close() {
        onContext(() -> {
            HttpServer open = server;
            server = null;
            return open == null ? Future.succeededFuture() : open.close();
        });
    }

    /** From now on every call is answered 200 at once. */
    void behave() {
        good = true;
    }

    /** How many reports are still to be sent or answered. */
    int owed() {
        return owed.get() + reports.underWay();
    }

    private void take(HttpServerRequest request) {
        // A request that breaks off has never been a dispatch.
        request.body().onSuccess(body -> begin(request, body));
    }

    private void begin(HttpServerRequest request, Buffer body) {
        String callbackUrl = request.getHeader(JobHeaders.CALLBACK_URL);
        AttemptToken token = AttemptToken.decode(callbackUrl.substring(callbackUrl.lastIndexOf('/') + 1));
        int call = callsOfJob.merge(token.jobId(), 1, Integer::sum);
        SplittableRandom random = new SplittableRandom(seed + 1_000_003 * number(body, token) + 7 * call);
        Behaviour behaviour = good
                ? (random.nextBoolean() ? Behaviour.ANSWER_200 : Behaviour.ANSWER_200_WITH_RESULT)
                : Behaviour.drawn(random);
        int dispatch = ++dispatches;
        recorder.saw(new Dispatched(
                now(),
                dispatch,
                Long.parseLong(request.getHeader(JobHeaders.JOB_ID)),
                Integer.parseInt(request.getHeader(JobHeaders.ATTEMPT)),
                token.lease(),
                request.getHeader(JobHeaders.WORKER_ID),
                behaviour));
        new FunctionCall(this, request, behaviour, random, dispatch, token, callbackUrl).begin();
    }

    // The load's number where there is one: it is the same in each run, ids are not.
    private static long number(Buffer body, AttemptToken token) {
        return new JsonObject(body).getLong("n", token.jobId());
    }

    // The rest is for calls, on the event loop.

    Duration callbackLease() {
        return callbackLease;
    }

    Recorder recorder() {
        return recorder;
    }

    Reports reports() {
        return reports;
    }

    Instant now() {
        return clock.instant();
    }

    long nextOffer() {
        return ++offers;
    }

    /** Does something after a time, and counts it as owed until then. */
    void owing(long ms, Runnable step) {
        owed.incrementAndGet();
        vertx.setTimer(ms, fired -> {
            step.run();
            owed.decrementAndGet();
        });
    }

    private void onContext(Supplier<Future<?>> action) {
        Promise<Object> done = Promise.promise();
        context.runOnContext(ignored -> action.get().<Object>mapEmpty().onComplete(done));
        done.future().await();
    }
}
