package dev.postern.functions.sendemaillink;

import static dev.postern.functions.sendemaillink.Fixture.INVITE;
import static dev.postern.functions.sendemaillink.Fixture.RESET;
import static dev.postern.functions.sendemaillink.Fixture.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.mail.RecordingServer;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The mail outside a dry run, and what the worker hears of it. How it is handed over is tested in functions/mail. */
final class SendingTest {

    private final RecordingServer mailgun;

    SendingTest() throws IOException {
        mailgun = new RecordingServer(asked -> RecordingServer.Reply.ok("{\"id\":\"<1@mg>\",\"message\":\"Queued\"}"));
    }

    @AfterEach
    void stop() {
        mailgun.close();
    }

    @Test
    void handsTheMailOver() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of("MAILGUN_REPLY", "info@mg.example.com")))) {
            assertThat(function.call(INVITE).body()).isEqualTo("{\"complete\":true}");

            Map<String, String> form = mailgun.asked().getFirst().form();
            assertThat(form)
                    .containsEntry("to", "user@example.com")
                    .containsEntry("from", "no-reply@mg.example.com")
                    .containsEntry("subject", "Ada Lovelace invited you to Analytical")
                    .containsEntry("h:Reply-To", "info@mg.example.com")
                    .containsEntry("v:idempotency-key", "job-812-of-tests");
            assertThat(form.get("html")).contains("<!doctype html>");
            assertThat(form.get("text")).contains("invite_token=invite-token-123");
        }
    }

    @Test
    void takesTheKeyUnderItsOtherName() throws Exception {
        Map<String, String> environment = mailgun(Map.of());
        environment.put("MAILGUN_KEY", "key-123");
        environment.remove("MAILGUN_API_KEY");
        try (Fixture function = new Fixture(environment)) {
            assertThat(function.call(INVITE).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void tellsTheWorkerWhatIsRefusedForGoodAndWhatIsNot() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            mailgun.answers(asked -> new RecordingServer.Reply(400, "{\"message\":\"not this one\"}", Map.of()));
            var refused = function.call(INVITE);
            assertThat(refused.statusCode()).isEqualTo(422);
            assertThat(refused.headers().firstValue("X-Job-Retry")).hasValue("never");
            assertThat(json(refused).path("detail").asText()).contains("status 400");

            mailgun.answers(asked -> new RecordingServer.Reply(429, "{}", Map.of("Retry-After", "17")));
            var later = function.call(INVITE);
            assertThat(later.statusCode()).isEqualTo(503);
            assertThat(later.headers().firstValue("Retry-After")).hasValue("17");

            mailgun.answers(asked -> new RecordingServer.Reply(500, "", Map.of()));
            assertThat(function.call(INVITE).statusCode()).isEqualTo(500);
        }
    }

    @Test
    void linksOverHttpsWhenTheMailIsReallySent() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of("LOCAL_APP_PORT", "3000")))) {
            function.at("/domains/nodes/0").put("domain", "localhost");
            function.call(RESET);

            assertThat(mailgun.asked().getFirst().form().get("text"))
                    .contains("https://localhost/reset-password?")
                    .doesNotContain("3000");
        }
    }

    private Map<String, String> mailgun(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "SEND_EMAIL_LINK_DRY_RUN", "false",
                "MAILGUN_API_BASE_URL", mailgun.url("/").toString(),
                "MAILGUN_API_KEY", "key-123",
                "MAILGUN_DOMAIN", "mg.example.com",
                "MAILGUN_FROM", "no-reply@mg.example.com"));
        environment.putAll(more);
        return environment;
    }
}
