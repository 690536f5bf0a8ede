package dev.postern.charts;

import static java.util.stream.Collectors.toMap;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What one rendering of the chart holds, and the questions that tests ask of it. */
record Rendered(List<HasMetadata> manifests) {

    /** What all pods have in common, those of Knative's revisions among them. */
    record Pod(Boolean mountsToken, Boolean serviceLinks, List<Container> containers) {

        Pod {
            containers = List.copyOf(containers);
        }
    }

    Rendered {
        manifests = List.copyOf(manifests);
    }

    <T extends HasMetadata> List<T> all(Class<T> kind) {
        return manifests.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    <T extends HasMetadata> T one(Class<T> kind, String name) {
        return all(kind).stream()
                .filter(manifest -> manifest.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() ->
                        new AssertionError("no %s named %s among %s".formatted(kind.getSimpleName(), name, names())));
    }

    List<String> names() {
        return manifests.stream()
                .map(manifest -> manifest.getApiVersion() + "/" + manifest.getKind() + "/"
                        + manifest.getMetadata().getName())
                .toList();
    }

    Map<String, String> config() {
        return one(ConfigMap.class, "acme-postern").getData();
    }

    String config(String name) {
        return value(config(), name);
    }

    List<Deployment> jobService() {
        return all(Deployment.class).stream()
                .filter(deployment -> "job-service"
                        .equals(deployment.getMetadata().getLabels().get("app.kubernetes.io/component")))
                .toList();
    }

    /** The only container of a Deployment. */
    Container container(String deployment) {
        return container(one(Deployment.class, deployment));
    }

    static Container container(Deployment deployment) {
        return deployment.getSpec().getTemplate().getSpec().getContainers().getFirst();
    }

    List<Pod> pods() {
        Stream<PodSpec> templates = Stream.concat(
                        all(Deployment.class).stream()
                                .map(deployment -> deployment.getSpec().getTemplate()),
                        all(Job.class).stream().map(job -> job.getSpec().getTemplate()))
                .map(PodTemplateSpec::getSpec);
        Stream<Pod> plain = Stream.concat(
                        templates,
                        all(io.fabric8.kubernetes.api.model.Pod.class).stream()
                                .map(io.fabric8.kubernetes.api.model.Pod::getSpec))
                .map(pod -> new Pod(
                        pod.getAutomountServiceAccountToken(), pod.getEnableServiceLinks(), pod.getContainers()));
        Stream<Pod> knative = all(io.fabric8.knative.serving.v1.Service.class).stream()
                .map(service -> service.getSpec().getTemplate().getSpec())
                .map(pod -> new Pod(
                        pod.getAutomountServiceAccountToken(), pod.getEnableServiceLinks(), pod.getContainers()));
        return Stream.concat(plain, knative).toList();
    }

    List<Container> containers() {
        return pods().stream().flatMap(pod -> pod.containers().stream()).toList();
    }

    /** Variables with a value of their own. */
    static Map<String, String> plain(Container container) {
        return container.getEnv().stream()
                .filter(variable -> variable.getValue() != null)
                .collect(toMap(EnvVar::getName, EnvVar::getValue));
    }

    /** Variables that a secret fills, as {@code secret/key}. */
    static Map<String, String> secrets(Container container) {
        return container.getEnv().stream()
                .filter(variable -> variable.getValueFrom() != null
                        && variable.getValueFrom().getSecretKeyRef() != null)
                .collect(toMap(
                        EnvVar::getName,
                        variable -> variable.getValueFrom().getSecretKeyRef().getName() + "/"
                                + variable.getValueFrom().getSecretKeyRef().getKey()));
    }

    static String value(Map<String, String> map, String key) {
        String value = map.get(key);
        if (value == null) {
            throw new AssertionError("no %s among %s".formatted(key, map.keySet()));
        }
        return value;
    }
}
