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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends a claimed job, or a call without a job, to its function and reports what came back. Connections are kept and
 * pooled per function; never follows a redirect; never fails its future: every end is a {@link DispatchResult}.
 */
final class FunctionDispatcher {

    /** Bytes of an answer that are read; beyond, the connection is given up. Results keep 64 KiB of them. */
    private static final int BODY_LIMIT = 1 << 20;

    /** Below the 5 s after which Node's HTTP server closes an idle connection under a client's feet. */
    private static final int KEEP_ALIVE_SECONDS = 4;

    /** Tenants choose the names of tasks, and a template makes a URL of each. */
    private static final int TARGETS_REMEMBERED = 1_000;

    // Hashed and checked once instead of once a job.
    private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
    private static final CharSequence JSON_OR_PROBLEM =
            HttpHeaders.createOptimized("application/json, application/problem+json");
    private static final CharSequence POSTERN = HttpHeaders.createOptimized("postern");
    private static final CharSequence JOB_ID = HttpHeaders.createOptimized(JobHeaders.JOB_ID);
    private static final CharSequence DATABASE_ID = HttpHeaders.createOptimized(JobHeaders.DATABASE_ID);
    private static final CharSequence WORKER_ID = HttpHeaders.createOptimized(JobHeaders.WORKER_ID);
    private static final CharSequence CALLBACK_URL = HttpHeaders.createOptimized(JobHeaders.CALLBACK_URL);
    private static final CharSequence TASK = HttpHeaders.createOptimized(JobHeaders.TASK);
    private static final CharSequence ATTEMPT = HttpHeaders.createOptimized(JobHeaders.ATTEMPT);
    private static final CharSequence MAX_ATTEMPTS = HttpHeaders.createOptimized(JobHeaders.MAX_ATTEMPTS);
    private static final CharSequence DEADLINE = HttpHeaders.createOptimized(JobHeaders.DEADLINE);
    private static final CharSequence LEASE_SECONDS = HttpHeaders.createOptimized(JobHeaders.LEASE_SECONDS);
    private static final CharSequence IDEMPOTENCY_KEY = HttpHeaders.createOptimized(JobHeaders.IDEMPOTENCY_KEY);
    private static final CharSequence ACTOR_ID = HttpHeaders.createOptimized(JobHeaders.ACTOR_ID);
    private static final CharSequence ENTITY_ID = HttpHeaders.createOptimized(JobHeaders.ENTITY_ID);
    private static final CharSequence REQUEST_ID = HttpHeaders.createOptimized(JobHeaders.REQUEST_ID);
    private static final CharSequence TRACEPARENT = HttpHeaders.createOptimized(JobHeaders.TRACEPARENT);

    private final Vertx vertx;
    private final HttpClientAgent client;
    private final WorkerConfig config;
    private final InstantSource clock;
    private final TraceContext traces;
    private final String callbackBase;
    private final CharSequence workerId;
    private final CharSequence leaseSeconds;
    private final Map<URI, RequestOptions> targets = new HashMap<>();

    FunctionDispatcher(Vertx vertx, WorkerConfig config, InstantSource clock, TraceContext traces) {
        this.vertx = vertx;
        this.traces = traces;
        this.config = config;
        this.clock = clock;
        this.callbackBase = callbackBase(config.callbackUrl());
        this.workerId = HttpHeaders.createOptimized(config.workerId());
        this.leaseSeconds =
                HttpHeaders.createOptimized(Long.toString(config.callbackLease().toSeconds()));
        this.client = vertx.createHttpClient(
                new HttpClientOptions()
                        .setConnectTimeout((int) config.timeouts().connect().toMillis())
                        .setKeepAlive(true)
                        .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                        .setTcpNoDelay(true),
                new PoolOptions().setHttp1MaxSize(config.concurrency()));
    }

    /** What is asked for the trace context of a dispatch, right before it is sent. */
    interface TraceContext {

        /** Null for none. */
        @Nullable
        String of(ClaimedJob job);
    }

    Future<Void> close() {
        return client.close();
    }

    /** An exchange that is under way. */
    final class Exchange {

        private final String task;
        private final Optional<URI> url;
        /** Writes headers and gives the body, once. Calls may last: what is kept meanwhile gets old and is collected late. */
        private @Nullable Function<MultiMap, Buffer> letter;

        private final Duration total;
        private final Duration firstByte;
        private final Promise<DispatchResult> result = Promise.promise();
        private @Nullable HttpClientRequest request;
        private long timer = -1;
        private long sentAt;
        private boolean reading;

        private Exchange(String task, Optional<URI> url, Function<MultiMap, Buffer> letter, Duration total) {
            this.task = task;
            this.url = url;
            this.letter = letter;
            this.total = total;
            Duration first = config.timeouts().firstByte();
            this.firstByte = first.compareTo(total) < 0 ? first : total;
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
                        "no URL for task '" + task + "': name it in POSTERN_FUNCTIONS or set FUNCTION_URL"));
                return;
            }
            client.request(options(url.get()))
                    .onSuccess(this::send)
                    .onFailure(cause -> end(new DispatchResult.Unreachable(reason(cause))));
        }

        private void send(HttpClientRequest opened) {
            if (result.future().isComplete()) {
                opened.reset();
                return;
            }
            request = opened;
            Buffer body = Objects.requireNonNull(letter).apply(opened.headers());
            letter = null;
            sentAt = System.nanoTime();
            timer = vertx.setTimer(firstByte.toMillis(), ignored -> timedOut());
            opened.send(body)
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
            reading = true;
            if (firstByte.compareTo(total) < 0) {
                vertx.cancelTimer(timer);
                long spentMs = (System.nanoTime() - sentAt) / 1_000_000;
                timer = vertx.setTimer(Math.max(1, total.toMillis() - spentMs), ignored -> timedOut());
            }
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

        private void timedOut() {
            end(new DispatchResult.TimedOut(
                    reading
                            ? "answer not complete within " + total.toSeconds() + " s"
                            : "no answer within " + firstByte.toSeconds() + " s"));
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
        return start(new Exchange(
                job.task(),
                url,
                headers -> {
                    describe(headers, job);
                    return Buffer.buffer(job.payload());
                },
                config.timeouts().total()));
    }

    /**
     * Sends a call that belongs to no job.
     *
     * @param headers beside those that say what kind of call it is; a header of the contract that is not among them is
     *     not sent
     * @param atMost how long it may take, if that is less than an attempt's time-out
     */
    Exchange call(String task, Optional<URI> url, Map<String, String> headers, Buffer payload, Duration atMost) {
        Duration attempt = config.timeouts().total();
        Duration total = atMost.compareTo(attempt) < 0 ? atMost : attempt;
        return start(new Exchange(
                task,
                url,
                sent -> {
                    describe(sent, task, headers, payload, total);
                    return payload;
                },
                total));
    }

    private static Exchange start(Exchange exchange) {
        exchange.start();
        return exchange;
    }

    // Parsed once for each URL, not for each job.
    private RequestOptions options(URI url) {
        if (targets.size() >= TARGETS_REMEMBERED) {
            targets.clear();
        }
        return targets.computeIfAbsent(
                url,
                target -> new RequestOptions()
                        .setMethod(HttpMethod.POST)
                        .setAbsoluteURI(target.toString())
                        .setFollowRedirects(false));
    }

    private void describe(MultiMap headers, ClaimedJob job) {
        AttemptToken token = new AttemptToken(
                job.attempt().jobId(), job.attempt().number(), job.attempt().lease());
        headers.add(HttpHeaders.CONTENT_TYPE, JSON)
                .add(HttpHeaders.ACCEPT, JSON_OR_PROBLEM)
                .add(HttpHeaders.USER_AGENT, POSTERN)
                .add(JOB_ID, Long.toString(job.attempt().jobId()))
                .add(DATABASE_ID, job.databaseId().toString())
                .add(WORKER_ID, workerId)
                .add(CALLBACK_URL, callbackBase + token.encode())
                .add(TASK, printable(job.task()))
                .add(ATTEMPT, Integer.toString(job.attempt().number()))
                .add(MAX_ATTEMPTS, Integer.toString(job.maxAttempts()))
                .add(DEADLINE, deadline(config.timeouts().total()))
                .add(LEASE_SECONDS, leaseSeconds)
                .add(IDEMPOTENCY_KEY, job.databaseId() + ":" + job.attempt().jobId());
        if (job.actorId() != null) {
            headers.add(ACTOR_ID, job.actorId().toString());
        }
        if (job.entityId() != null) {
            headers.add(ENTITY_ID, job.entityId().toString());
        }
        if (job.requestId() != null) {
            headers.add(REQUEST_ID, printable(job.requestId()));
        }
        String traceparent = traces.of(job);
        if (traceparent != null) {
            headers.add(TRACEPARENT, printable(traceparent));
        }
        if (config.cloudEvents()) {
            addCloudEvent(
                    headers,
                    Long.toString(job.attempt().jobId()),
                    job.databaseId().toString(),
                    "dev.postern.job",
                    job.task());
        }
        if (!config.signing().isEmpty()) {
            sign(headers, headers.get(JobHeaders.IDEMPOTENCY_KEY), job.payload().getBytes(StandardCharsets.UTF_8));
        }
    }

    private void describe(MultiMap headers, String task, Map<String, String> given, Buffer payload, Duration total) {
        headers.add(HttpHeaders.CONTENT_TYPE, JSON)
                .add(HttpHeaders.ACCEPT, JSON_OR_PROBLEM)
                .add(HttpHeaders.USER_AGENT, POSTERN)
                .add(TASK, printable(task))
                .add(DEADLINE, deadline(total));
        given.forEach((name, value) -> headers.add(name, printable(value)));
        // What the runtimes of functions tell calls apart by, where the caller gave no key of his own.
        String id = Optional.ofNullable(headers.get(JobHeaders.IDEMPOTENCY_KEY))
                .orElseGet(() -> String.valueOf(headers.get(JobHeaders.REQUEST_ID)));
        if (config.cloudEvents()) {
            addCloudEvent(headers, id, String.valueOf(headers.get(JobHeaders.DATABASE_ID)), "dev.postern.call", task);
        }
        if (!config.signing().isEmpty()) {
            sign(headers, id, payload.getBytes());
        }
    }

    private String deadline(Duration total) {
        return clock.instant().plus(total).truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** CloudEvents 1.0 in binary mode. One job is one event, so its id is the same over the attempts. */
    private void addCloudEvent(MultiMap headers, String id, String databaseId, String type, String task) {
        headers.add("ce-specversion", "1.0")
                .add("ce-id", id)
                .add("ce-source", "/databases/" + databaseId)
                .add("ce-type", type)
                .add("ce-subject", percentEncoded(task))
                .add("ce-time", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString());
    }

    /** By Standard Webhooks. The id is the key of idempotency, which is what that standard asks of it. */
    private void sign(MultiMap headers, String id, byte[] payload) {
        long seconds = clock.instant().getEpochSecond();
        headers.add(JobHeaders.WEBHOOK_ID, id)
                .add(JobHeaders.WEBHOOK_TIMESTAMP, Long.toString(seconds))
                .add(JobHeaders.WEBHOOK_SIGNATURE, config.signing().sign(id, seconds, payload));
    }

    // As the HTTP binding of CloudEvents has it: what is not printable ASCII, blank, quote and per cent, byte by byte.
    private static String percentEncoded(String value) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            if (b > ' ' && b < 0x7f && b != '"' && b != '%') {
                encoded.append((char) b);
            } else {
                encoded.append("%%%02X".formatted(b));
            }
        }
        return encoded.toString();
    }

    // A header may hold printable ASCII; what a tenant stored must not end the header or cost the worker its request.
    private static String printable(String value) {
        for (int i = 0; i < value.length(); i++) {
            if (value.charAt(i) < ' ' || value.charAt(i) > '~') {
                return value.replaceAll("[^\\x20-\\x7e]", "?");
            }
        }
        return value;
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
