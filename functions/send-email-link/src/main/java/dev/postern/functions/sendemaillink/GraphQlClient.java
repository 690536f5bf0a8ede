package dev.postern.functions.sendemaillink;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.sendemaillink.CannotSend.Code;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.HostAndPort;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One GraphQL query over HTTP, blocking. Built on Vert.x's client because the JDK's does not let a caller set
 * {@code Host}, which is what the platform routes by.
 */
final class GraphQlClient {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final int LONGEST_MESSAGE = 300;

    private final HttpClient http;

    GraphQlClient(Vertx vertx) {
        this.http = vertx.createHttpClient(new HttpClientOptions().setConnectTimeout(5000));
    }

    private record Answered(int status, Buffer body) {}

    /** The {@code data} of the answer; errors of any kind end in {@link CannotSend}. */
    JsonNode ask(GraphQlEndpoint endpoint, String name, String query, Map<String, String> variables) {
        Answered answered = post(endpoint, name, body(name, query, variables));
        JsonNode answer;
        try {
            answer = JSON.readTree(answered.body().getBytes());
        } catch (IOException e) {
            throw new CannotSend(
                    Code.PLATFORM_REFUSED,
                    "%s at %s answered status %d with something that is not JSON"
                            .formatted(name, endpoint, answered.status()),
                    e);
        }
        JsonNode errors = answer.path("errors");
        if (answered.status() != 200 || !errors.isEmpty()) {
            throw new CannotSend(
                    Code.PLATFORM_REFUSED,
                    "%s at %s answered status %d%s".formatted(name, endpoint, answered.status(), first(errors)));
        }
        return answer.path("data");
    }

    private static String first(JsonNode errors) {
        String message = errors.path(0).path("message").asText("");
        return message.isEmpty() ? "" : ": " + message.substring(0, Math.min(message.length(), LONGEST_MESSAGE));
    }

    private static Buffer body(String name, String query, Map<String, String> variables) {
        try {
            return Buffer.buffer(
                    JSON.writeValueAsBytes(Map.of("operationName", name, "query", query, "variables", variables)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write a document of plain strings", e);
        }
    }

    private Answered post(GraphQlEndpoint endpoint, String name, Buffer body) {
        Future<Answered> answer = http.request(request(endpoint)).compose(request -> {
            // Before the sending: an answer that nobody listens for yet would pass this thread by.
            Future<Answered> answered = request.response().compose(GraphQlClient::read);
            request.end(body);
            return answered;
        });
        try {
            return answer.toCompletionStage().toCompletableFuture().get(BOUND.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
            throw new CannotSend(
                    Code.PLATFORM_UNREACHABLE,
                    "%s: no answer from %s (%s)"
                            .formatted(name, endpoint, cause.getClass().getSimpleName()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CannotSend(Code.PLATFORM_UNREACHABLE, name + ": interrupted", e);
        }
    }

    private static Future<Answered> read(HttpClientResponse response) {
        return response.body().map(body -> new Answered(response.statusCode(), body));
    }

    private static RequestOptions request(GraphQlEndpoint endpoint) {
        URI url = endpoint.url();
        boolean tls = "https".equals(url.getScheme());
        int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
        String path = url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.POST)
                .setServer(SocketAddress.inetSocketAddress(port, url.getHost()))
                .setHost(url.getHost())
                .setPort(port)
                .setSsl(tls)
                .setURI(url.getRawQuery() == null ? path : path + "?" + url.getRawQuery())
                .setIdleTimeout(BOUND.toMillis())
                .putHeader("Content-Type", "application/json")
                .putHeader("Accept", "application/json");
        endpoint.headers().forEach(options::putHeader);
        if (endpoint.hostHeader() != null) {
            HostAndPort named = HostAndPort.parseAuthority(endpoint.hostHeader(), -1);
            if (named != null) {
                options.setHost(named.host()).setPort(named.port() < 0 ? (tls ? 443 : 80) : named.port());
            }
        }
        return options;
    }
}
