package dev.postern.service.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.service.client.ApiFailure.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Requests to the HTTP API, and what it answers. Blocking; for one thread. */
public final class ApiClient implements AutoCloseable {

    /** Numbers keep their digits: what is printed is what the API sent. */
    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /** Longer than the API's own statements take. */
    private static final Duration ANSWER = Duration.ofSeconds(30);

    private static final Duration CONNECT = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .followRedirects(Redirect.NEVER)
            .build();
    private final Target target;

    /**
     * Whom to ask, and as whom.
     *
     * @param base the API's address, without a slash at its end
     * @param token what the caller shows, or null where none is asked for
     * @param tenant named where there is no token, or null for the API's own choice
     * @param actor the user's name where there is no token, or null
     */
    public record Target(
            URI base,
            @Nullable String token,
            @Nullable String tenant,
            @Nullable String actor) {}

    /** Connects to nothing yet. */
    public ApiClient(Target target) {
        this.target = target;
    }

    /** An empty object, for a body. */
    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /**
     * JSON that somebody typed.
     *
     * @throws IllegalArgumentException when it is none
     */
    public static JsonNode parsed(String text) {
        try {
            return MAPPER.reader()
                    .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(text);
        } catch (JsonProcessingException e) {
            String why = e.getOriginalMessage().lines().findFirst().orElse("unreadable");
            throw new IllegalArgumentException(
                    // What the reader says of itself in brackets is nobody's business.
                    why.replaceFirst(" \\((?:start marker at|of type|bound as) .*", "")
                            + (e.getLocation() == null
                                    ? ""
                                    : " (line " + e.getLocation().getLineNr() + ", column "
                                            + e.getLocation().getColumnNr() + ")"),
                    e);
        }
    }

    /**
     * What a path answers.
     *
     * @param query parameters; those without a text are left out
     */
    public JsonNode get(String path, Map<String, String> query) {
        String text = query.entrySet().stream()
                .filter(parameter -> !parameter.getValue().isEmpty())
                .map(parameter -> parameter.getKey() + "=" + encoded(parameter.getValue()))
                .collect(Collectors.joining("&"));
        return send(request(text.isEmpty() ? path : path + "?" + text).timeout(ANSWER));
    }

    /** What a POST with this body answers; null for no body. */
    public JsonNode post(String path, @Nullable ObjectNode body) {
        HttpRequest.Builder request = request(path).timeout(ANSWER);
        return send(
                body == null
                        ? request.POST(BodyPublishers.noBody())
                        : request.header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(body.toString())));
    }

    /** What a DELETE answers. */
    public JsonNode delete(String path) {
        return send(request(path).timeout(ANSWER).DELETE());
    }

    /** Drops what is under way. */
    @Override
    public void close() {
        http.shutdownNow();
    }

    HttpClient http() {
        return http;
    }

    HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(target.base() + path));
        header(request, "Authorization", target.token() == null ? null : "Bearer " + target.token());
        header(request, "X-Database-Id", target.tenant());
        header(request, "X-Actor-Id", target.actor());
        return request;
    }

    private static void header(HttpRequest.Builder request, String name, @Nullable String value) {
        if (value != null) {
            try {
                request.header(name, value);
            } catch (IllegalArgumentException e) {
                // Its message would show the token, and so would a cause.
                throw new ApiFailure(Kind.MISUSED, name + " cannot be sent: it has characters that no header takes");
            }
        }
    }

    private JsonNode send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
            if (response.statusCode() >= 300) {
                throw failure(response.statusCode(), response.body());
            }
            return json(response.body()).orElseThrow(() -> stranger(response.statusCode()));
        } catch (IOException e) {
            throw away(e, true);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    ApiFailure interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new ApiFailure(Kind.NOT_DONE, "interrupted while waiting for the API", cause);
    }

    /**
     * Nobody answered.
     *
     * @param first whether nobody ever did, so that the address may be wrong
     */
    ApiFailure away(IOException cause, boolean first) {
        return new ApiFailure(
                Kind.AWAY,
                "cannot reach the API at " + target.base() + ": " + reason(cause)
                        + (first ? "; './postern up' runs one here, --api or POSTERN_API_URL leads to another" : ""),
                cause);
    }

    private static String reason(IOException cause) {
        if (cause instanceof HttpTimeoutException) {
            return "no answer in time";
        }
        if (cause instanceof ConnectException) {
            return cause.getCause() instanceof ConnectException inner
                            && inner.getCause() instanceof UnresolvedAddressException
                    ? "its host is not known"
                    : "nobody listens there";
        }
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    /** What an answer that is no success means. */
    ApiFailure failure(int status, String body) {
        Optional<String> detail =
                json(body).map(problem -> problem.path("detail").textValue());
        if (detail.isEmpty()) {
            return stranger(status);
        }
        return switch (status) {
            case 401 ->
                new ApiFailure(
                        Kind.REFUSED,
                        "the API does not know who asks: " + detail.get()
                                + (target.token() == null ? "; set POSTERN_API_TOKEN" : ""));
            case 403 -> new ApiFailure(Kind.REFUSED, "the API refuses this: " + detail.get());
            case 404 -> new ApiFailure(Kind.UNKNOWN, detail.get());
            case 400 -> new ApiFailure(Kind.MISUSED, detail.get());
            case 429, 503 -> new ApiFailure(Kind.AWAY, "the API cannot do this now: " + detail.get());
            default -> new ApiFailure(Kind.NOT_DONE, detail.get());
        };
    }

    // Some other server has the port, or something stands before ours.
    private ApiFailure stranger(int status) {
        return new ApiFailure(
                status >= 500 ? Kind.AWAY : Kind.NOT_DONE,
                "what answers at " + target.base() + " (" + status
                        + ") does not speak as Postern's API does; is the address right?");
    }

    static Optional<JsonNode> json(String text) {
        try {
            return Optional.of(MAPPER.readTree(text)).filter(JsonNode::isObject);
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
