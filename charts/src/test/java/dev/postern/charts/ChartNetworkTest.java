package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What pods may be reached by and may reach, where network policies are on. */
class ChartNetworkTest {

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void isOpenByDefault() throws IOException {
        assertThat(chart.render(ChartValues.SMALLEST.yaml()).all(NetworkPolicy.class))
                .isEmpty();
    }

    @Test
    void shutsEveryPodBothWays() throws IOException {
        List<NetworkPolicy> shut = chart.render(ChartValues.EVERYTHING.yaml()).all(NetworkPolicy.class).stream()
                .filter(policy -> policy.getSpec().getPolicyTypes().equals(List.of("Ingress", "Egress")))
                .toList();

        assertThat(shut)
                .extracting(policy -> policy.getMetadata().getName())
                .containsExactlyInAnyOrder("acme-postern-job-service", "acme-postern-hooks", "acme-postern-functions");
        assertThat(shut).allSatisfy(policy -> {
            // A rule without peers or without ports would open all of them; DNS goes anywhere.
            assertThat(policy.getSpec().getIngress())
                    .allSatisfy(rule -> assertThat(rule.getFrom()).isNotEmpty());
            assertThat(policy.getSpec().getEgress())
                    .allSatisfy(rule -> assertThat(rule.getTo().isEmpty()
                                    && !ports(rule.getPorts()).equals(List.of("53", "53")))
                            .isFalse());
        });
    }

    @Test
    void namesEachWayOutInAPolicyOfItsOwn() throws IOException {
        Rendered rendered = chart.render(ChartValues.EVERYTHING.yaml());

        NetworkPolicy database = rendered.one(NetworkPolicy.class, "acme-postern-egress-database");
        assertThat(components(database)).containsExactly("job-service", "migration", "test");
        NetworkPolicyEgressRule rule = database.getSpec().getEgress().getFirst();
        assertThat(ports(rule.getPorts())).containsExactly("5432");
        assertThat(rule.getTo().getFirst().getIpBlock().getCidr()).isEqualTo("10.0.0.0/8");

        NetworkPolicy mail = rendered.one(NetworkPolicy.class, "acme-postern-egress-mail");
        assertThat(components(mail)).containsExactly("function");
        assertThat(mail.getSpec().getEgress().getFirst().getTo()).isEmpty();
    }

    @Test
    void takesANameOut() throws IOException {
        assertThat(chart.render(ChartValues.SMALLEST.yaml()
                                + "networkPolicy: {enabled: true, egress: {database: null}}\n")
                        .names())
                .noneMatch(name -> name.contains("egress"));
    }

    @Test
    void letsFunctionsReportAndNobodyElse() throws IOException {
        NetworkPolicy policy =
                chart.render(ChartValues.API_IN_ALL_ROLES.yaml()).one(NetworkPolicy.class, "acme-postern-job-service");

        assertThat(policy.getSpec().getIngress()).singleElement().satisfies(rule -> {
            assertThat(ports(rule.getPorts())).containsExactly("callback");
            assertThat(rule.getFrom())
                    .singleElement()
                    .satisfies(
                            peer -> assertThat(labels(peer)).containsEntry("app.kubernetes.io/component", "function"));
        });
    }

    @Test
    void letsInWhoIsNamed() throws IOException {
        List<NetworkPolicyIngressRule> rules = chart.render(ChartValues.EVERYTHING.yaml())
                .one(NetworkPolicy.class, "acme-postern-job-service")
                .getSpec()
                .getIngress();

        assertThat(rules)
                .extracting(rule -> ports(rule.getPorts()))
                .containsExactly(List.of("callback"), List.of("metrics"), List.of("api"));
        assertThat(rules.getFirst().getFrom()).hasSize(2);
    }

    @Test
    void callsFunctionsDirectlyOrThroughKnative() throws IOException {
        NetworkPolicyPeer direct = chart.render(ChartValues.API_IN_ALL_ROLES.yaml())
                .one(NetworkPolicy.class, "acme-postern-job-service")
                .getSpec()
                .getEgress()
                .getLast()
                .getTo()
                .getFirst();
        assertThat(labels(direct)).containsEntry("app.kubernetes.io/component", "function");

        List<NetworkPolicyPeer> through = chart.render(ChartValues.EVERYTHING.yaml())
                .one(NetworkPolicy.class, "acme-postern-job-service")
                .getSpec()
                .getEgress()
                .getLast()
                .getTo();
        assertThat(through)
                .extracting(peer -> peer.getNamespaceSelector().getMatchLabels().get("kubernetes.io/metadata.name"))
                .containsExactly("knative-serving", "kourier-system");
    }

    private static Map<String, String> labels(NetworkPolicyPeer peer) {
        return peer.getPodSelector().getMatchLabels();
    }

    private static List<String> components(NetworkPolicy policy) {
        return policy.getSpec()
                .getPodSelector()
                .getMatchExpressions()
                .getFirst()
                .getValues();
    }

    private static List<String> ports(List<NetworkPolicyPort> ports) {
        return ports.stream()
                .map(port -> String.valueOf(port.getPort().getValue()))
                .toList();
    }
}
