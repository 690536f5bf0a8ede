package dev.postern.callback;

import dev.postern.callback.CallbackListener.Report;
import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.Attempt;
import dev.postern.sql.LeaseState;
import dev.postern.sql.Outcome;
import dev.postern.sql.Progress;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The paths of the callback server:
 *
 * <pre>
 *   POST /callback/{token}             Constructive's report: success, or failure by X-Job-Error
 *   POST /callback/{token}/complete    the body is the job's result
 *   POST /callback/{token}/fail        why, and whether to try again
 *   POST /callback/{token}/progress    how far it is
 *   POST /callback/{token}/heartbeat   that it is alive
 *   GET  /healthz                      the server answers
 * </pre>
 *
 * <p>The path is a secret: it is never logged and never part of an answer.
 */
final class CallbackRoutes {

    private static final Logger log = LoggerFactory.getLogger(CallbackRoutes.class);

    private static final Map<String, Report> REPORTS = Map.of(
            "complete", Report.COMPLETE,
            "fail", Report.FAIL,
            "progress", Report.PROGRESS,
            "heartbeat", Report.HEARTBEAT);

    /** Long enough for a failover to be noticed, short enough for a job that somebody waits for. */
    private static final String RETRY_AFTER_SECONDS = "2";

    private static final String ATTEMPT = "attempt";
    private static final String NO_TOKEN =
            "post to the X-Callback-Url exactly as it was received; its last part is the token of the attempt";

    private final Vertx vertx;
    private final CallbackConfig config;
    private final ReportReader reader;
    private final OutcomeSink sink;
    private final CallbackListener listener;

    CallbackRoutes(Vertx vertx, OutcomeSink sink, CallbackConfig config, CallbackListener listener) {
        this.vertx = vertx;
        this.config = config;
        this.reader = new ReportReader(config);
        this.sink = sink;
        this.listener = listener;
    }

    Router router() {
        Router router = Router.router(vertx);
        router.route().failureHandler(CallbackRoutes::refuse);
        router.get("/healthz")
                .handler(context -> answer(context.response(), 200, new JsonObject().put("status", "ok")));
        router.route("/healthz").handler(context -> refuseMethod(context, "GET"));
        router.route("/callback")
                .handler(context -> post(context, () -> {
                    throw new ReportException(Problem.INVALID_TOKEN, NO_TOKEN);
                }));
        router.route("/callback/:token").handler(context -> post(context, () -> take(context, Report.CALLBACK)));
        router.route("/callback/:token/:report").handler(context -> {
            Report report = REPORTS.get(context.pathParam("report"));
            if (report == null) {
                notFound(context);
            } else {
                post(context, () -> take(context, report));
            }
        });
        router.route().handler(CallbackRoutes::notFound);
        router.errorHandler(
                400, context -> problem(context.response(), Problem.MALFORMED_REQUEST, "the path is malformed", null));
        return router;
    }

    /** Answers what could not even be read as a request. */
    static void refuseMalformed(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        problem(response, Problem.MALFORMED_REQUEST, "the request line or a header is malformed or too long", null)
                .onComplete(sent -> request.connection().close());
    }

    private static void post(RoutingContext context, Runnable handler) {
        if (HttpMethod.POST.equals(context.request().method())) {
            handler.run();
        } else {
            refuseMethod(context, "POST");
        }
    }

    private void take(RoutingContext context, Report report) {
        long began = System.nanoTime();
        context.addEndHandler(ended -> listener.answered(
                report,
                context.response().getStatusCode(),
                Duration.ofNanos(System.nanoTime() - began),
                context.request().getHeader(JobHeaders.TRACEPARENT)));
        Attempt attempt = attempt(context);
        BoundedBody.read(vertx, context.request(), config)
                .map(body -> json(context.request(), body, report))
                .compose(body -> answer(context, report, attempt, body))
                .onFailure(context::fail);
    }

    private Future<Void> answer(RoutingContext context, Report report, Attempt attempt, Optional<JsonText> body) {
        boolean jobError = "true".equalsIgnoreCase(context.request().getHeader(JobHeaders.JOB_ERROR));
        return switch (report) {
            case CALLBACK -> end(context, report, attempt, reader.callback(jobError, body));
            case COMPLETE -> end(context, report, attempt, reader.complete(jobError, body));
            case FAIL -> end(context, report, attempt, reader.fail(body));
            case PROGRESS -> extend(context, report, attempt, body, reader.progress(body));
            case HEARTBEAT -> extend(context, report, attempt, body, null);
        };
    }

    private Future<Void> end(RoutingContext context, Report report, Attempt attempt, Outcome outcome) {
        return sink.end(report, attempt, outcome).compose(replay -> {
            if (replay) {
                context.response().putHeader(JobHeaders.IDEMPOTENT_REPLAY, "true");
            }
            // workerId and jobId as Constructive's server sends them: the headers' text.
            return answer(
                    context.response(),
                    200,
                    new JsonObject()
                            .put("job", attempt.jobId())
                            .put("attempt", attempt.number())
                            .put("state", "accepted")
                            .put("workerId", context.request().getHeader(JobHeaders.WORKER_ID))
                            .put("jobId", Long.toString(attempt.jobId())));
        });
    }

    private Future<Void> extend(
            RoutingContext context,
            Report report,
            Attempt attempt,
            Optional<JsonText> body,
            @Nullable Progress progress) {
        Duration lease = reader.lease(context.request().getHeader(JobHeaders.LEASE_SECONDS), body);
        return sink.extend(report, attempt, lease, progress)
                .compose(state -> answer(context.response(), 200, leaseAnswer(state)));
    }

    private static JsonObject leaseAnswer(LeaseState state) {
        return new JsonObject().put("leaseExpiresAt", String.valueOf(state.expiresAt()));
    }

    private static Attempt attempt(RoutingContext context) {
        AttemptToken token;
        try {
            token = AttemptToken.decode(context.pathParam("token"));
        } catch (IllegalArgumentException e) {
            throw new ReportException(Problem.INVALID_TOKEN, NO_TOKEN);
        }
        context.put(ATTEMPT, token.jobId());
        String jobId = context.request().getHeader(JobHeaders.JOB_ID);
        if (jobId != null && !jobId.trim().equals(Long.toString(token.jobId()))) {
            throw ReportException.invalid(JobHeaders.JOB_ID + " must be the job of the callback URL, " + token.jobId()
                    + "; it names another one");
        }
        return new Attempt(token.jobId(), token.attempt(), token.lease());
    }

    // Constructive's server ignored a body that did not call itself JSON, and so does its route here.
    private static Optional<JsonText> json(HttpServerRequest request, Buffer body, Report report) {
        if (body.length() == 0) {
            return Optional.empty();
        }
        String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        boolean plain = encoding == null || encoding.equalsIgnoreCase("identity");
        if (plain && isJson(request.getHeader(HttpHeaders.CONTENT_TYPE))) {
            return JsonText.read(body);
        }
        if (report == Report.CALLBACK) {
            return Optional.empty();
        }
        throw new ReportException(
                Problem.UNSUPPORTED_MEDIA_TYPE,
                plain ? "send the body as content-type: application/json" : "send the body without a content-encoding");
    }

    private static boolean isJson(@Nullable String contentType) {
        if (contentType == null) {
            return true;
        }
        int parameters = contentType.indexOf(';');
        String type = (parameters < 0 ? contentType : contentType.substring(0, parameters))
                .trim()
                .toLowerCase(Locale.ROOT);
        return type.equals("application/json") || type.endsWith("+json");
    }

    private static void notFound(RoutingContext context) {
        throw new ReportException(
                Problem.NOT_FOUND,
                "reports go to the X-Callback-Url, or to /complete, /fail," + " /progress or /heartbeat below it");
    }

    private static void refuseMethod(RoutingContext context, String allowed) {
        context.response().putHeader(HttpHeaders.ALLOW, allowed);
        throw new ReportException(Problem.METHOD_NOT_ALLOWED, "use " + allowed);
    }

    private static void refuse(RoutingContext context) {
        HttpServerResponse response = context.response();
        if (response.ended() || response.closed()) {
            return;
        }
        Long job = context.get(ATTEMPT);
        if (context.failure() instanceof ReportException refusal) {
            headersFor(refusal.problem(), response);
            problem(response, refusal.problem(), refusal.detail(), job);
        } else {
            log.error("cannot take a callback for job {}", job, context.failure());
            problem(response, Problem.INTERNAL_ERROR, "the server's log says why; the attempt has not ended", job);
        }
    }

    private static void headersFor(Problem problem, HttpServerResponse response) {
        switch (problem) {
            case DATABASE_AWAY -> response.putHeader(HttpHeaders.RETRY_AFTER, RETRY_AFTER_SECONDS);
            // HTTP wants a 401 to name a scheme; this one says where the token belongs.
            case INVALID_TOKEN -> response.putHeader("WWW-Authenticate", "CallbackUrl realm=\"callback\"");
            case REQUEST_TIMEOUT -> response.putHeader(HttpHeaders.CONNECTION, "close");
            default -> {}
        }
    }

    private static Future<Void> problem(
            HttpServerResponse response, Problem problem, String detail, @Nullable Long job) {
        JsonObject body = new JsonObject()
                .put("type", problem.type())
                .put("title", problem.title())
                .put("status", problem.status())
                .put("detail", detail);
        if (job != null) {
            body.put("job", job);
        }
        return response.setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/problem+json")
                .end(body.toBuffer());
    }

    private static Future<Void> answer(HttpServerResponse response, int status, JsonObject body) {
        return response.setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .end(body.toBuffer());
    }
}
