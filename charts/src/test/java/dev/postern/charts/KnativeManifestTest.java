package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.knative.serving.v1.RevisionSpec;
import io.fabric8.knative.serving.v1.Service;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The manifests that stand beside functions, and the one that {@code ./postern new-function} writes. */
class KnativeManifestTest {

    private static final Path ROOT = Path.of("..");

    // Of all that have an image, but the stand-in for an API that a cluster has.
    private static Stream<Path> manifests() throws IOException {
        try (Stream<Path> functions = Files.list(ROOT.resolve("functions"))) {
            List<Path> beside = functions
                    .filter(function -> Files.isRegularFile(function.resolve("Dockerfile")))
                    .filter(function -> !function.endsWith("graphql-stand-in"))
                    .map(function -> function.resolve("knative.yaml"))
                    .toList();
            return Stream.concat(
                    beside.stream(),
                    Stream.of(ROOT.resolve(
                            "job-service/src/main/resources/dev/postern/service/scaffold/knative.yaml.txt")));
        }
    }

    @ParameterizedTest
    @MethodSource("manifests")
    void isTakenByAClusterAndBoundsWhatTheFunctionMayDo(Path manifest) throws IOException {
        String yaml = Files.readString(manifest).replace("{{name}}", "greet-customer");
        Service service =
                (Service) new StrictYaml().manifests(yaml).stream().findFirst().orElseThrow();
        RevisionSpec revision = service.getSpec().getTemplate().getSpec();
        Container container = revision.getContainers().getFirst();

        assertThat(service.getMetadata().getLabels())
                .containsEntry("networking.knative.dev/visibility", "cluster-local");
        // Later than POSTERN_ATTEMPT_TIMEOUT_SECONDS is by default.
        assertThat(revision.getTimeoutSeconds()).isGreaterThan(300);
        assertThat(revision.getResponseStartTimeoutSeconds()).isEqualTo(revision.getTimeoutSeconds());
        assertThat(revision.getAutomountServiceAccountToken()).isFalse();
        assertThat(container.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/healthz");
        assertThat(container.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getVolumeMounts())
                .extracting(VolumeMount::getMountPath)
                .startsWith("/tmp");
        assertThat(container.getVolumeMounts())
                .extracting(VolumeMount::getName)
                .containsExactlyElementsOf(
                        revision.getVolumes().stream().map(Volume::getName).toList());
        assertThat(revision.getVolumes().getFirst().getEmptyDir()).isNotNull();
        assertThat(revision.getVolumes().stream().skip(1))
                .as("what is kept outlives the pod")
                .allMatch(volume -> volume.getPersistentVolumeClaim() != null);
        assertThat(container.getResources().getLimits()).containsKey("memory");
    }
}
