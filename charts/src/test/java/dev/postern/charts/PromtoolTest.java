package dev.postern.charts;

import static dev.postern.charts.Rendered.value;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Prometheus itself says of the alerts and of the dashboard's expressions. Skipped where there is no promtool;
 * {@code .ci/promtool} fetches it.
 */
class PromtoolTest {

    private static final Path TESTS = Path.of("src", "test", "promtool", "alerts.test.yaml");

    /** What Grafana puts in. */
    private static final Map<String, String> VARIABLES =
            Map.of("$namespace", "jobs|mail", "$task", "export-.*", "$__rate_interval", "5m");

    private final StrictYaml yaml = new StrictYaml();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path scratch;

    private String rendered = "";

    @BeforeEach
    void render() throws IOException {
        rendered = new Chart(scratch).text(ChartValues.EVERYTHING.yaml());
    }

    @Test
    void takesTheAlertsAsTheChartInstallsThem() throws Exception {
        Path rules = write(alerts());

        assertThat(promtool("check", "rules", rules.toString())).contains("SUCCESS");
    }

    @Test
    void takesTheExpressionsOfTheDashboard() throws Exception {
        String dashboard = value(
                new Rendered(yaml.manifests(rendered))
                        .one(ConfigMap.class, "acme-postern-dashboard")
                        .getData(),
                "postern.json");
        List<JsonNode> expressions = new ObjectMapper().readTree(dashboard).findValues("expr");

        assertThat(expressions).hasSizeGreaterThan(30);
        assertThat(promtool("check", "rules", write(recording(expressions)).toString()))
                .contains("SUCCESS: " + expressions.size() + " rules found");
    }

    @Test
    void eachAlertFiresWhenItShallAndNotBefore() throws Exception {
        promtool("test", "rules", TESTS.toString());
    }

    @Test
    void eachAlertHasACaseThatFiresItAndOneThatDoesNot() throws Exception {
        // By alert, whether something was to fire.
        Map<String, List<Boolean>> cases = new HashMap<>();
        yaml.tree(Files.readString(TESTS))
                .path("tests")
                .forEach(test -> cases.put(
                        test.path("name").asText(),
                        test.path("alert_rule_test")
                                .valueStream()
                                .peek(asked ->
                                        assertThat(asked.path("alertname")).isEqualTo(test.path("name")))
                                .map(asked -> !asked.path("exp_alerts").isEmpty())
                                .toList()));

        assertThat(alerts().findValuesAsText("alert"))
                .isNotEmpty()
                .allSatisfy(alert ->
                        assertThat(cases.get(alert)).as("cases of %s", alert).contains(true, false))
                .containsExactlyInAnyOrderElementsOf(cases.keySet());
    }

    private JsonNode alerts() throws IOException {
        return yaml.trees(rendered).stream()
                .filter(document -> document.path("kind").asText().equals("PrometheusRule"))
                .findFirst()
                .orElseThrow()
                .path("spec");
    }

    private static JsonNode recording(List<JsonNode> expressions) {
        ObjectNode rules = new ObjectMapper().createObjectNode();
        ArrayNode group =
                rules.putArray("groups").addObject().put("name", "dashboard").putArray("rules");
        for (JsonNode expression : expressions) {
            String filled = expression.asText();
            for (Map.Entry<String, String> variable : VARIABLES.entrySet()) {
                filled = filled.replace(variable.getKey(), variable.getValue());
            }
            group.addObject().put("record", "panel:" + group.size()).put("expr", filled);
        }
        return rules;
    }

    private Path write(JsonNode rules) throws IOException {
        return Files.writeString(Files.createTempFile(scratch, "rules", ".yaml"), yaml.write(rules));
    }

    private String promtool(String... arguments) throws IOException, InterruptedException {
        return Tool.run(scratch, "promtool", arguments);
    }
}
