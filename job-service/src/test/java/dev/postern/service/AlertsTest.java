package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The chart's alerts and dashboard ask for metrics, labels and values of labels that exist, and each alert has its section in
 * docs/operations.md. An alert on a metric that nobody exports never fires, and nobody notices.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AlertsTest {

    private static final Path FILES = Path.of("..", "charts", "postern", "files");
    private static final Pattern SERIES = Pattern.compile("(?m)^(postern_\\w+)(?:\\{(.*)})? \\S+$");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");
    private static final Pattern SELECTOR = Pattern.compile("(postern_\\w+)(?:\\{([^}]*)})?");
    private static final Pattern MATCHER = Pattern.compile("(\\w+)\\s*(=~|!~|!=|=)\\s*\"([^\"]*)\"");
    private static final Pattern GROUPING = Pattern.compile("\\b(?:by|without|on) \\(([^)]*)\\)");

    /** What Prometheus adds to what it scrapes. */
    private static final Set<String> ADDED = Set.of("namespace", "pod", "job", "instance");

    /** Metric to label to the values that were printed. */
    private final Map<String, Map<String, Set<String>>> printed = new HashMap<>();

    @BeforeAll
    void print() {
        Matcher series = SERIES.matcher(EverythingCounted.metrics().scrape());
        while (series.find()) {
            Map<String, Set<String>> labels = printed.computeIfAbsent(series.group(1), name -> new HashMap<>());
            if (series.group(2) != null) {
                LABEL.matcher(series.group(2))
                        .results()
                        .forEach(label -> labels.computeIfAbsent(label.group(1), name -> new HashSet<>())
                                .add(label.group(2)));
            }
        }
        assertThat(printed).hasSizeGreaterThan(40);
    }

    @Test
    void alertsAskForWhatIsExported() throws IOException {
        List<String> expressions = expressions(Files.readString(FILES.resolve("alerts.yaml")));

        assertThat(expressions).hasSizeGreaterThan(10).allSatisfy(this::asksForWhatIsExported);
    }

    @Test
    void theDashboardAsksForWhatIsExported() throws IOException {
        JsonNode dashboard =
                new ObjectMapper().readTree(FILES.resolve("dashboard.json").toFile());
        List<String> expressions = new ArrayList<>();
        dashboard.findValues("expr").forEach(expression -> expressions.add(expression.asText()));
        dashboard.path("templating").path("list").forEach(variable -> {
            String query = variable.path("query").path("query").asText();
            if (!query.isEmpty()) {
                expressions.add(query);
            }
        });

        assertThat(expressions).hasSizeGreaterThan(30).allSatisfy(this::asksForWhatIsExported);
    }

    @Test
    void anExpressionThatAsksForSomethingElseIsFound() {
        for (String wrong : List.of(
                "postern_oldest_ready > 1",
                "postern_jobs{status=\"dead\"}",
                "postern_outcomes_total{outcome=\"failed\"}",
                "postern_outcomes_total{outcome=~\"retry|failed\"}",
                "sum by (tenant) (postern_jobs)",
                "sum(rate(postern_claim_seconds_count[5m])")) {
            assertThat(wrong)
                    .satisfies(expression -> org.assertj.core.api.Assertions.assertThatThrownBy(
                                    () -> asksForWhatIsExported(expression))
                            .isInstanceOf(AssertionError.class));
        }
    }

    @Test
    void eachAlertHasItsSectionInTheRunbooks() throws IOException {
        String alerts = Files.readString(FILES.resolve("alerts.yaml"));
        List<String> names = matches("(?m)^      - alert: (\\w+)$", alerts);
        Set<String> sections =
                new HashSet<>(matches("(?m)^#+ (\\w+)$", Files.readString(Path.of("..", "docs", "operations.md"))));

        assertThat(names)
                .hasSizeGreaterThan(10)
                .doesNotHaveDuplicates()
                .allSatisfy(name -> assertThat(sections).contains(name));
        assertThat(matches("runbook_url: docs/operations\\.md#(\\w+)", alerts))
                .isEqualTo(names.stream()
                        .map(name -> name.toLowerCase(Locale.ROOT))
                        .toList());
        assertThat(sections.stream().filter(section -> section.startsWith("Postern")))
                .as("no runbook of an alert that is gone")
                .allMatch(names::contains);
    }

    private void asksForWhatIsExported(String expression) {
        long open = expression.chars().filter(c -> c == '(').count();
        assertThat(open)
                .as("parentheses of %s", expression)
                .isEqualTo(expression.chars().filter(c -> c == ')').count());
        List<MatchResult> selectors = SELECTOR.matcher(expression).results().toList();
        assertThat(selectors).as("metrics in %s", expression).isNotEmpty();
        Set<String> labels = new HashSet<>(ADDED);
        for (MatchResult selector : selectors) {
            assertThat(printed).as("metrics, for %s", expression).containsKey(selector.group(1));
            Map<String, Set<String>> known = Objects.requireNonNull(printed.get(selector.group(1)));
            labels.addAll(known.keySet());
            if (selector.group(2) != null) {
                MATCHER.matcher(selector.group(2)).results().forEach(matcher -> matches(known, matcher, expression));
            }
        }
        GROUPING.matcher(expression)
                .results()
                .flatMap(grouping -> List.of(grouping.group(1).split(",", -1)).stream())
                .forEach(label ->
                        assertThat(labels).as("label of %s", expression).contains(label.strip()));
    }

    private static void matches(Map<String, Set<String>> known, MatchResult matcher, String expression) {
        String label = matcher.group(1);
        if (ADDED.contains(label)) {
            return;
        }
        assertThat(known).as("labels in %s", expression).containsKey(label);
        // Of what only some roles or tasks have, and of statuses, not every value was printed.
        if (Set.of("state", "outcome", "holder", "result").contains(label)
                && !matcher.group(3).startsWith("$")) {
            Set<String> values = new HashSet<>(known.getOrDefault(label, Set.of()));
            if (label.equals("state")) {
                values.addAll(STATES);
            }
            assertThat(values)
                    .as("values of %s in %s", label, expression)
                    .contains(matcher.group(3).split("\\|"));
        }
    }

    /** As job_state answers. */
    private static final Set<String> STATES = Set.of("scheduled", "ready", "running", "waiting", "retrying", "dead");

    // One line, or folded over several that are indented further.
    private static List<String> expressions(String alerts) {
        return matches("(?m)^        expr: (?:>-\\n)?(.*(?:\\n          .*)*)$", alerts);
    }

    private static List<String> matches(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(match -> match.group(1))
                .toList();
    }
}
