package dev.postern.charts;

import static dev.postern.charts.Rendered.plain;
import static dev.postern.charts.Rendered.secrets;
import static dev.postern.charts.Rendered.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.knative.serving.v1.RevisionSpec;
import io.fabric8.knative.serving.v1.RevisionTemplateSpec;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The functions of the list in values: where their jobs are sent, and how they are deployed. */
class ChartFunctionsTest {

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void sendsEachTaskToItsFunction() throws IOException {
        for (ChartValues values :
                List.of(ChartValues.TWO_FUNCTIONS_ON_KNATIVE, ChartValues.TWO_FUNCTIONS_WITHOUT_KNATIVE)) {
            Map<String, String> config = chart.render(values.yaml()).config();

            assertThat(new StrictYaml().texts(value(config, "POSTERN_FUNCTIONS")))
                    .isEqualTo(Map.of(
                            "send-email-link", "http://send-email-link.jobs.svc.cluster.local",
                            "email:send_verification_link", "http://send-email-link.jobs.svc.cluster.local",
                            "system-ping", "http://system-ping.jobs.svc.cluster.local"));
            assertThat(config)
                    .containsEntry("JOBS_SUPPORT_ANY", "false")
                    .containsEntry("JOBS_SUPPORTED", "email:send_verification_link,send-email-link,system-ping");
        }
    }

    @Test
    void sendsAnyTaskThroughTheGateway() throws IOException {
        Map<String, String> config =
                chart.render(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()).config();

        assertThat(config)
                .containsEntry("JOBS_SCHEMA", "tenant_jobs")
                .containsEntry("JOBS_SUPPORT_ANY", "true")
                .doesNotContainKey("JOBS_SUPPORTED")
                .containsEntry("FUNCTION_URL", "http://gateway.functions.svc.cluster.local")
                .containsEntry("KNATIVE_SERVICE_URL", "functions.svc.cluster.local")
                .containsEntry("INTERNAL_GATEWAY_URL", "http://gateway.functions.svc.cluster.local")
                .containsEntry("LOG_LEVEL", "debug");
        assertThat(new StrictYaml().texts(value(config, "POSTERN_FUNCTIONS")))
                .isEqualTo(Map.of("email:send_email", "http://send-email.interweb.svc.cluster.local"));
    }

    @Test
    void deploysThemAsClusterLocalKnativeServices() throws IOException {
        Rendered rendered = chart.render(ChartValues.TWO_FUNCTIONS_ON_KNATIVE.yaml());

        var service = rendered.one(io.fabric8.knative.serving.v1.Service.class, "send-email-link");
        assertThat(service.getMetadata().getLabels())
                .containsEntry("networking.knative.dev/visibility", "cluster-local");
        assertThat(service.getMetadata().getAnnotations()).isNullOrEmpty();
        RevisionTemplateSpec revision = service.getSpec().getTemplate();
        assertThat(revision.getMetadata().getAnnotations())
                .containsEntry("autoscaling.knative.dev/min-scale", "2")
                .containsEntry("autoscaling.knative.dev/max-scale", "0")
                .containsEntry("team", "mail");
        RevisionSpec spec = revision.getSpec();
        assertThat(spec.getContainerConcurrency()).isEqualTo(4);
        Container container = spec.getContainers().getFirst();
        assertThat(container.getImage()).startsWith("registry.example.com/send-email-link@sha256:0123");
        assertThat(container.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/healthz");
        assertThat(container.getEnv()).extracting(EnvVar::getName).doesNotContain("PORT");
        assertThat(container.getPorts())
                .singleElement()
                .satisfies(port -> assertThat(port.getContainerPort()).isEqualTo(8080));
        assertThat(rendered.all(Deployment.class)).hasSize(1);
    }

    @Test
    void deploysThemWithoutKnativeBehindTheSameAddress() throws IOException {
        Rendered rendered = chart.render(ChartValues.TWO_FUNCTIONS_WITHOUT_KNATIVE.yaml());

        assertThat(rendered.all(io.fabric8.knative.serving.v1.Service.class)).isEmpty();
        Deployment deployment = rendered.one(Deployment.class, "send-email-link");
        PodSpec pod = deployment.getSpec().getTemplate().getSpec();
        assertThat(deployment.getSpec().getReplicas()).isEqualTo(2);
        assertThat(pod.getNodeSelector()).containsEntry("disk", "fast");
        assertThat(plain(pod.getContainers().getFirst())).containsEntry("PORT", "8080");
        assertThat(rendered.one(Service.class, "send-email-link").getSpec().getPorts())
                .singleElement()
                .satisfies(port -> assertThat(port.getPort()).isEqualTo(80));
        assertThat(rendered.one(Deployment.class, "system-ping").getSpec().getReplicas())
                .isEqualTo(1);
    }

    @Test
    void handsThemTheirSettingsAndSecrets() throws IOException {
        Container container = chart.render(ChartValues.TWO_FUNCTIONS_ON_KNATIVE.yaml())
                .one(io.fabric8.knative.serving.v1.Service.class, "send-email-link")
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .getFirst();

        assertThat(plain(container))
                .isEqualTo(Map.of(
                        "POSTERN_DRAIN_SECONDS", "300",
                        "GRAPHQL_URL", "http://constructive-admin-server:3000/graphql",
                        "SEND_EMAIL_LINK_DRY_RUN", "false",
                        "MAILGUN_DOMAIN", "mg.example.com",
                        "MAILGUN_FROM", "no-reply@mg.example.com"));
        assertThat(secrets(container))
                .isEqualTo(Map.of(
                        "GRAPHQL_AUTH_TOKEN", "constructive/token",
                        "MAILGUN_API_KEY", "mailgun/key",
                        "MAILGUN_KEY", "mailgun/key"));
        assertThat(container.getEnvFrom())
                .singleElement()
                .satisfies(source -> assertThat(source.getSecretRef().getName()).isEqualTo("smtp"));
    }

    /** A slow call has to end as the worker's time-out: that one is charged, and told as what it is. */
    @ParameterizedTest
    @EnumSource
    void waitsLongerForACallTheFurtherFromTheWorker(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());
        long worker = Long.parseLong(rendered.config("POSTERN_ATTEMPT_TIMEOUT_SECONDS"));
        long lease = Long.parseLong(rendered.config("POSTERN_CALLBACK_LEASE_SECONDS"));

        assertThat(rendered.config("POSTERN_RESPONSE_START_TIMEOUT_SECONDS")).isEqualTo(Long.toString(worker));
        assertThat(rendered.all(io.fabric8.knative.serving.v1.Service.class)).allSatisfy(service -> {
            RevisionSpec revision = service.getSpec().getTemplate().getSpec();
            assertThat(revision.getTimeoutSeconds()).isGreaterThan(worker).isLessThan(lease);
            assertThat(revision.getResponseStartTimeoutSeconds()).isEqualTo(revision.getTimeoutSeconds());
        });
        assertThat(rendered.all(Deployment.class))
                .filteredOn(deployment -> !rendered.jobService().contains(deployment))
                .allSatisfy(deployment -> assertThat(
                                deployment.getSpec().getTemplate().getSpec().getTerminationGracePeriodSeconds())
                        .isGreaterThan(worker));
    }

    @Test
    void keepsAPodOfAFunctionThatAnswersLater() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        assertThat(minScale(rendered, "export-report")).isEqualTo("1");
        assertThat(minScale(rendered, "system-ping")).isEqualTo("0");
    }

    private static String minScale(Rendered rendered, String function) {
        return value(
                rendered.one(io.fabric8.knative.serving.v1.Service.class, function)
                        .getSpec()
                        .getTemplate()
                        .getMetadata()
                        .getAnnotations(),
                "autoscaling.knative.dev/min-scale");
    }

    @Test
    void budgetsDisruptionsOfThoseWithSeveralPods() throws IOException {
        assertThat(chart.render(ChartValues.TWO_FUNCTIONS_WITHOUT_KNATIVE.yaml())
                        .all(PodDisruptionBudget.class))
                .extracting(budget -> budget.getMetadata().getName())
                .containsExactly("send-email-link");
    }

    @Test
    void letsWhatRunsEndUnlessToldOtherwise() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        assertThat(drain(rendered, "system-ping")).isEqualTo("300");
        assertThat(drain(rendered, "export-report")).isEqualTo("60");
    }

    private static String drain(Rendered rendered, String function) {
        return value(
                plain(rendered.one(io.fabric8.knative.serving.v1.Service.class, function)
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .getFirst()),
                "POSTERN_DRAIN_SECONDS");
    }

    @Test
    void mountsTheirVolumesWithKnativeAndWithout() throws IOException {
        String values = ChartValues.SMALLEST.yaml() + """
                functions:
                  - name: export-report
                    image: {repository: registry.example.com/export-report}
                    env: {EXPORT_DIR: /exports}
                    volumes: [{claim: exports, path: /exports}]
                """;

        Rendered knative = chart.render(values);
        RevisionSpec revision = knative.one(io.fabric8.knative.serving.v1.Service.class, "export-report")
                .getSpec()
                .getTemplate()
                .getSpec();
        PodSpec pod = chart.render(values + "knative: {enabled: false}\n")
                .one(Deployment.class, "export-report")
                .getSpec()
                .getTemplate()
                .getSpec();
        for (Container container :
                List.of(revision.getContainers().getFirst(), pod.getContainers().getFirst())) {
            assertThat(container.getVolumeMounts())
                    .extracting(mount -> mount.getName() + " " + mount.getMountPath())
                    .containsExactly("tmp /tmp", "volume-0 /exports");
        }
        for (Volume volume :
                List.of(revision.getVolumes().getLast(), pod.getVolumes().getLast())) {
            assertThat(volume.getName()).isEqualTo("volume-0");
            assertThat(volume.getPersistentVolumeClaim().getClaimName()).isEqualTo("exports");
        }
    }
}
