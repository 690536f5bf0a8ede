package dev.postern.charts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The chart under test, rendered as release {@code acme} in namespace {@code jobs}. */
final class Chart {

    static final Path SOURCE = Path.of("postern");

    /** The oldest that Chart.yaml allows; without it helm-java assumes 1.20. */
    static final String KUBERNETES = "1.30.0";

    private static final String HOOK = "\n    helm.sh/hook: ";
    private static final String NO_HOOK = "\n    not-a-hook: ";

    private final StrictYaml yaml = new StrictYaml();
    private final Path scratch;

    Chart(Path scratch) {
        this.scratch = scratch;
    }

    Rendered render(String values) throws IOException {
        return new Rendered(yaml.manifests(text(values)));
    }

    /**
     * All manifests. Helm keeps hooks apart and helm-java leaves them out, so their annotation has another name while Helm
     * renders them.
     */
    String text(String values) throws IOException {
        Path copy = copy();
        try (Stream<Path> templates = Files.list(copy.resolve("templates"))) {
            for (Path template : templates.toList()) {
                Files.writeString(template, Files.readString(template).replace(HOOK, NO_HOOK));
            }
        }
        return new Helm(copy)
                .template()
                .withName("acme")
                .withNamespace("jobs")
                .withKubeVersion(KUBERNETES)
                .withValuesFile(file(values))
                .call()
                .replace(NO_HOOK, HOOK);
    }

    /** What a person reads after an install. */
    String notes(String values) throws IOException {
        String output = new Helm(SOURCE)
                .install()
                .withName("acme")
                .withNamespace("jobs")
                .withKubeVersion(KUBERNETES)
                .withValuesFile(file(values))
                .clientOnly()
                .dryRun()
                .call()
                .getOutput();
        return output.substring(output.indexOf("NOTES:"));
    }

    /** Lints a copy whose defaults are these values: helm-java lints a chart with its own defaults only. */
    LintResult lint(String values) throws IOException {
        Path copy = copy();
        Path defaults = copy.resolve("values.yaml");
        ObjectNode merged = (ObjectNode) yaml.tree(Files.readString(defaults));
        merge(merged, yaml.tree(values));
        Files.writeString(defaults, yaml.write(merged));
        return new Helm(copy).lint().strict().call();
    }

    private Path copy() throws IOException {
        Path copy = Files.createTempDirectory(scratch, "chart").resolve("postern");
        try (Stream<Path> files = Files.walk(SOURCE)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(SOURCE.relativize(file).toString()));
            }
        }
        return copy;
    }

    private Path file(String values) throws IOException {
        return Files.writeString(Files.createTempFile(scratch, "values", ".yaml"), values);
    }

    private static void merge(ObjectNode onto, JsonNode values) {
        values.properties().forEach(value -> {
            if (onto.get(value.getKey()) instanceof ObjectNode below && value.getValue() instanceof ObjectNode) {
                merge(below, value.getValue());
            } else {
                onto.set(value.getKey(), value.getValue());
            }
        });
    }
}
