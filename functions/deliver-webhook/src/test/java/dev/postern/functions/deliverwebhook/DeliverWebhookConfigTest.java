package dev.postern.functions.deliverwebhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DeliverWebhookConfigTest {

    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    @Test
    void needsASecretAndNothingElse() {
        DeliverWebhookConfig config =
                DeliverWebhookConfig.from(new Settings(Map.of("DELIVER_WEBHOOK_SECRETS", SECRET)));

        assertThat(config.keys("any tenant")).isNotNull();
        assertThat(config.allowHttp()).isFalse();
        assertThat(config.timeout()).isEqualTo(Duration.ofSeconds(20));
        assertThat(config.goneMemory()).isEqualTo(Duration.ofHours(1));
        assertThat(config.toString()).doesNotContain("MfKQ");
        assertThat(mistakes(Map.of())).singleElement().asString().startsWith("DELIVER_WEBHOOK_SECRETS is not set");
    }

    @Test
    void tellsAllMistakesAtOnceAndNoSecret() {
        assertThat(mistakes(Map.of(
                        "DELIVER_WEBHOOK_SECRETS", "{\"*\": \"" + SECRET + "\", \"a\": \"secret\"}",
                        "DELIVER_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8, localhost",
                        "DELIVER_WEBHOOK_DENIED_NETWORKS", "10.0.0.0/40",
                        "DELIVER_WEBHOOK_TIMEOUT_SECONDS", "0",
                        "DELIVER_WEBHOOK_GONE_SECONDS", "-1")))
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line)
                                .startsWith("DELIVER_WEBHOOK_SECRETS, tenant 'a': secret 1 must be whsec_")
                                .doesNotContain("'secret'"),
                        line -> assertThat(line).startsWith("DELIVER_WEBHOOK_ALLOWED_NETWORKS: 'localhost'"),
                        line -> assertThat(line).startsWith("DELIVER_WEBHOOK_DENIED_NETWORKS: '10.0.0.0/40'"),
                        line -> assertThat(line).startsWith("DELIVER_WEBHOOK_TIMEOUT_SECONDS must be"),
                        line -> assertThat(line).startsWith("DELIVER_WEBHOOK_GONE_SECONDS must be"));
        assertThat(mistakes(Map.of("DELIVER_WEBHOOK_SECRETS", "{\"a\": " + SECRET)))
                .singleElement()
                .asString()
                .startsWith("DELIVER_WEBHOOK_SECRETS must be a JSON object")
                .doesNotContain("MfKQ");
    }

    private static List<String> mistakes(Map<String, String> environment) {
        return catchThrowableOfType(
                        ConfigurationMistakes.class, () -> DeliverWebhookConfig.from(new Settings(environment)))
                .lines();
    }
}
