package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reader that the other tests rely on: it must fail where a manifest is wrong. */
class StrictYamlTest {

    private final StrictYaml yaml = new StrictYaml();

    @Test
    void readsEveryDocumentAndSkipsEmptyOnes() throws IOException {
        assertThat(yaml.manifests("""
                        ---
                        apiVersion: v1
                        kind: ServiceAccount
                        metadata: {name: a}
                        ---
                        # nothing but a comment
                        ---
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: b}
                        """))
                .extracting(manifest -> manifest.getMetadata().getName())
                .containsExactly("a", "b");
    }

    @Test
    void refusesAMisspeltFieldInEachKindTheChartRenders(@TempDir Path scratch) throws IOException {
        String rendered = new Chart(scratch).text(ChartValues.THREE_REPLICAS.yaml())
                + new Chart(scratch).text(ChartValues.TWO_FUNCTIONS_ON_KNATIVE.yaml())
                + new Chart(scratch).text(ChartValues.EVERYTHING.yaml())
                + new Chart(scratch).text(ChartValues.HPA.yaml());

        assertThat(yaml.manifests(rendered)).isNotEmpty();
        assertMisspellingRefused(rendered, "readinessProbe:", "readynessProbe:");
        assertMisspellingRefused(rendered, "containerConcurrency:", "containerConcurency:");
        assertMisspellingRefused(rendered, "backoffLimit:", "backOffLimit:");
        assertMisspellingRefused(rendered, "maxUnavailable: 1\n  selector", "maxUnavailible: 1\n  selector");
        assertMisspellingRefused(rendered, "publishNotReadyAddresses:", "publishNotReadyAddress:");
        assertMisspellingRefused(rendered, "\ndata:", "\ndatum:");
        assertMisspellingRefused(rendered, "\nautomountServiceAccountToken:", "\nautoMountServiceAccountToken:");
        assertMisspellingRefused(rendered, "secretKeyRef:", "secretKeyReference:");
        assertMisspellingRefused(rendered, "httpGet:", "httpget:");
        assertMisspellingRefused(rendered, "ingressClassName:", "ingressClass:");
        assertMisspellingRefused(rendered, "policyTypes:", "policyType:");
        assertMisspellingRefused(rendered, "averageUtilization:", "averageUtilisation:");
        assertMisspellingRefused(rendered, "podMetricsEndpoints:", "podMetricEndpoints:");
        assertMisspellingRefused(rendered, "  endpoints:", "  endpoint:");
        assertMisspellingRefused(rendered, "  expr:", "  expression:");
        assertMisspellingRefused(rendered, "pollingInterval:", "pollInterval:");
        assertMisspellingRefused(rendered, "secretTargetRef:", "secretTargetReference:");
        assertMisspellingRefused(rendered, "activeDeadlineSeconds: 180", "activeDeadline: 180");
    }

    @Test
    void refusesAKeyGivenTwice() {
        assertThatThrownBy(() -> yaml.manifests("""
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: a}
                        data:
                          JOBS_SCHEMA: one
                          JOBS_SCHEMA: two
                        """)).hasMessageContaining("JOBS_SCHEMA");
    }

    @Test
    void refusesAKindItDoesNotKnow() {
        assertThatThrownBy(() -> yaml.manifests("""
                        apiVersion: apps/v1beta1
                        kind: Deployment
                        metadata: {name: a}
                        """)).hasMessageContaining("apps/v1beta1/Deployment");
    }

    private void assertMisspellingRefused(String manifests, String right, String wrong) {
        assertThat(manifests).contains(right);
        String field = wrong.strip().substring(0, wrong.strip().indexOf(':'));
        assertThatThrownBy(() -> yaml.manifests(manifests.replace(right, wrong)))
                .hasMessageContaining("\"" + field + "\"");
    }
}
