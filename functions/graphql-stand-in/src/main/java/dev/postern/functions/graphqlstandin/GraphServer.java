package dev.postern.functions.graphqlstandin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** {@code POST /graphql} and {@code GET /healthz}. */
final class GraphServer {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<Map<String, Object>> VARIABLES = new TypeReference<>() {};

    private final TenantGraph graph;
    private final HttpServer http;

    GraphServer(Vertx vertx, TenantGraph graph) {
        this.graph = graph;
        this.http = vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
                .requestHandler(this::route);
    }

    /** Listens; the future has the port. */
    Future<Integer> start(int port, String host) {
        return http.listen(port, host).map(HttpServer::actualPort);
    }

    Future<Void> stop() {
        return http.close();
    }

    private void route(HttpServerRequest request) {
        if (request.path().equals("/healthz")) {
            answer(request, 200, Map.of("status", "up"));
        } else if (!request.path().equals("/graphql")) {
            refuse(request, 404, "only /graphql and /healthz are here");
        } else if (!request.method().equals(HttpMethod.POST)) {
            refuse(request, 405, "send the query with POST");
        } else {
            request.body().onSuccess(body -> ask(request, body)).onFailure(e -> refuse(request, 400, "no body"));
        }
    }

    private void ask(HttpServerRequest request, Buffer body) {
        JsonNode question;
        try {
            question = JSON.readTree(body.getBytes());
        } catch (IOException e) {
            refuse(request, 400, "the body is not JSON");
            return;
        }
        JsonNode query = question.path("query");
        JsonNode variables = question.path("variables");
        if (!query.isTextual()) {
            refuse(request, 400, "expected {\"query\": \"…\"}");
        } else if (!variables.isObject() && !variables.isNull() && !variables.isMissingNode()) {
            refuse(request, 400, "variables must be an object");
        } else {
            Map<String, Object> values = variables.isObject() ? JSON.convertValue(variables, VARIABLES) : Map.of();
            String operation = question.path("operationName").textValue();
            answer(request, 200, graph.ask(query.textValue(), operation, values));
        }
    }

    private static void refuse(HttpServerRequest request, int status, String message) {
        answer(request, status, Map.of("errors", List.of(Map.of("message", message))));
    }

    private static void answer(HttpServerRequest request, int status, Map<String, Object> body) {
        Buffer json;
        try {
            json = Buffer.buffer(JSON.writeValueAsBytes(body));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write an answer made of maps and lists", e);
        }
        request.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "application/json")
                .end(json);
    }
}
