package dev.postern.worker;

import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.ClaimedJob;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.StreamResetException;
import java.io.IOException;
import java.net.URI;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Sends one claimed job to its function and reports what came back. Connections are kept and pooled per function; never
 * follows a redirect; never fails its future: every end is a {@link DispatchResult}.
 */
final class FunctionDispatcher {

    /** Bytes of an answer that are read; beyond, the connection is given up. Results keep 64 KiB of them. */
    private static final int BODY_LIMIT = 1 << 20;

    /** Below the 5 s after which Node's HTTP server closes an idle connection under a client's feet. */
    private static final int KEEP_ALIVE_SECONDS = 4;

    private final Vertx vertx;
    private final HttpClientAgent client;
    private final WorkerConfig config;
    private final InstantSource clock;
    private final String callbackBase;

    FunctionDispatcher(Vertx vertx, WorkerConfig config, InstantSource clock) {
        this.vertx = vertx;
        this.config = config;
        this.clock = clock;
        this.callbackBase = callbackBase(config.callbackUrl());
        this.client = vertx.createHttpClient(
                new HttpClientOptions()
                        .setConnectTimeout((int) config.timeouts().connect().toMillis())
                        .setKeepAlive(true)
                        .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                        .setTcpNoDelay(true),
                new PoolOptions().setHttp1MaxSize(config.concurrency()));
    }

    Future<Void> close() {
        return client.close();
    }

    /** An exchange that is under way. */
    final class Exchange {

        private final ClaimedJob job;
        private final Optional<URI> url;
        private final Promise<DispatchResult> result = Promise.promise();
        private @Nullable HttpClientRequest request;
        private long timer = -1;
        private long sentAt;

        private Exchange(ClaimedJob job, Optional<URI> url) {
            this.job = job;
            this.url = url;
        }

        Future<DispatchResult> result() {
            return result.future();
        }

        /** Breaks the exchange off. The function sees its connection close. */
        void abort() {
            end(new DispatchResult.Aborted());
        }

        private void start() {
            if (url.isEmpty()) {
                end(new DispatchResult.NoRoute(
                        "no URL for task '" + job.task() + "': name it in POSTERN_FUNCTIONS or set FUNCTION_URL"));
                return;
            }
            RequestOptions options = new RequestOptions()
                    .setMethod(HttpMethod.POST)
                    .setAbsoluteURI(url.get().toString())
                    .setFollowRedirects(false)
                    .setHeaders(headers(job));
            client.request(options)
                    .onSuccess(this::send)
                    .onFailure(cause -> end(new DispatchResult.Unreachable(reason(cause))));
        }

        private void send(HttpClientRequest opened) {
            if (result.future().isComplete()) {
                opened.reset();
                return;
            }
            request = opened;
            sentAt = System.nanoTime();
            timer = vertx.setTimer(
                    Math.min(
                            config.timeouts().firstByte().toMillis(),
                            config.timeouts().total().toMillis()),
                    ignored -> end(new DispatchResult.TimedOut(
                            "no answer within " + config.timeouts().firstByte().toSeconds() + " s")));
            opened.send(Buffer.buffer(job.payload()))
                    .onSuccess(this::read)
                    .onFailure(cause -> end(
                            reset(cause)
                                    ? new DispatchResult.Unreachable(reason(cause))
                                    : new DispatchResult.Garbled(reason(cause))));
        }

        private void read(HttpClientResponse response) {
            if (result.future().isComplete()) {
                return;
            }
            vertx.cancelTimer(timer);
            long spentMs = (System.nanoTime() - sentAt) / 1_000_000;
            timer = vertx.setTimer(
                    Math.max(1, config.timeouts().total().toMillis() - spentMs),
                    ignored -> end(new DispatchResult.TimedOut("answer not complete within "
                            + config.timeouts().total().toSeconds() + " s")));
            Buffer body = Buffer.buffer();
            response.exceptionHandler(
                    cause -> end(new DispatchResult.Garbled("the answer broke off: " + reason(cause))));
            response.handler(chunk -> {
                body.appendBuffer(chunk);
                if (body.length() > BODY_LIMIT) {
                    end(new DispatchResult.Answer(response.statusCode(), response.headers(), null));
                }
            });
            response.endHandler(
                    ignored -> settle(new DispatchResult.Answer(response.statusCode(), response.headers(), body)));
        }

        /** Settles and closes the connection, which is in the middle of something. */
        private void end(DispatchResult how) {
            if (settle(how) && request != null) {
                request.reset();
            }
        }

        private boolean settle(DispatchResult how) {
            if (timer >= 0) {
                vertx.cancelTimer(timer);
            }
            return result.tryComplete(how);
        }
    }

    /** Sends the job to its URL; empty when nothing says where its task lives. */
    Exchange dispatch(ClaimedJob job, Optional<URI> url) {
        Exchange exchange = new Exchange(job, url);
        exchange.start();
        return exchange;
    }

    private MultiMap headers(ClaimedJob job) {
        AttemptToken token = new AttemptToken(
                job.attempt().jobId(), job.attempt().number(), job.attempt().lease());
        MultiMap headers = HttpHeaders.headers()
                .add(HttpHeaders.CONTENT_TYPE, "application/json")
                .add(HttpHeaders.ACCEPT, "application/json, application/problem+json")
                .add(HttpHeaders.USER_AGENT, "postern")
                .add(JobHeaders.JOB_ID, Long.toString(job.attempt().jobId()))
                .add(JobHeaders.DATABASE_ID, job.databaseId().toString())
                .add(JobHeaders.WORKER_ID, config.workerId())
                .add(JobHeaders.CALLBACK_URL, callbackBase + token.encode())
                .add(JobHeaders.TASK, printable(job.task()))
                .add(JobHeaders.ATTEMPT, Integer.toString(job.attempt().number()))
                .add(JobHeaders.MAX_ATTEMPTS, Integer.toString(job.maxAttempts()))
                .add(
                        JobHeaders.DEADLINE,
                        clock.instant()
                                .plus(config.timeouts().total())
                                .truncatedTo(ChronoUnit.MILLIS)
                                .toString())
                .add(
                        JobHeaders.LEASE_SECONDS,
                        Long.toString(config.callbackLease().toSeconds()))
                .add(
                        JobHeaders.IDEMPOTENCY_KEY,
                        job.databaseId() + ":" + job.attempt().jobId());
        if (job.actorId() != null) {
            headers.add(JobHeaders.ACTOR_ID, job.actorId().toString());
        }
        if (job.entityId() != null) {
            headers.add(JobHeaders.ENTITY_ID, job.entityId().toString());
        }
        if (job.requestId() != null) {
            headers.add(JobHeaders.REQUEST_ID, printable(job.requestId()));
        }
        if (job.traceparent() != null) {
            headers.add(JobHeaders.TRACEPARENT, printable(job.traceparent()));
        }
        return headers;
    }

    // A header may hold printable ASCII; what a tenant stored must not end the header or cost the worker its request.
    private static String printable(String value) {
        return value.replaceAll("[^\\x20-\\x7e]", "?");
    }

    // Constructive's setting may be a bare origin; its functions then post to /callback, and so do all.
    private static String callbackBase(URI configured) {
        String base = configured.toString().replaceAll("/+$", "");
        boolean bare = configured.getPath() == null
                || configured.getPath().replace("/", "").isEmpty();
        return base + (bare ? "/callback/" : "/");
    }

    private static boolean reset(Throwable cause) {
        return cause instanceof IOException
                || cause instanceof HttpClosedException
                || cause instanceof StreamResetException;
    }

    private static String reason(Throwable cause) {
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
}
