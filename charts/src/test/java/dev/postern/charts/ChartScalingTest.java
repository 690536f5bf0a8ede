package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who sets the number of the pods that run jobs. */
class ChartScalingTest {

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void scalesWorkersByReadyAndRunningJobs() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        ScaledObject.Spec rule = spec(rendered, "acme-postern-worker");
        assertThat(rule.scaleTargetRef())
                .isEqualTo(new ScaledObject.Target("apps/v1", "Deployment", "acme-postern-worker"));
        assertThat(rule.minReplicaCount()).isEqualTo(2);
        assertThat(rule.maxReplicaCount()).isEqualTo(20);
        ScaledObject.Trigger trigger = rule.triggers().getFirst();
        assertThat(trigger.type()).isEqualTo("postgresql");
        assertThat(trigger.metadata())
                .containsEntry("host", "db.internal")
                .containsEntry("dbName", "jobs")
                .containsEntry("targetQueryValue", "64");
        assertThat(trigger.metadata().get("query"))
                .contains("j.task_identifier in ('export-report', 'system-ping') limit 1280")
                .contains("j.locked_at is not null and j.waiting_since is null");
        TriggerAuthentication secrets = rendered.one(
                TriggerAuthentication.class, trigger.authenticationRef().name());
        assertThat(Objects.requireNonNull(secrets.getSpec()).secretTargetRef())
                .containsExactlyInAnyOrder(
                        new TriggerAuthentication.SecretKey("password", "acme-db-app", "password"),
                        new TriggerAuthentication.SecretKey("port", "acme-db-app", "port"),
                        new TriggerAuthentication.SecretKey("userName", "acme-db-app", "username"));
    }

    @Test
    void asksPostgresPastAPoolerAndForAnyTask() throws IOException {
        Rendered rendered = chart.render(ChartValues.KEDA_WITH_ONE_URI.yaml());

        ScaledObject.Trigger trigger = spec(rendered, "acme-postern").triggers().getFirst();
        assertThat(trigger.metadata())
                .containsOnlyKeys("query", "targetQueryValue")
                .containsEntry("targetQueryValue", "20");
        assertThat(trigger.metadata().get("query"))
                .doesNotContain("task_identifier")
                .contains("limit 200");
        assertThat(Objects.requireNonNull(rendered.one(TriggerAuthentication.class, "acme-postern-database")
                                .getSpec())
                        .secretTargetRef())
                .containsExactly(new TriggerAuthentication.SecretKey("connection", "acme-db-uri", "direct-uri"));
    }

    @Test
    void scalesByCpuWhereThatIsAskedFor() throws IOException {
        HorizontalPodAutoscaler rule =
                chart.render(ChartValues.HPA.yaml()).one(HorizontalPodAutoscaler.class, "acme-postern");

        assertThat(rule.getSpec().getScaleTargetRef().getName()).isEqualTo("acme-postern");
        assertThat(rule.getSpec().getMinReplicas()).isEqualTo(2);
        assertThat(rule.getSpec()
                        .getMetrics()
                        .getFirst()
                        .getResource()
                        .getTarget()
                        .getAverageUtilization())
                .isEqualTo(75);
    }

    @Test
    void leavesTheNumberOfPodsToTheScalerAndBudgetsThem() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        assertThat(rendered.one(Deployment.class, "acme-postern-worker")
                        .getSpec()
                        .getReplicas())
                .as("a number here would be set again by each upgrade")
                .isNull();
        assertThat(rendered.one(Deployment.class, "acme-postern-callback")
                        .getSpec()
                        .getReplicas())
                .isEqualTo(2);
        assertThat(rendered.all(PodDisruptionBudget.class))
                .extracting(budget -> budget.getMetadata().getName())
                .contains("acme-postern-worker");
    }

    private static ScaledObject.Spec spec(Rendered rendered, String name) {
        return Objects.requireNonNull(rendered.one(ScaledObject.class, name).getSpec());
    }
}
