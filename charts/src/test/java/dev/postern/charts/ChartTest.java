package dev.postern.charts;

import static dev.postern.charts.Rendered.container;
import static dev.postern.charts.Rendered.plain;
import static dev.postern.charts.Rendered.secrets;
import static dev.postern.charts.Rendered.value;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Lifecycle;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ChartTest {

    private static final Set<String> SECRET_ENVIRONMENT = Set.of(
            "PGUSER",
            "PGPASSWORD",
            "DATABASE_URL",
            "DATABASE_LISTEN_URL",
            "MAILGUN_API_KEY",
            "MAILGUN_KEY",
            "GRAPHQL_AUTH_TOKEN");

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @ParameterizedTest
    @EnumSource
    void passesStrictLint(ChartValues values) throws IOException {
        var result = chart.lint(values.yaml());

        assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
        assertThat(result.getMessages()).noneMatch(message -> message.contains("Fail:"));
    }

    @ParameterizedTest
    @EnumSource
    void rendersOnlyKnownFieldsUnderUniqueNames(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());

        assertThat(rendered.names())
                .doesNotHaveDuplicates()
                .anyMatch(name -> name.startsWith("apps/v1/Deployment/acme-postern"));
    }

    @ParameterizedTest
    @EnumSource
    void restrictsEveryPod(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());

        assertThat(rendered.pods()).isNotEmpty().allSatisfy(pod -> {
            assertThat(pod.mountsToken()).isFalse();
            assertThat(pod.serviceLinks()).isFalse();
        });
        assertThat(rendered.containers()).isNotEmpty().allSatisfy(container -> {
            SecurityContext security = container.getSecurityContext();
            assertThat(security.getRunAsNonRoot()).isTrue();
            assertThat(security.getReadOnlyRootFilesystem()).isTrue();
            assertThat(security.getAllowPrivilegeEscalation()).isFalse();
            assertThat(security.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(security.getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(container.getVolumeMounts())
                    .filteredOn(mount -> !Boolean.TRUE.equals(mount.getReadOnly()))
                    .singleElement()
                    .satisfies(mount -> assertThat(mount.getMountPath()).isEqualTo("/tmp"));
            assertThat(container.getResources().getLimits()).containsKey("memory");
        });
        assertThat(rendered.all(ServiceAccount.class))
                .allSatisfy(account ->
                        assertThat(account.getAutomountServiceAccountToken()).isFalse());
    }

    @ParameterizedTest
    @EnumSource
    void takesSecretsOnlyFromSecretsThatExist(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());

        assertThat(rendered.containers().stream().flatMap(container -> container.getEnv().stream()))
                .filteredOn(variable -> SECRET_ENVIRONMENT.contains(variable.getName()))
                .isNotEmpty()
                .allSatisfy(variable -> {
                    assertThat(variable.getValue()).isNull();
                    assertThat(variable.getValueFrom().getSecretKeyRef().getName())
                            .isNotBlank();
                });
        assertThat(rendered.all(ConfigMap.class))
                .allSatisfy(config ->
                        assertThat(config.getData()).doesNotContainKeys(SECRET_ENVIRONMENT.toArray(new String[0])));
        assertThat(rendered.names()).noneMatch(name -> name.startsWith("v1/Secret/"));
    }

    @ParameterizedTest
    @EnumSource
    void givesTheJobServiceOnlyNamesItReads(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());
        Set<String> added = Set.of("LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT");

        Stream<String> configured = rendered.config().keySet().stream();
        Stream<String> direct = Stream.concat(
                        rendered.jobService().stream()
                                .map(deployment -> deployment.getSpec().getTemplate()),
                        rendered.all(Job.class).stream()
                                .map(job -> job.getSpec().getTemplate()))
                .flatMap(template -> template.getSpec().getContainers().stream())
                .flatMap(container -> container.getEnv().stream())
                .map(EnvVar::getName);
        assertThat(Stream.concat(configured, direct).filter(name -> !added.contains(name)))
                .isNotEmpty()
                .isSubsetOf(JobServiceEnvironment.NAMES);
    }

    @ParameterizedTest
    @EnumSource
    void probesTheHttpPortAndOutlivesTheDrain(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());
        Map<String, String> config = rendered.config();

        assertThat(rendered.jobService()).isNotEmpty().allSatisfy(deployment -> {
            PodSpec pod = deployment.getSpec().getTemplate().getSpec();
            Container container = pod.getContainers().getFirst();
            assertThat(path(container.getStartupProbe())).isEqualTo("/startupz");
            assertThat(path(container.getReadinessProbe())).isEqualTo("/readyz");
            assertThat(path(container.getLivenessProbe())).isEqualTo("/healthz");
            assertThat(Stream.of(
                            container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe()))
                    .allSatisfy(
                            probe -> assertThat(port(container, probe)).isEqualTo(value(config, "POSTERN_HTTP_PORT")));
            Lifecycle lifecycle = container.getLifecycle();
            assertThat(lifecycle == null).isEqualTo(values == ChartValues.HPA);
            long notice =
                    lifecycle == null ? 0 : lifecycle.getPreStop().getSleep().getSeconds();
            assertThat(pod.getTerminationGracePeriodSeconds())
                    .isGreaterThan(notice + Long.parseLong(value(config, "POSTERN_DRAIN_SECONDS")));
        });
    }

    @ParameterizedTest
    @EnumSource
    void selectsPodsWithEveryServiceAndDeployment(ChartValues values) throws IOException {
        Rendered rendered = chart.render(values.yaml());
        List<PodTemplateSpec> templates = rendered.all(Deployment.class).stream()
                .map(deployment -> deployment.getSpec().getTemplate())
                .toList();

        assertThat(rendered.all(Deployment.class))
                .allSatisfy(deployment -> assertThat(templates.stream()
                                .filter(template -> template.getMetadata()
                                        .getLabels()
                                        .entrySet()
                                        .containsAll(deployment
                                                .getSpec()
                                                .getSelector()
                                                .getMatchLabels()
                                                .entrySet())))
                        .containsExactly(deployment.getSpec().getTemplate()));
        assertThat(rendered.all(Service.class))
                .allSatisfy(service -> assertThat(service.getSpec().getPorts())
                        .allSatisfy(port -> assertThat(templates.stream()
                                        .filter(template -> template.getMetadata()
                                                .getLabels()
                                                .entrySet()
                                                .containsAll(service.getSpec()
                                                        .getSelector()
                                                        .entrySet())))
                                .isNotEmpty()
                                .allMatch(template -> hasPort(template, port))));
    }

    @Test
    void answersCallbacksUnderTheNameConstructiveUses() throws IOException {
        Rendered rendered = chart.render(ChartValues.TWO_FUNCTIONS_ON_KNATIVE.yaml());

        assertThat(rendered.one(Service.class, "knative-job-service").getSpec().getPorts())
                .extracting(ServicePort::getName, ServicePort::getPort)
                .contains(tuple("callback", 8080));
        assertThat(rendered.config())
                .containsEntry("INTERNAL_JOBS_CALLBACK_PORT", "8080")
                .containsEntry(
                        "INTERNAL_JOBS_CALLBACK_URL", "http://knative-job-service.jobs.svc.cluster.local:8080/callback")
                .containsEntry("JOBS_CALLBACK_HOST", "knative-job-service.jobs.svc.cluster.local");
    }

    @Test
    void readsTheConnectionFromTheKeysOfTheSecret() throws IOException {
        assertThat(secrets(chart.render(ChartValues.SMALLEST.yaml()).container("acme-postern")))
                .isEqualTo(Map.of(
                        "PGHOST", "acme-db-app/host",
                        "PGPORT", "acme-db-app/port",
                        "PGDATABASE", "acme-db-app/dbname",
                        "PGUSER", "acme-db-app/username",
                        "PGPASSWORD", "acme-db-app/password"));
    }

    @Test
    void takesHostPortAndNameFromValuesWhereGiven() throws IOException {
        Container container = chart.render(ChartValues.THREE_REPLICAS.yaml()).container("acme-postern");

        assertThat(plain(container))
                .containsEntry("PGHOST", "db.internal")
                .containsEntry("PGPORT", "6432")
                .containsEntry("PGDATABASE", "constructive");
        assertThat(secrets(container)).containsOnlyKeys("PGUSER", "PGPASSWORD");
    }

    @Test
    void takesTheWholeConnectionFromOneKey() throws IOException {
        Rendered rendered = chart.render(ChartValues.SPLIT_ROLES.yaml());

        assertThat(rendered.containers())
                .filteredOn(container -> !container.getName().equals("function"))
                .hasSize(5)
                .allSatisfy(container -> assertThat(secrets(container))
                        .isEqualTo(Map.of(
                                "DATABASE_URL", "acme-db-uri/uri", "DATABASE_LISTEN_URL", "acme-db-uri/direct-uri")));
    }

    @Test
    void migratesInAHookThatNeedsNothingElseOfTheRelease() throws IOException {
        Job job = chart.render(ChartValues.SMALLEST.yaml()).one(Job.class, "acme-postern-migrate");

        assertThat(job.getMetadata().getAnnotations())
                .containsEntry("helm.sh/hook", "pre-install,pre-upgrade")
                .containsEntry("helm.sh/hook-delete-policy", "before-hook-creation");
        PodSpec pod = job.getSpec().getTemplate().getSpec();
        assertThat(pod.getServiceAccountName()).isNull();
        Container container = pod.getContainers().getFirst();
        assertThat(container.getArgs()).containsExactly("migrate");
        assertThat(container.getEnvFrom()).isEmpty();
        assertThat(plain(container)).containsEntry("JOBS_SCHEMA", "app_jobs");
        assertThat(secrets(container)).containsEntry("PGPASSWORD", "acme-db-app/password");
    }

    @Test
    void migratesInExactlyOnePlace() throws IOException {
        assertThat(chart.render(ChartValues.SMALLEST.yaml()).config("POSTERN_MIGRATE"))
                .isEqualTo("false");
        assertThat(chart.render(ChartValues.THREE_REPLICAS.yaml()).config("POSTERN_MIGRATE"))
                .isEqualTo("true");
        assertThat(chart.render(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()).config("POSTERN_MIGRATE"))
                .isEqualTo("false");
        assertThat(chart.render(ChartValues.THREE_REPLICAS.yaml()).all(Job.class))
                .isEmpty();
        assertThat(chart.render(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()).all(Job.class))
                .isEmpty();
    }

    @Test
    void budgetsDisruptionsOnlyForSeveralPods() throws IOException {
        assertThat(chart.render(ChartValues.SMALLEST.yaml()).all(PodDisruptionBudget.class))
                .isEmpty();
        assertThat(chart.render(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()).all(PodDisruptionBudget.class))
                .isEmpty();
        assertThat(chart.render(ChartValues.SPLIT_ROLES.yaml()).all(PodDisruptionBudget.class))
                .extracting(budget -> budget.getMetadata().getName())
                .containsExactlyInAnyOrder("acme-postern-worker", "acme-postern-callback");
        Rendered three = chart.render(ChartValues.THREE_REPLICAS.yaml());
        assertThat(three.one(PodDisruptionBudget.class, "acme-postern")
                        .getSpec()
                        .getSelector()
                        .getMatchLabels())
                .isEqualTo(three.one(Deployment.class, "acme-postern")
                        .getSpec()
                        .getSelector()
                        .getMatchLabels());
    }

    @Test
    void splitsRolesIntoTheirOwnDeployments() throws IOException {
        Rendered rendered = chart.render(ChartValues.SPLIT_ROLES.yaml());

        assertThat(rendered.jobService().stream()
                        .collect(toMap(d -> d.getMetadata().getName(), ChartTest::roles)))
                .isEqualTo(Map.of(
                        "acme-postern-worker", "worker",
                        "acme-postern-scheduler", "scheduler",
                        "acme-postern-callback", "callback"));
        assertThat(rendered.one(Deployment.class, "acme-postern-worker")
                        .getSpec()
                        .getReplicas())
                .isEqualTo(4);
        assertThat(chart.render(ChartValues.SMALLEST.yaml()).jobService().stream()
                        .map(ChartTest::roles))
                .containsExactly("worker,scheduler,callback");
    }

    @Test
    void spreadsThePodsOfEachDeployment() throws IOException {
        for (Deployment deployment : chart.render(ChartValues.EVERYTHING.yaml()).all(Deployment.class)) {
            assertThat(deployment.getSpec().getTemplate().getSpec().getTopologySpreadConstraints())
                    .hasSize(2)
                    .allSatisfy(constraint -> assertThat(
                                    constraint.getLabelSelector().getMatchLabels())
                            .isEqualTo(deployment.getSpec().getSelector().getMatchLabels()));
        }
        assertThat(chart.render(ChartValues.HPA.yaml())
                        .one(Deployment.class, "acme-postern")
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getTopologySpreadConstraints())
                .isEmpty();
    }

    @Test
    void triesItselfWithAJobOfItsFirstFunction() throws IOException {
        Pod test = chart.render(ChartValues.TWO_FUNCTIONS_ON_KNATIVE.yaml()).one(Pod.class, "acme-postern-test");

        assertThat(test.getMetadata().getAnnotations()).containsEntry("helm.sh/hook", "test");
        assertThat(test.getMetadata().getLabels())
                .as("selected by no Service and no Deployment")
                .containsEntry("app.kubernetes.io/component", "test");
        Container container = test.getSpec().getContainers().getFirst();
        assertThat(container.getArgs())
                .containsExactly(
                        "add",
                        "send-email-link",
                        "{}",
                        "--database-id",
                        "00000000-0000-0000-0000-000000000001",
                        "--wait",
                        "120");
        assertThat(secrets(container)).containsEntry("PGPASSWORD", "acme-db-app/password");
        assertThat(chart.render(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()).all(Pod.class))
                .as("without a function there is nothing to try")
                .isEmpty();
    }

    @Test
    void installsWhatElseIsGiven() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        assertThat(rendered.one(ConfigMap.class, "acme-more").getData()).containsEntry("a", "b");
        assertThat(rendered.one(ConfigMap.class, "acme-text").getMetadata()).isNotNull();
    }

    @Test
    void restartsPodsWhenTheirConfigurationChanges() throws IOException {
        String small = ChartValues.SMALLEST.yaml();

        assertThat(checksum(small)).isEqualTo(checksum(small + "replicas: 2\n"));
        assertThat(checksum(small))
                .isNotEqualTo(checksum(small + "worker: {concurrency: 8}\n"))
                .isNotEqualTo(checksum(small + "extraEnv: {LOG_LEVEL: debug}\n"));
    }

    @Test
    void notesTellHowToAddAFirstJob() throws IOException {
        assertThat(chart.notes(ChartValues.SMALLEST.yaml()))
                .contains("select app_jobs.add_job(", "'system-ping'", "acme-db-app")
                .contains("http://acme-postern.jobs.svc.cluster.local:8080/callback")
                .doesNotContain("migration.run is never");
        assertThat(chart.notes(ChartValues.ANY_TASK_THROUGH_A_GATEWAY.yaml()))
                .contains("select tenant_jobs.add_job(", "'email:send_email'")
                .contains("any other task goes to http://gateway.functions.svc.cluster.local")
                .contains("migration.run is never");
    }

    private String checksum(String values) throws IOException {
        return value(
                chart.render(values)
                        .one(Deployment.class, "acme-postern")
                        .getSpec()
                        .getTemplate()
                        .getMetadata()
                        .getAnnotations(),
                "checksum/config");
    }

    private static String roles(Deployment deployment) {
        return value(plain(container(deployment)), "POSTERN_ROLES");
    }

    private static String path(Probe probe) {
        return probe.getHttpGet().getPath();
    }

    private static String port(Container container, Probe probe) {
        String name = probe.getHttpGet().getPort().getStrVal();
        return container.getPorts().stream()
                .filter(port -> port.getName().equals(name))
                .map(port -> String.valueOf(port.getContainerPort()))
                .findFirst()
                .orElse("no port named " + name);
    }

    private static boolean hasPort(PodTemplateSpec template, ServicePort port) {
        return template.getSpec().getContainers().stream()
                .flatMap(container -> container.getPorts().stream())
                .anyMatch(candidate ->
                        candidate.getName().equals(port.getTargetPort().getStrVal()));
    }
}
