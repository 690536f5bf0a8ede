package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A second opinion: kubectl reads workloads into its own types and writes them again, which needs no cluster. What it does
 * not know is gone then, and what has the wrong type it refuses. Skipped where there is no kubectl; {@code .ci/helm} fetches one.
 */
class KubectlTest {

    private static final Set<String> WORKLOADS = Set.of("Deployment", "Job", "Pod");

    private final StrictYaml yaml = new StrictYaml();

    @ParameterizedTest
    @EnumSource
    void knowsEveryFieldOfTheWorkloads(ChartValues values, @TempDir Path scratch) throws Exception {
        String rendered = new Chart(scratch).text(values.yaml());
        List<JsonNode> workloads = new ArrayList<>();
        for (JsonNode document : yaml.trees(rendered)) {
            if (WORKLOADS.contains(document.path("kind").asText())) {
                workloads.add(document);
            }
        }

        for (JsonNode workload : workloads) {
            JsonNode returned = yaml.tree(roundTrip(workload, scratch));
            assertThat(missing("", workload, returned)).isEmpty();
        }
        assertThat(workloads).isNotEmpty();
    }

    @Test
    void losesWhatItDoesNotKnow(@TempDir Path scratch) throws Exception {
        ObjectNode pod = (ObjectNode) yaml.tree("""
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers: [{name: a, image: "a:1", imagePolicy: Never}]
                """);

        assertThat(missing("", pod, yaml.tree(roundTrip(pod, scratch))))
                .containsExactly("/spec/containers/0/imagePolicy");
    }

    private String roundTrip(JsonNode workload, Path scratch) throws IOException, InterruptedException {
        Path file = Files.writeString(Files.createTempFile(scratch, "workload", ".yaml"), yaml.write(workload));
        return Tool.run(
                scratch, "kubectl", "set", "env", "--local", "-f", file.toString(), "SEEN=by-kubectl", "-o", "yaml");
    }

    private static List<String> missing(String path, JsonNode sent, JsonNode returned) {
        List<String> missing = new ArrayList<>();
        if (sent.isObject()) {
            sent.properties().forEach(field -> {
                String below = path + "/" + field.getKey();
                JsonNode there = returned.get(field.getKey());
                if (there == null && !empty(field.getValue())) {
                    missing.add(below);
                } else if (there != null) {
                    missing.addAll(missing(below, field.getValue(), there));
                }
            });
        } else if (sent.isArray()) {
            for (int i = 0; i < sent.size(); i++) {
                JsonNode there = returned.get(i);
                if (there == null) {
                    missing.add(path + "/" + i);
                } else {
                    missing.addAll(missing(path + "/" + i, sent.get(i), there));
                }
            }
        }
        return missing;
    }

    // Go writes nothing for what has the value that nothing means.
    private static boolean empty(JsonNode value) {
        return value.isEmpty() && value.isContainerNode()
                || value.isNumber() && value.asInt() == 0
                || value.isTextual() && value.asText().isEmpty();
    }
}
