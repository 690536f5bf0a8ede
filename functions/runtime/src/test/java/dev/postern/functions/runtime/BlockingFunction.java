package dev.postern.functions.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** A process of its own: its function asks the URL in the payload and answers when that has answered. */
final class BlockingFunction {

    private BlockingFunction() {}

    public static void main(String[] args) {
        FunctionProcess.run("blocking", JsonNode.class, System.getenv(), settings -> {
            settings.number("POSTERN_TEST_NUMBER", 1, 1, 10);
            return (payload, context) -> {
                HttpRequest request = HttpRequest.newBuilder(
                                URI.create(payload.path("ask").asText()))
                        .timeout(Duration.ofSeconds(30))
                        .build();
                try (HttpClient http = HttpClient.newHttpClient()) {
                    return Answer.of(http.send(request, HttpResponse.BodyHandlers.ofString())
                            .body());
                }
            };
        });
    }
}
