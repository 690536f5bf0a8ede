package dev.postern.charts;

import static dev.postern.charts.Rendered.container;
import static dev.postern.charts.Rendered.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The role api: off unless somebody says whose tokens count, then reachable and with its keys. */
class ChartApiTest {

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void isOffByDefault() throws IOException {
        Rendered rendered = chart.render(ChartValues.SMALLEST.yaml());

        assertThat(plain(rendered.container("acme-postern")))
                .containsEntry("POSTERN_ROLES", "worker,scheduler,callback");
        assertThat(rendered.names()).noneMatch(name -> name.endsWith("-api"));
    }

    @Test
    void isARoleOfThePodsThatTakeAll() throws IOException {
        Rendered rendered = chart.render(ChartValues.API_IN_ALL_ROLES.yaml());

        Container container = rendered.container("acme-postern");
        assertThat(plain(container))
                .containsEntry("POSTERN_ROLES", "worker,scheduler,callback,api")
                .containsEntry("POSTERN_API_KEYS", "https://id.example.com/jwks")
                .containsEntry("POSTERN_API_PORT", "8070")
                .doesNotContainKeys("POSTERN_API_ISSUER", "POSTERN_API_TENANT_CLAIM");
        assertThat(container.getPorts())
                .extracting(ContainerPort::getName, ContainerPort::getContainerPort)
                .contains(tuple("api", 8070));
        assertThat(rendered.one(Service.class, "acme-postern-api").getSpec().getPorts())
                .extracting(ServicePort::getPort)
                .containsExactly(8070);
        assertThat(rendered.all(Ingress.class)).isEmpty();
    }

    @Test
    void hasPodsOfItsOwnWhenRolesAreSplit() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        Deployment api = rendered.one(Deployment.class, "acme-postern-api");
        assertThat(api.getSpec().getReplicas()).isEqualTo(2);
        assertThat(plain(container(api)))
                .containsEntry("POSTERN_ROLES", "api")
                .containsEntry(
                        "POSTERN_API_KEYS",
                        "/etc/postern/api-keys/jwks.json,/etc/postern/api-keys/more.pem,https://id.example.com/jwks")
                .containsEntry("POSTERN_API_ISSUER", "https://id.example.com")
                .containsEntry("POSTERN_API_AUDIENCE", "postern")
                .containsEntry("POSTERN_API_TENANT_CLAIM", "tid");
        // The others would refuse to start over key files that they do not have.
        assertThat(rendered.jobService())
                .filteredOn(deployment -> deployment != api)
                .hasSize(3)
                .allSatisfy(other -> assertThat(plain(container(other)).keySet())
                        .noneMatch(name -> name.startsWith("POSTERN_API_")));
        assertThat(rendered.config().keySet()).noneMatch(name -> name.startsWith("POSTERN_API_"));
    }

    @Test
    void readsItsKeysFromTheSecretThatExists() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        Deployment api = rendered.one(Deployment.class, "acme-postern-api");
        Volume volume = api.getSpec().getTemplate().getSpec().getVolumes().getLast();
        assertThat(volume.getSecret().getSecretName()).isEqualTo("api-keys");
        assertThat(volume.getSecret().getItems())
                .extracting(KeyToPath::getKey, KeyToPath::getPath)
                .containsExactly(tuple("jwks.json", "jwks.json"), tuple("more.pem", "more.pem"));
        assertThat(container(api).getVolumeMounts().getLast()).satisfies(mount -> {
            assertThat(mount.getName()).isEqualTo(volume.getName());
            assertThat(mount.getMountPath()).isEqualTo("/etc/postern/api-keys");
            assertThat(mount.getReadOnly()).isTrue();
        });
        assertThat(List.of("acme-postern-worker", "acme-postern-callback", "acme-postern-scheduler"))
                .allSatisfy(name ->
                        assertThat(rendered.container(name).getVolumeMounts()).hasSize(1));
    }

    @Test
    void isServedUnderTheHostOfItsIngress() throws IOException {
        Ingress ingress = chart.render(ChartValues.EVERYTHING.yaml()).one(Ingress.class, "acme-postern-api");

        assertThat(ingress.getSpec().getIngressClassName()).isEqualTo("nginx");
        assertThat(ingress.getSpec().getTls().getFirst().getSecretName()).isEqualTo("jobs-tls");
        assertThat(ingress.getSpec().getRules().getFirst()).satisfies(rule -> {
            assertThat(rule.getHost()).isEqualTo("jobs.example.com");
            assertThat(rule.getHttp()
                            .getPaths()
                            .getFirst()
                            .getBackend()
                            .getService()
                            .getName())
                    .isEqualTo("acme-postern-api");
        });
        assertThat(chart.notes(ChartValues.EVERYTHING.yaml())).contains("https://jobs.example.com/v1/jobs");
        assertThat(chart.notes(ChartValues.API_IN_ALL_ROLES.yaml()))
                .contains("http://acme-postern-api.jobs.svc.cluster.local:8070/v1/jobs");
    }
}
