package dev.postern.functions.sendemaillink;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.mail.RecordingServer;
import dev.postern.functions.runtime.FunctionConfig;
import dev.postern.functions.runtime.FunctionServer;
import dev.postern.functions.runtime.Settings;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The function behind its real server, with a platform that a test can change, and settings as a process gets them. */
final class Fixture implements AutoCloseable {

    static final ObjectMapper JSON = new ObjectMapper();
    static final String DATABASE = "00000000-0000-0000-0000-000000000001";
    static final String SENDER = "00000000-0000-0000-0000-000000000002";
    static final String INVITE = """
            {"email_type":"invite_email","email":"user@example.com","invite_token":"invite-token-123",
             "sender_id":"00000000-0000-0000-0000-000000000002"}
            """;
    static final String RESET = """
            {"email_type":"forgot_password","email":"user@example.com","user_id":"u-1","reset_token":"reset-token-123"}
            """;
    static final String CONFIRM = """
            {"email_type":"email_verification","email":"user@example.com","email_id":"e-1",
             "verification_token":"verify-token-123"}
            """;

    private static final String SITE = """
            {"domains":{"nodes":[{"subdomain":"app","domain":"example.com"}]},
             "logo":{"url":"https://cdn.example.com/logo.png"},"title":"Engines",
             "siteThemes":{"nodes":[{"theme":{"primary":"#1f6f5c"}}]},
             "siteModules":{"nodes":[{"data":{"emails":{"support":"support@example.com"},
               "company":{"name":"Analytical Engines Ltd.","nick":"Analytical","website":"https://example.com/home"}}}]}}
            """;

    /** The platform's first site; tests change it. */
    final ObjectNode site;

    /** The platform's first user; tests change it. */
    final ObjectNode user;

    final RecordingServer platform;
    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final FunctionServer<EmailPayload> server;
    private final URI url;

    /** Dry run, unless the environment says otherwise. */
    Fixture(Map<String, String> environment) throws Exception {
        site = (ObjectNode) JSON.readTree(SITE);
        user = JSON.createObjectNode().put("username", "ada").put("displayName", "Ada Lovelace");
        platform = new RecordingServer(this::answer);
        Map<String, String> settings = new HashMap<>(
                Map.of("GRAPHQL_URL", platform.url("/graphql").toString(), "SEND_EMAIL_LINK_DRY_RUN", "true"));
        settings.putAll(environment);
        FunctionConfig defaults = FunctionConfig.defaults("send-email-link");
        server = new FunctionServer<>(
                vertx,
                EmailPayload.class,
                Main.wire(SendEmailLinkConfig.from(new Settings(settings)), vertx),
                new FunctionConfig(
                        "send-email-link",
                        "127.0.0.1",
                        0,
                        defaults.bodyLimit(),
                        Duration.ofSeconds(1),
                        defaults.callbacks()),
                Clock.systemUTC(),
                RandomGenerator.getDefault());
        int port = server.start().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        url = URI.create("http://127.0.0.1:" + port + "/send-email-link");
    }

    private RecordingServer.Reply answer(RecordingServer.Asked asked) {
        boolean aboutUser = asked.body().contains("query GetUser");
        String list = aboutUser ? "users" : "databases";
        ObjectNode data = JSON.createObjectNode();
        var nodes = data.putObject("data").putObject(list).putArray("nodes");
        if (aboutUser) {
            nodes.add(user);
        } else {
            var sites = nodes.addObject().putObject("sites").putArray("nodes");
            if (!site.isEmpty()) {
                sites.add(site);
            }
        }
        return RecordingServer.Reply.ok(data.toString());
    }

    /** As the worker calls, for job 812 of the tenant. */
    HttpResponse<String> call(String payload) throws IOException, InterruptedException {
        return call(
                payload, List.of("X-Job-Id", "812", "X-Database-Id", DATABASE, "Idempotency-Key", "job-812-of-tests"));
    }

    HttpResponse<String> call(String payload, List<String> headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .timeout(Duration.ofSeconds(40))
                .POST(HttpRequest.BodyPublishers.ofString(payload));
        if (!headers.isEmpty()) {
            request.headers(headers.toArray(String[]::new));
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** What was sent along with a query of the given name. */
    RecordingServer.Asked query(String name) {
        return platform.asked().stream()
                .filter(asked -> asked.body().contains("query " + name))
                .findFirst()
                .orElseThrow();
    }

    ObjectNode at(String path) {
        return (ObjectNode) site.at(path);
    }

    static JsonNode json(HttpResponse<String> answer) {
        return json(answer.body());
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String without(String payload, String field) {
        ObjectNode object = (ObjectNode) json(payload);
        object.remove(field);
        return object.toString();
    }

    static String with(String payload, String field, @Nullable String value) {
        return ((ObjectNode) json(payload)).put(field, value).toString();
    }

    @Override
    public void close() {
        platform.close();
        client.shutdownNow();
        server.stop()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
        vertx.close()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }
}
