package dev.postern.charts;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** KEDA's rule for the number of pods. fabric8 has no model of it; this has the fields that we use, as KEDA's definition spells them. */
final class ScaledObject extends KedaResource {

    /** What is scaled. */
    record Target(String apiVersion, String kind, String name) {}

    /** Where a trigger's secrets are. */
    record Authentication(String name) {}

    /** What is measured. */
    record Trigger(String type, String metricType, Map<String, String> metadata, Authentication authenticationRef) {}

    /** The rule. */
    record Spec(
            Target scaleTargetRef,
            int minReplicaCount,
            int maxReplicaCount,
            int pollingInterval,
            int cooldownPeriod,
            List<Trigger> triggers) {}

    private @Nullable Spec spec;

    public @Nullable Spec getSpec() {
        return spec;
    }

    public void setSpec(Spec spec) {
        this.spec = spec;
    }
}
