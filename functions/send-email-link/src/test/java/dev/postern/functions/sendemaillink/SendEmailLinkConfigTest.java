package dev.postern.functions.sendemaillink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.postern.functions.mail.Outgoing;
import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class SendEmailLinkConfigTest {

    @Test
    void tellsAllThatMailgunNeedsAtOnce() {
        assertThat(mistakes(Map.of("LOCAL_APP_PORT", "http", "META_GRAPHQL_URL", "graphql")))
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).startsWith("GRAPHQL_URL is not set"),
                        line -> assertThat(line).startsWith("META_GRAPHQL_URL must be"),
                        line -> assertThat(line).startsWith("LOCAL_APP_PORT must be"),
                        line -> assertThat(line).startsWith("MAILGUN_API_KEY is not set"),
                        line -> assertThat(line).startsWith("MAILGUN_DOMAIN is not set"),
                        line -> assertThat(line).startsWith("MAILGUN_FROM is not set"));
    }

    @Test
    void tellsAllThatSmtpNeedsAtOnce() {
        assertThat(mistakes(Map.of(
                        "GRAPHQL_URL", "http://127.0.0.1/graphql",
                        "EMAIL_SEND_USE_SMTP", "true",
                        "SMTP_USER", "mailer",
                        "SMTP_REPLY_TO", "nobody at all",
                        "SMTP_PORT", "0")))
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).startsWith("SMTP_HOST is not set"),
                        line -> assertThat(line).startsWith("SMTP_FROM is not set"),
                        line -> assertThat(line).startsWith("SMTP_PASS is not set"),
                        line -> assertThat(line).startsWith("SMTP_REPLY_TO must be"),
                        line -> assertThat(line).startsWith("SMTP_PORT must be"));
    }

    @Test
    void asksForNoCredentialsInDryRun() {
        assertThat(mistakes(Map.of("SEND_EMAIL_LINK_DRY_RUN", "true")))
                .singleElement()
                .satisfies(line -> assertThat(line).startsWith("GRAPHQL_URL is not set"));
        assertThat(mistakes(Map.of("SEND_EMAIL_LINK_DRY_RUN", "perhaps", "GRAPHQL_URL", "http://x/graphql")))
                .anySatisfy(line ->
                        assertThat(line).contains("SEND_EMAIL_LINK_DRY_RUN").contains("perhaps"));
    }

    @Test
    void takesSmtpsDefaultPorts() {
        assertThat(smtp(Map.of()).port()).isEqualTo(587);
        assertThat(smtp(Map.of()).secure()).isFalse();
        assertThat(smtp(Map.of("SMTP_SECURE", "true")).port()).isEqualTo(465);
        assertThat(smtp(Map.of("SMTP_PORT", "465")).secure()).isTrue();
    }

    @Test
    void writesNoSecretsIntoTheLog() {
        SendEmailLinkConfig config = SendEmailLinkConfig.from(new Settings(Map.of(
                "GRAPHQL_URL", "http://x/graphql",
                "GRAPHQL_AUTH_TOKEN", "secret-1",
                "MAILGUN_API_KEY", "secret-2",
                "MAILGUN_DOMAIN", "mg.example.com",
                "MAILGUN_FROM", "a@mg.example.com")));

        assertThat(config.toString()).contains("mg.example.com").doesNotContain("secret");
        assertThat(smtp(Map.of("SMTP_USER", "u", "SMTP_PASS", "secret-3")).toString())
                .doesNotContain("secret");
    }

    @Test
    void endsTheProcessWithTwoAndALineForEachMistake() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName());
        builder.environment()
                .keySet()
                .removeIf(name -> name.matches("(META_)?GRAPHQL_.*|MAILGUN_.*|SMTP_.*|.*DRY_RUN.*"));
        builder.environment().put("PORT", "-1");
        Process function = builder.start();

        List<String> errors = function.errorReader().lines().toList();
        assertThat(function.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(function.exitValue()).isEqualTo(2);
        assertThat(errors)
                .filteredOn(line -> line.startsWith("  "))
                .hasSize(5)
                .anySatisfy(line -> assertThat(line).contains("PORT must be"))
                .anySatisfy(line -> assertThat(line).contains("MAILGUN_API_KEY is not set"));
    }

    private static Outgoing.Smtp smtp(Map<String, String> more) {
        var environment = new java.util.HashMap<>(Map.of(
                "GRAPHQL_URL", "http://x/graphql",
                "EMAIL_SEND_USE_SMTP", "true",
                "SMTP_HOST", "mail.example.com",
                "SMTP_FROM", "a@example.com"));
        environment.putAll(more);
        return (Outgoing.Smtp)
                SendEmailLinkConfig.from(new Settings(environment)).outgoing();
    }

    private static List<String> mistakes(Map<String, String> environment) {
        return catchThrowableOfType(
                        ConfigurationMistakes.class, () -> SendEmailLinkConfig.from(new Settings(environment)))
                .lines();
    }
}
