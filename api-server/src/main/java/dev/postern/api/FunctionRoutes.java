package dev.postern.api;

import dev.postern.api.Functions.Reply;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway: a function is called at once and its answer handed on, or its call becomes a job. Belongs to the server's
 * context.
 */
final class FunctionRoutes {

    private static final Logger log = LoggerFactory.getLogger(FunctionRoutes.class);

    /** Says that a status is the function's own, and which. */
    static final String FUNCTION_STATUS = "X-Function-Status";

    /** Not the Via of HTTP, by which a server without keys knows callers that a proxy brings from elsewhere. */
    private static final String VIA = "X-Postern-Via";

    /** How long an answer waits for its line in the audit log. */
    private static final long LONGEST_RECORD_SECONDS = 2;

    private static final String CREATE_JOBS = "jobs.create_jobs";
    private static final String JOB_ID = "X-Job-Id";
    private static final String IDEMPOTENCY_KEY = "Idempotency-Key";

    /**
     * What a worker says of its job when the gateway is its FUNCTION_URL. Believed only where nobody is asked for a token:
     * anybody else could have a function report to an address of his own.
     */
    private static final List<String> OF_A_JOB = List.of(
            JOB_ID,
            "X-Callback-Url",
            "X-Worker-Id",
            "X-Job-Attempt",
            "X-Job-Max-Attempts",
            "X-Job-Lease-Seconds",
            "X-Entity-Id");

    private static final List<String> HANDED_ON = List.of(
            "Content-Type",
            "Content-Encoding",
            "Retry-After",
            JOB_ID,
            "X-Job-Error",
            "X-Job-Retry",
            "X-Job-Lease-Seconds");

    private final Functions functions;
    private final JobRoutes jobs;
    private final TenantStore store;
    private final ApiConfig config;
    /** Its name among the gateways that a call has come through. */
    private final String pseudonym;

    private final Map<UUID, Integer> underWay = new HashMap<>();
    private int allUnderWay;

    FunctionRoutes(Functions functions, JobRoutes jobs, TenantStore store, ApiConfig config, RandomGenerator random) {
        this.functions = functions;
        this.jobs = jobs;
        this.store = store;
        this.config = config;
        byte[] name = new byte[8];
        random.nextBytes(name);
        this.pseudonym = "postern-" + HexFormat.of().formatHex(name);
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of("callFunction", this::call, "callFunctionAsync", jobs::accept);
    }

    private Future<Answer> call(Request request) {
        if (prefersAsync(request.text("Prefer"))) {
            if (!request.caller().may(CREATE_JOBS)) {
                throw new ApiException(
                        Problem.FORBIDDEN,
                        "the permission " + CREATE_JOBS + " is not among the token's, and respond-async adds a job");
            }
            return jobs.accept(request).map(answer -> answer.withHeader("Preference-Applied", "respond-async"));
        }
        String via = request.text(VIA);
        if (via != null && via.contains(pseudonym)) {
            throw new ApiException(
                    Problem.GATEWAY_LOOP,
                    "the URL of the function for task '" + request.text("task") + "' leads back to this gateway; give"
                            + " the function's own in POSTERN_FUNCTIONS or FUNCTION_URL");
        }
        UUID tenant = request.caller().tenant();
        begin(tenant);
        boolean forAJob = ofAJob(request);
        long began = System.nanoTime();
        Functions.Call call;
        try {
            call = functions.call(
                    String.valueOf(request.text("task")),
                    headers(request, via, forAJob),
                    Buffer.buffer(request.body().toString()),
                    config.calls().atMost());
        } catch (RuntimeException e) {
            end(tenant);
            throw e;
        }
        request.gone().onComplete(ended -> call.abort());
        // Of a job's call the job's own history tells.
        Future<Reply> reply = forAJob
                ? call.reply()
                : call.reply().compose(known -> recorded(request, known, (System.nanoTime() - began) / 1_000_000));
        return reply.onComplete(ended -> end(tenant)).map(known -> read(request, known, forAJob));
    }

    // What the function did cannot be undone: a database that is away costs the line, and not the answer. Who waits for
    // the line still counts as a call under way, so that calls are no faster than their lines.
    private Future<Reply> recorded(Request request, Reply reply, long ms) {
        JsonObject how = switch (reply) {
            case Reply.Answered answered -> new JsonObject().put("status", answered.status());
            case Reply.Failed failed ->
                new JsonObject().put("reason", failed.reason().name().toLowerCase(Locale.ROOT));
        };
        return store.within(
                        request.acting(),
                        "record a call",
                        tenant -> tenant.record(
                                request.caller().who(),
                                "functions.call",
                                "function/" + request.text("task"),
                                how.put("ms", ms)))
                .timeout(LONGEST_RECORD_SECONDS, TimeUnit.SECONDS)
                .onFailure(cause -> log.atWarn()
                        .addKeyValue("request", request.envelope().requestId())
                        .addKeyValue("task", request.text("task"))
                        .addKeyValue("actor", request.caller().who())
                        .log("the audit log lacks a call: {}", cause.getMessage()))
                .transform(written -> Future.succeededFuture(reply));
    }

    private static boolean prefersAsync(@Nullable String prefer) {
        return prefer != null
                && Arrays.stream(prefer.split("[,;]", -1))
                        .anyMatch(one -> one.strip().equalsIgnoreCase("respond-async"));
    }

    private boolean ofAJob(Request request) {
        return !config.tokens().checked() && request.text(JOB_ID) != null;
    }

    private void begin(UUID tenant) {
        int own = underWay.getOrDefault(tenant, 0);
        if (allUnderWay >= config.calls().most()
                || own >= Math.ceilDiv(config.calls().most(), 2)) {
            throw new ApiException(
                    Problem.UNAVAILABLE,
                    own > 0 && allUnderWay < config.calls().most()
                            ? "the tenant has " + own + " calls under way, which is as many as one may have"
                            : "there are as many calls under way as this process makes at once");
        }
        underWay.put(tenant, own + 1);
        allUnderWay++;
    }

    private void end(UUID tenant) {
        underWay.computeIfPresent(tenant, (same, calls) -> calls > 1 ? calls - 1 : null);
        allUnderWay--;
    }

    private Map<String, String> headers(Request request, @Nullable String via, boolean forAJob) {
        Map<String, String> headers = new HashMap<>();
        UUID tenant = request.caller().tenant();
        headers.put(Callers.TENANT_HEADER, tenant.toString());
        UUID actor = request.caller().actor();
        if (actor != null) {
            headers.put(Callers.ACTOR_HEADER, actor.toString());
        }
        headers.put(ApiRoutes.REQUEST_ID, request.envelope().requestId());
        headers.put("traceparent", request.envelope().traceparent());
        headers.put(VIA, (via == null ? "" : via + ", ") + pseudonym);
        String key = request.text(IDEMPOTENCY_KEY);
        if (key != null) {
            // A job's key is the tenant and a number: nobody may pass for a job.
            headers.put(IDEMPOTENCY_KEY, forAJob ? key : tenant + ":call:" + key);
        }
        if (forAJob) {
            for (String name : OF_A_JOB) {
                String value = request.text(name);
                if (value != null) {
                    headers.put(name, value);
                }
            }
        }
        return headers;
    }

    private static Answer read(Request request, Reply reply, boolean forAJob) {
        return switch (reply) {
            case Reply.Answered answered -> handedOn(answered, forAJob);
            case Reply.Failed failed -> throw refusal(request, failed);
        };
    }

    private static ApiException refusal(Request request, Reply.Failed failed) {
        // The reason may name addresses, which are the operator's business.
        log.atInfo()
                .addKeyValue("request", request.envelope().requestId())
                .addKeyValue("task", request.text("task"))
                .addKeyValue("reason", failed.reason())
                .log("the function did not answer: {}", failed.detail());
        String function = "the function for task '" + request.text("task") + "' ";
        return switch (failed.reason()) {
            case NO_ROUTE -> new ApiException(Problem.NOT_FOUND, "nothing says where " + function + "lives");
            case SPARED ->
                ApiException.retryAfter(
                        Problem.FUNCTION_SPARED,
                        function + "gets no more calls for a while: it failed, or asked for less",
                        failed.retryAfter());
            case UNREACHABLE -> new ApiException(Problem.FUNCTION_UNREACHABLE, function + "is not reached");
            case TIMED_OUT -> new ApiException(Problem.FUNCTION_TIMEOUT, function + "did not answer in time");
            case UNREADABLE ->
                new ApiException(
                        Problem.BAD_FUNCTION_ANSWER,
                        function + "answered what is no HTTP, broke off, or is larger than 1 MiB");
            case ABORTED -> new ApiException(Problem.UNAVAILABLE, "the server is stopping");
        };
    }

    private static Answer handedOn(Reply.Answered answered, boolean forAJob) {
        int status = answered.status();
        if (status >= 300 && status < 400) {
            throw new ApiException(
                    Problem.BAD_FUNCTION_ANSWER,
                    "the function answered " + status + "; redirects are neither followed nor handed on");
        }
        if (status == 202 && !forAJob) {
            throw new ApiException(
                    Problem.BAD_FUNCTION_ANSWER,
                    "the function answered 202: it reports later, and only a job can wait for that; send Prefer:"
                            + " respond-async");
        }
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        for (String name : HANDED_ON) {
            answered.headers().getAll(name).forEach(value -> headers.add(Map.entry(name, value)));
        }
        return Answer.streamed(response -> write(response, status, headers, answered.body()));
    }

    private static void write(
            HttpServerResponse response, int status, List<Map.Entry<String, String>> headers, Buffer body) {
        response.setStatusCode(status).putHeader(FUNCTION_STATUS, Integer.toString(status));
        headers.forEach(header -> response.putHeader(header.getKey(), header.getValue()));
        // What a function answers is not this server's to vouch for: no browser shall guess at it, or run it.
        response.putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("Content-Security-Policy", "sandbox")
                .putHeader("Cache-Control", "no-store");
        if (status == 204) {
            response.end();
        } else {
            response.end(body);
        }
    }
}
