package dev.postern.charts;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** KEDA's way to a secret. fabric8 has no model of it; this has the fields that we use, as KEDA's definition spells them. */
final class TriggerAuthentication extends KedaResource {

    /** A key of a secret, under the name that the trigger knows. */
    record SecretKey(String parameter, String name, String key) {}

    /** The secrets. */
    record Spec(List<SecretKey> secretTargetRef) {}

    private @Nullable Spec spec;

    public @Nullable Spec getSpec() {
        return spec;
    }

    public void setSpec(Spec spec) {
        this.spec = spec;
    }
}
