package dev.postern.charts;

import static dev.postern.charts.Rendered.value;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.Rule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is scraped and who is told. That alerts and dashboard name metrics that exist is job-service's AlertsTest. */
class ChartMonitoringTest {

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void isOffByDefault() throws IOException {
        assertThat(chart.render(ChartValues.SMALLEST.yaml()).names())
                .noneMatch(name -> name.startsWith("monitoring.coreos.com") || name.endsWith("-dashboard"));
    }

    @Test
    void scrapesThePodsOfEveryRole() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());
        PodMonitor monitor = rendered.one(PodMonitor.class, "acme-postern");

        assertThat(monitor.getMetadata().getLabels()).containsEntry("release", "prometheus");
        assertThat(monitor.getSpec().getPodMetricsEndpoints())
                .singleElement()
                .satisfies(endpoint -> assertThat(endpoint.getPort()).isEqualTo("metrics"));
        Map<String, String> selector = monitor.getSpec().getSelector().getMatchLabels();
        assertThat(rendered.jobService()).hasSize(4).allSatisfy(deployment -> {
            PodTemplateSpec template = deployment.getSpec().getTemplate();
            assertThat(template.getMetadata().getLabels()).containsAllEntriesOf(selector);
            assertThat(template.getSpec().getContainers().getFirst().getPorts())
                    .anyMatch(port -> port.getName().equals("metrics"));
        });
    }

    @Test
    void scrapesByTheServiceOfMetricsOnly() throws IOException {
        Rendered rendered = chart.render(ChartValues.HPA.yaml());
        ServiceMonitor monitor = rendered.one(ServiceMonitor.class, "acme-postern");

        assertThat(monitor.getSpec().getEndpoints().getFirst().getInterval()).isEqualTo("15s");
        assertThat(rendered.all(Service.class).stream()
                        .filter(service -> service.getMetadata()
                                .getLabels()
                                .entrySet()
                                .containsAll(monitor.getSpec()
                                        .getSelector()
                                        .getMatchLabels()
                                        .entrySet()))
                        .map(service -> service.getMetadata().getName()))
                .containsExactly("acme-postern-metrics");
    }

    @Test
    void givesEachAlertItsRunbookWherePeopleReadIt() throws IOException {
        PrometheusRule alerts = chart.render(ChartValues.EVERYTHING.yaml()).one(PrometheusRule.class, "acme-postern");

        List<Rule> rules = alerts.getSpec().getGroups().getFirst().getRules();
        Set<String> names = new HashSet<>();
        assertThat(rules).hasSizeGreaterThan(10).allSatisfy(rule -> {
            assertThat(names.add(rule.getAlert())).isTrue();
            assertThat(rule.getLabels().get("severity")).isIn("warning", "critical");
            assertThat(rule.getAnnotations())
                    .containsEntry(
                            "runbook_url",
                            "https://docs.example.com/operations#"
                                    + rule.getAlert().toLowerCase(java.util.Locale.ROOT))
                    .hasEntrySatisfying(
                            "summary", summary -> assertThat(summary).isNotBlank());
        });
        assertThat(rules.stream().map(rule -> rule.getAnnotations().get("summary")))
                .as("Prometheus' own templates reach it whole")
                .anyMatch(summary -> summary.contains("{{ $labels.task }}"));
    }

    @Test
    void handsGrafanaADashboardThatIsOne() throws IOException {
        ConfigMap dashboard =
                chart.render(ChartValues.EVERYTHING.yaml()).one(ConfigMap.class, "acme-postern-dashboard");

        assertThat(dashboard.getMetadata().getLabels()).containsEntry("grafana_dashboard", "1");
        assertThat(dashboard.getMetadata().getAnnotations()).containsEntry("grafana_folder", "Jobs");
        JsonNode json = new StrictYaml().tree(value(dashboard.getData(), "postern.json"));
        Set<Integer> ids = new HashSet<>();
        assertThat(json.path("panels")).isNotEmpty().allSatisfy(panel -> {
            assertThat(ids.add(panel.path("id").asInt())).isTrue();
            assertThat(panel.path("gridPos").path("x").asInt()
                            + panel.path("gridPos").path("w").asInt())
                    .isLessThanOrEqualTo(24);
        });
    }
}
