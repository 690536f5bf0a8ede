package dev.postern.functions.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class FunctionMetricsTest {

    private static final JobFunction<JsonNode> FUNCTION = (payload, context) -> {
        if (payload.has("later")) {
            return Answer.later(() -> {
                if (payload.path("later").asText().equals("fail")) {
                    throw new IllegalStateException("as asked");
                }
                context.progress(50, "halfway");
                return null;
            });
        }
        if (payload.has("wrong")) {
            throw new BadPayload("wrong", "is there");
        }
        return Answer.done();
    };

    @Test
    void countsAnswersAcceptedWorkAndReports() throws Exception {
        assertThat(scraped())
                .contains("postern_function_answer_seconds_count{function=\"function-under-test\",status=\"200\"} 1")
                .contains("postern_function_answer_seconds_count{function=\"function-under-test\",status=\"202\"} 2")
                .contains("postern_function_answer_seconds_count{function=\"function-under-test\",status=\"400\"} 1")
                .contains(
                        "postern_function_accepted_seconds_count{function=\"function-under-test\",outcome=\"complete\"} 1")
                .contains(
                        "postern_function_accepted_seconds_count{function=\"function-under-test\",outcome=\"fail\"} 1")
                .contains("postern_function_reports_total{answer=\"heard\",function=\"function-under-test\","
                        + "report=\"progress\"} 1")
                .contains("postern_function_running{function=\"function-under-test\"}");
    }

    @Test
    void printsWhatThePageListsAndNothingElse() throws Exception {
        Set<String> printed = Pattern.compile("(?m)^# TYPE (\\w+) (\\w+)$")
                .matcher(scraped())
                .results()
                .map(type -> type.group(1) + " " + type.group(2))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> listed = Pattern.compile("(?m)^\\| `(postern_\\w+)` \\| (\\w+) \\|")
                .matcher(Files.readString(Path.of("../../docs/functions.md")))
                .results()
                .map(row -> row.group(1) + " " + row.group(2))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(listed).isEqualTo(printed);
    }

    private static String scraped() throws Exception {
        try (var function = FunctionUnderTest.start(JsonNode.class, FUNCTION);
                HttpClient client = HttpClient.newHttpClient()) {
            function.call("{}");
            function.call("{\"wrong\": 1}");
            function.call("{\"later\": \"complete\"}");
            function.call("{\"later\": \"fail\"}");
            HttpResponse<String> metrics = client.send(
                    HttpRequest.newBuilder(function.url().resolve("/metrics"))
                            .timeout(Duration.ofSeconds(30))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(metrics.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
            return metrics.body();
        }
    }
}
