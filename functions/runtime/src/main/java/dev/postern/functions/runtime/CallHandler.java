package dev.postern.functions.runtime;

import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One POST from its headers to its answer. The event loop reads the body and writes the answer; in between a virtual
 * thread runs the function. Every answer echoes {@code X-Job-Id}: that is how the worker tells this function's own 502
 * from that of a proxy on the way.
 */
final class CallHandler<P> {

    private static final Logger LOG = LoggerFactory.getLogger(CallHandler.class);

    /** Up to this many times the limit, a body that is too large is read to its end, so that the caller hears why. */
    private static final int PATIENCE = 8;

    private static final Duration WRITE_BOUND = Duration.ofSeconds(30);

    private final Vertx vertx;
    private final RunningCalls running;
    private final FunctionMetrics metrics;
    private final @Nullable Traces traces;
    private final CallbackClient callbacks;
    private final Payloads<P> payloads;
    private final JobFunction<P> function;
    private final FunctionConfig config;
    private final Moment moment;

    /** Who looks on. */
    record Watch(
            RunningCalls running,
            FunctionMetrics metrics,
            @Nullable Traces traces) {}

    /** What time and chance come from. */
    record Moment(Clock clock, RandomGenerator random) {}

    CallHandler(
            Vertx vertx,
            Watch watch,
            CallbackClient callbacks,
            Payloads<P> payloads,
            JobFunction<P> function,
            FunctionConfig config,
            Moment moment) {
        this.vertx = vertx;
        this.running = watch.running();
        this.metrics = watch.metrics();
        this.traces = watch.traces();
        this.callbacks = callbacks;
        this.payloads = payloads;
        this.function = function;
        this.config = config;
        this.moment = moment;
    }

    /** On the event loop. */
    void accept(HttpServerRequest request) {
        if (running.draining()) {
            turnAway(request);
            return;
        }
        new BodyReader(request).read();
    }

    /** 503 with Retry-After costs the job no attempt; another instance will have it. */
    private void turnAway(HttpServerRequest request) {
        write(
                request,
                Reply.problem(
                        503,
                        "draining",
                        "The function is stopping",
                        config.name() + " finishes what it has and takes no new calls",
                        Map.of(),
                        Map.of("Retry-After", "1")));
    }

    private void start(HttpServerRequest request, byte[] body) {
        LiveCall call;
        try {
            call = liveCall(request.headers());
        } catch (BadPayload e) {
            write(request, Reply.failure(e));
            return;
        }
        if (!running.enter(call)) {
            turnAway(request);
            return;
        }
        HttpServerResponse response = request.response();
        response.closeHandler(closed -> {
            if (!response.ended()) {
                call.cancel();
            }
        });
        if (response.closed()) {
            call.cancel();
        }
        Context context = vertx.getOrCreateContext();
        Thread.ofVirtual()
                .name(call.job().id() == null ? "call" : "job-" + call.job().id())
                .start(() -> {
                    call.nameInLogs();
                    Instant begun = moment.clock().instant();
                    try {
                        run(call, request, context, body);
                    } finally {
                        if (traces != null) {
                            traces.ended(call.job(), begun, moment.clock().instant(), call.failure());
                        }
                        running.leave(call);
                    }
                });
    }

    private LiveCall liveCall(MultiMap headers) {
        Job job = Job.from(headers, config.name());
        String url = Job.text(headers, JobHeaders.CALLBACK_URL);
        return new LiveCall(job, url == null ? null : callback(url, job), moment.clock());
    }

    private Callback callback(String url, Job job) {
        try {
            URI parsed = URI.create(url);
            if (parsed.getHost() != null && ("http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme()))) {
                return new Callback(callbacks, metrics, parsed, job, config.callbacks(), moment);
            }
        } catch (IllegalArgumentException e) {
            // falls through to the one sentence that covers both mistakes, which does not repeat the token
        }
        throw new BadPayload(JobHeaders.CALLBACK_URL, "the header must be an http or https URL with a host");
    }

    /** On the call's virtual thread. */
    private void run(LiveCall call, HttpServerRequest request, Context context, byte[] body) {
        long started = System.nanoTime();
        Reply reply;
        try {
            String refusal = signatureRefusal(request.headers(), body);
            if (refusal != null) {
                send(
                        request,
                        context,
                        Reply.problem(401, "invalid-signature", "The call is not the worker's", refusal),
                        started);
                return;
            }
            switch (function.handle(payloads.read(body), call)) {
                case Answer.Result result -> reply = Reply.result(Buffer.buffer(Results.json(result)));
                case Answer.Later later -> {
                    Callback callback = call.callback();
                    if (callback != null) {
                        // The lease is read before the 202, while a bad header can still be answered.
                        Duration lease = lease(request.headers());
                        if (send(request, context, Reply.accepted(), started)) {
                            goOn(call, callback, lease, later.work(), started);
                        }
                        return;
                    }
                    reply = Reply.result(Buffer.buffer(Results.json(later.work().call())));
                }
            }
        } catch (Throwable e) {
            // Errors too: a StackOverflowError in one call is that call's failure, not the process's.
            note(call, e);
            reply = Reply.failure(e);
        }
        send(request, context, reply, started);
    }

    private @Nullable String signatureRefusal(MultiMap headers, byte[] body) {
        return config.signing().isEmpty()
                ? null
                : config.signing()
                        .refusal(
                                headers.get(JobHeaders.WEBHOOK_ID),
                                headers.get(JobHeaders.WEBHOOK_TIMESTAMP),
                                headers.get(JobHeaders.WEBHOOK_SIGNATURE),
                                body,
                                moment.clock().instant());
    }

    /** The heartbeat lasts until the outcome is reported: nobody else should start the job while it is being said. */
    private void goOn(LiveCall call, Callback callback, Duration lease, Callable<?> work, long started) {
        Heartbeat heartbeat = Heartbeat.start(callback, call, lease);
        try {
            byte[] result;
            try {
                result = Results.json(work.call());
            } catch (InterruptedException e) {
                throw e;
            } catch (Throwable e) {
                note(call, e);
                boolean retry = !(e instanceof BadPayload) && !(e instanceof PermanentFailure);
                metrics.ended("fail", System.nanoTime() - started);
                LOG.atInfo().addKeyValue("ms", millisSince(started)).log("accepted work failed");
                long retryAfterSeconds = switch (e) {
                    case RetryLater later -> later.seconds();
                    case UpstreamFailure upstream -> upstream.seconds();
                    default -> 0;
                };
                callback.fail(Reply.describe(e), retry, retryAfterSeconds);
                return;
            }
            metrics.ended("complete", System.nanoTime() - started);
            LOG.atInfo().addKeyValue("ms", millisSince(started)).log("accepted work complete");
            callback.complete(result);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            LOG.warn("accepted work interrupted: its lease will expire and the job will be tried again");
        } finally {
            heartbeat.stop();
        }
    }

    /** From the virtual thread; waits until the answer is written, so that a drain does not cut it off. */
    private boolean send(HttpServerRequest request, Context context, Reply reply, long started) {
        // Before the writing, so that who has the answer finds it counted.
        metrics.answered(reply.status(), System.nanoTime() - started);
        Future<Void> written = Future.future(
                promise -> context.runOnContext(now -> write(request, reply).onComplete(promise)));
        try {
            written.toCompletionStage().toCompletableFuture().get(WRITE_BOUND.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.atWarn()
                    .addKeyValue("status", reply.status())
                    .addKeyValue("ms", millisSince(started))
                    .log("nobody was there to hear the answer");
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        LOG.atInfo()
                .addKeyValue("status", reply.status())
                .addKeyValue("ms", millisSince(started))
                .log("call answered");
        return true;
    }

    /** On the event loop. */
    Future<Void> write(HttpServerRequest request, Reply reply) {
        HttpServerResponse response = request.response();
        if (response.ended() || response.closed()) {
            return Future.failedFuture("the caller hung up");
        }
        String jobId = request.getHeader(JobHeaders.JOB_ID);
        if (jobId != null) {
            response.putHeader(JobHeaders.JOB_ID, jobId);
        }
        reply.headers().forEach(response::putHeader);
        return response.setStatusCode(reply.status())
                .putHeader("Content-Type", reply.contentType())
                .end(reply.body());
    }

    private Duration lease(MultiMap headers) {
        Integer seconds = Job.count(headers, JobHeaders.LEASE_SECONDS);
        return seconds == null ? config.callbacks().lease() : Duration.ofSeconds(seconds);
    }

    /** What the author foresaw is a line; what nobody foresaw is a stack trace in the log (and only there). */
    private static void note(LiveCall call, Throwable failure) {
        if (failure instanceof FunctionFailure) {
            LOG.atInfo().addKeyValue("why", Reply.describe(failure)).log("the function refused the job");
        } else {
            call.failed(Reply.describe(failure));
            LOG.error("the function failed", failure);
        }
    }

    private static long millisSince(long started) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
    }

    /** Collects a body up to the limit, all on the event loop. */
    private final class BodyReader {

        private final HttpServerRequest request;
        private Buffer body = Buffer.buffer();
        private long received;
        private boolean answered;

        BodyReader(HttpServerRequest request) {
            this.request = request;
        }

        void read() {
            request.exceptionHandler(
                    e -> LOG.atInfo().addKeyValue("why", e.getMessage()).log("call broken off"));
            if (announced() > patience()) {
                refuseAndClose();
                return;
            }
            request.handler(this::take).endHandler(end -> finish());
        }

        private long announced() {
            String length = request.getHeader("Content-Length");
            try {
                return length == null ? 0 : Long.parseLong(length);
            } catch (NumberFormatException e) {
                return 0; // the HTTP decoder has the last word on it
            }
        }

        private long patience() {
            return (long) config.bodyLimit() * PATIENCE;
        }

        private void take(Buffer chunk) {
            received += chunk.length();
            if (received <= config.bodyLimit()) {
                body.appendBuffer(chunk);
            } else {
                body = Buffer.buffer();
                if (received > patience() && !answered) {
                    refuseAndClose();
                }
            }
        }

        private void finish() {
            if (answered) {
                return;
            }
            if (received > config.bodyLimit()) {
                write(request, tooLarge());
            } else {
                start(request, body.getBytes());
            }
        }

        private void refuseAndClose() {
            answered = true;
            request.response().putHeader("Connection", "close");
            write(request, tooLarge()).onComplete(sent -> request.connection().close());
        }

        private Reply tooLarge() {
            return Reply.problem(
                    413,
                    "body-too-large",
                    "The payload is too large",
                    "a payload may have " + config.bodyLimit() + " bytes; raise POSTERN_BODY_LIMIT_BYTES or send less");
        }
    }
}
