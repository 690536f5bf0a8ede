package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.api.ApiException.FieldError;
import dev.postern.api.Contract.Body;
import dev.postern.api.Contract.Operation;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A route for each operation of the contract, and no other. What reaches a handler has a caller who may, and keeps to the
 * contract; what a handler answers gets the envelope.
 */
final class ApiRoutes {

    static final String REQUEST_ID = "X-Request-Id";

    private static final Logger log = LoggerFactory.getLogger(ApiRoutes.class);

    private final Vertx vertx;
    private final Contract contract;
    private final Callers callers;
    private final Map<String, Handler> handlers;
    private final ApiConfig config;
    private final RateLimiter limiter;
    private final RequestClock clock;
    private final Cors cors;
    private final RandomGenerator random;
    private final ApiListener listener;

    /** Who hears of each request, and where its ids come from. */
    record Told(ApiListener listener, RandomGenerator random) {}

    ApiRoutes(
            Vertx vertx,
            Contract contract,
            Callers callers,
            Map<String, Handler> handlers,
            ApiConfig config,
            RateLimiter limiter,
            RequestClock clock,
            Told told) {
        this.vertx = vertx;
        this.contract = contract;
        this.callers = callers;
        this.handlers = handlers;
        this.config = config;
        this.limiter = limiter;
        this.clock = clock;
        this.listener = told.listener();
        this.random = told.random();
        this.cors = new Cors(config.origins());
    }

    Router router() {
        Router router = Router.router(vertx);
        router.route().handler(this::begin).failureHandler(this::refuse);
        Set<String> served = new HashSet<>(Set.of("getContract"));
        // Behind each other in an order in which a word comes before a parameter in its place.
        Map<String, List<String>> methods = new TreeMap<>(Comparator.reverseOrder());
        for (Operation operation : contract.operations()) {
            String path = operation.path().replaceAll("\\{(\\w+)}", ":$1");
            methods.computeIfAbsent(path, none -> new ArrayList<>()).add(operation.method());
            HttpMethod method = HttpMethod.valueOf(operation.method());
            if (operation.id().equals("getContract")) {
                router.route(method, path).handler(context -> contract(context, operation));
                continue;
            }
            Handler handler = handlers.get(operation.id());
            if (handler == null) {
                throw new IllegalStateException("the contract has " + operation.id() + ", which nobody serves");
            }
            served.add(operation.id());
            router.route(method, path).handler(context -> serve(context, operation, handler));
        }
        if (!served.containsAll(handlers.keySet())) {
            throw new IllegalStateException("of " + handlers.keySet() + " some are not in the contract");
        }
        methods.forEach((path, allowed) -> router.route(path).handler(context -> {
            if (cors.asks(context.request())) {
                Cors.grant(context.response(), allowed);
                return;
            }
            context.response().putHeader(HttpHeaders.ALLOW, String.join(", ", allowed));
            throw new ApiException(Problem.METHOD_NOT_ALLOWED, "use " + String.join(" or ", allowed));
        }));
        router.route().handler(context -> {
            throw new ApiException(
                    Problem.NOT_FOUND, "there is nothing at this path; GET /openapi.yaml says what there is");
        });
        router.errorHandler(400, context -> {
            problem(context, new ApiException(Problem.MALFORMED_REQUEST, "the path is malformed"));
        });
        return router;
    }

    /** Answers what could not even be read as a request. */
    void refuseMalformed(HttpServerRequest request) {
        Refusals.send(
                        request.response(),
                        Envelope.of(null, null, random),
                        new ApiException(
                                Problem.MALFORMED_REQUEST, "the request line or a header is malformed or too long"))
                .onComplete(sent -> request.connection().close());
    }

    private void begin(RoutingContext context) {
        Exchange exchange = Exchange.of(context, random).begun(listener);
        context.response().putHeader(REQUEST_ID, exchange.envelope().requestId());
        cors.allow(context.request(), context.response());
        clock.begun(context.request());
        context.addEndHandler(ended -> {
            clock.ended(context.request());
            exchange.ended(listener);
        });
        context.next();
    }

    private void contract(RoutingContext context, Operation operation) {
        Exchange.of(context, random).serves(operation);
        context.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/yaml")
                .end(contract.text());
    }

    private void serve(RoutingContext context, Operation operation, Handler handler) {
        HttpServerRequest http = context.request();
        Exchange exchange = Exchange.of(context, random);
        exchange.serves(operation);
        Envelope envelope = exchange.envelope();
        Promise<Void> gone = Promise.promise();
        context.addEndHandler(ended -> gone.tryComplete());
        http.pause();
        callers.of(http)
                .compose(caller -> {
                    exchange.comesFrom(caller);
                    limit(context.response(), caller);
                    operation
                            .permission()
                            .filter(permission -> !caller.may(permission))
                            .ifPresent(missing -> {
                                throw new ApiException(
                                        Problem.FORBIDDEN, "the permission " + missing + " is not among the token's");
                            });
                    Map<String, Object> parameters = parameters(context, operation);
                    return body(http, operation.body())
                            .compose(body -> handler.handle(
                                    new Request(caller, envelope, parameters, body, http.uri(), gone.future())));
                })
                .onSuccess(answer -> {
                    exchange.follows(answer.follows());
                    answer(context.response(), envelope, answer);
                })
                .onFailure(context::fail);
    }

    private void limit(HttpServerResponse response, Caller caller) {
        if (!limiter.limits()) {
            return;
        }
        RateLimiter.Verdict verdict = limiter.take(caller.tenant());
        response.putHeader("RateLimit-Limit", Integer.toString(verdict.limit()))
                .putHeader("RateLimit-Remaining", Integer.toString(verdict.remaining()))
                .putHeader("RateLimit-Reset", Integer.toString(verdict.resetSeconds()));
        if (!verdict.served()) {
            response.putHeader(HttpHeaders.RETRY_AFTER, Integer.toString(verdict.resetSeconds()));
            throw new ApiException(
                    Problem.TOO_MANY_REQUESTS, "the tenant may send " + config.ratePerSecond() + " requests a second");
        }
    }

    private static Map<String, Object> parameters(RoutingContext context, Operation operation) {
        List<FieldError> errors = new ArrayList<>();
        Map<String, Object> values = new HashMap<>();
        Set<String> known = new HashSet<>();
        for (Parameter parameter : operation.parameters()) {
            String sent = switch (parameter.in()) {
                case "path" -> context.pathParam(parameter.name());
                case "header" -> context.request().getHeader(parameter.name());
                default -> {
                    known.add(parameter.name());
                    List<String> all = context.queryParam(parameter.name());
                    if (all.size() > 1) {
                        errors.add(new FieldError(parameter.field(), "is there more than once"));
                    }
                    yield all.isEmpty() ? null : all.getFirst();
                }
            };
            if (sent != null) {
                JsonText.refuseWhatIsNoText(parameter.field(), sent);
            }
            Object value = parameter.value(sent, errors);
            if (value != null) {
                values.put(parameter.name(), value);
            }
        }
        context.queryParams().names().stream()
                .filter(name -> !known.contains(name))
                .forEach(name -> errors.add(new FieldError("query." + name, "is not known")));
        refuse(errors);
        return values;
    }

    private Future<JsonNode> body(HttpServerRequest http, @Nullable Body expected) {
        if (expected == null) {
            http.resume();
            return Future.succeededFuture(JsonText.object());
        }
        Future<Buffer> read = BoundedBody.read(vertx, http, config);
        http.resume();
        return read.map(buffer -> {
            if (buffer.length() == 0) {
                if (expected.required()) {
                    throw ApiException.invalid("body", "is missing");
                }
                return JsonText.object();
            }
            refuseOtherMedia(http);
            JsonText json = JsonText.read(buffer);
            Shape array = expected.array();
            refuse((array != null && json.node().isArray() ? array : expected.object()).errors("body", json.value()));
            return json.node();
        });
    }

    private static void refuse(List<FieldError> errors) {
        if (!errors.isEmpty()) {
            FieldError first = errors.getFirst();
            throw new ApiException(Problem.INVALID_REQUEST, first.field() + ": " + first.message(), errors);
        }
    }

    private static void refuseOtherMedia(HttpServerRequest http) {
        String encoding = http.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            throw new ApiException(Problem.UNSUPPORTED_MEDIA_TYPE, "send the body without a content-encoding");
        }
        String contentType = http.getHeader(HttpHeaders.CONTENT_TYPE);
        String type =
                contentType == null ? "" : contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!type.equals("application/json")) {
            throw new ApiException(Problem.UNSUPPORTED_MEDIA_TYPE, "send the body as content-type: application/json");
        }
    }

    private static void answer(HttpServerResponse response, Envelope envelope, Answer answer) {
        if (response.closed()) {
            return;
        }
        if (answer.stream() != null) {
            answer.stream().accept(response);
            return;
        }
        answer.headers().forEach(response::putHeader);
        if (answer.body() == null) {
            response.setStatusCode(answer.status()).end();
            return;
        }
        envelope.into(answer.body());
        response.setStatusCode(answer.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .end(JsonText.buffer(answer.body()));
    }

    private void refuse(RoutingContext context) {
        Throwable cause = context.failure();
        ApiException refusal = Refusals.of(cause);
        if (refusal.problem() == Problem.INTERNAL_ERROR) {
            Envelope envelope = Exchange.of(context, random).envelope();
            log.atError()
                    .addKeyValue("request", envelope.requestId())
                    .addKeyValue("trace", envelope.traceparent())
                    .setCause(cause)
                    .log("cannot serve {} {}", context.request().method(), context.normalizedPath());
        }
        problem(context, refusal);
    }

    private void problem(RoutingContext context, ApiException refusal) {
        HttpServerResponse response = context.response();
        if (!response.ended() && !response.closed() && !response.headWritten()) {
            // What has not been read yet is read and dropped, so that the client gets to see its answer.
            context.request().resume();
            Refusals.send(response, Exchange.of(context, random).envelope(), refusal);
        }
    }
}
