package dev.postern.functions.sendemaillink;

import static dev.postern.functions.sendemaillink.Fixture.INVITE;
import static dev.postern.functions.sendemaillink.Fixture.RESET;
import static dev.postern.functions.sendemaillink.Fixture.json;
import static dev.postern.functions.sendemaillink.Fixture.with;
import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What reaches Mailgun and an SMTP server, and what becomes of it when they do not want it. */
final class MailTransportTest {

    private static final Pattern PART =
            Pattern.compile("name=\"([^\"]+)\"\\r\\n(?:[^\\r\\n]+\\r\\n)*\\r\\n(.*?)\\r\\n--", Pattern.DOTALL);

    private final GreenMail smtp = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    private final RecordingServer mailgun;

    MailTransportTest() throws IOException {
        mailgun = new RecordingServer(asked -> RecordingServer.Reply.ok("{\"id\":\"<1@mg>\",\"message\":\"Queued\"}"));
    }

    @BeforeEach
    void startSmtp() {
        smtp.start();
    }

    @AfterEach
    void stop() {
        smtp.stop();
        mailgun.close();
    }

    @Test
    void handsTheMailToMailgun() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of("MAILGUN_REPLY", "info@mg.example.com")))) {
            assertThat(function.call(INVITE).body()).isEqualTo("{\"complete\":true}");

            assertThat(mailgun.asked()).singleElement().satisfies(asked -> {
                assertThat(asked.path()).isEqualTo("/v3/mg.example.com/messages");
                assertThat(asked.header("Authorization"))
                        .isEqualTo("Basic "
                                + Base64.getEncoder()
                                        .encodeToString("api:key-123".getBytes(StandardCharsets.US_ASCII)));
                Map<String, String> form = form(asked.body());
                assertThat(form)
                        .containsEntry("to", "user@example.com")
                        .containsEntry("from", "no-reply@mg.example.com")
                        .containsEntry("subject", "Ada Lovelace invited you to Analytical")
                        .containsEntry("h:Reply-To", "info@mg.example.com")
                        .containsEntry("v:idempotency-key", "job-812-of-tests");
                assertThat(form.get("html")).contains("<!doctype html>");
                assertThat(form.get("text")).contains("invite_token=invite-token-123");
            });
        }
    }

    @Test
    void marksEveryAttemptOfAJobAlike() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            function.call(INVITE);
            function.call(INVITE);

            Map<String, String> first = form(mailgun.asked().getFirst().body());
            Map<String, String> second = form(mailgun.asked().getLast().body());
            assertThat(first.get("h:Message-Id")).matches("<[0-9a-f-]{36}@mg\\.example\\.com>");
            assertThat(second.get("h:Message-Id")).isEqualTo(first.get("h:Message-Id"));
            assertThat(second).containsEntry("h:X-Idempotency-Key", "job-812-of-tests");
        }
    }

    @Test
    void takesTheKeyUnderItsOtherNameAndSendsToTheDeveloper() throws Exception {
        Map<String, String> environment = mailgun(Map.of("MAILGUN_DEV_EMAIL", "dev@example.org"));
        environment.put("MAILGUN_KEY", "key-123");
        environment.remove("MAILGUN_API_KEY");
        try (Fixture function = new Fixture(environment)) {
            function.call(INVITE);

            assertThat(form(mailgun.asked().getFirst().body()))
                    .containsEntry("to", "dev+user_at_example.com@example.org");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 413})
    void doesNotTryAgainWhatMailgunRefuses(int status) throws Exception {
        mailgun.answers(asked -> new RecordingServer.Reply(status, "{\"message\":\"not this one\"}", Map.of()));
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            var answer = function.call(INVITE);

            assertThat(answer.statusCode()).isEqualTo(422);
            assertThat(answer.headers().firstValue("X-Job-Retry")).hasValue("never");
            assertThat(json(answer).path("detail").asText()).contains("status " + status);
        }
    }

    @ParameterizedTest
    @CsvSource({"500", "502", "503"})
    void letsTheWorkerTryAgainWhatMailgunCannotTakeNow(int status) throws Exception {
        mailgun.answers(asked -> new RecordingServer.Reply(status, "", Map.of()));
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            assertThat(function.call(INVITE).statusCode()).isEqualTo(500);
            assertThat(mailgun.asked()).hasSize(1);
        }
    }

    @Test
    void comesBackWhenMailgunSaysSo() throws Exception {
        mailgun.answers(asked -> new RecordingServer.Reply(429, "{}", Map.of("Retry-After", "17")));
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            var answer = function.call(INVITE);

            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Retry-After")).hasValue("17");
        }
    }

    @Test
    void letsTheWorkerTryAgainWhenMailgunIsAway() throws Exception {
        mailgun.close();
        try (Fixture function = new Fixture(mailgun(Map.of()))) {
            var answer = function.call(INVITE);

            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(json(answer).path("detail").asText()).contains("no answer from Mailgun");
        }
    }

    @Test
    void linksOverHttpsWhenTheMailIsReallySent() throws Exception {
        try (Fixture function = new Fixture(mailgun(Map.of("LOCAL_APP_PORT", "3000")))) {
            function.at("/domains/nodes/0").put("domain", "localhost");
            function.call(RESET);

            assertThat(form(mailgun.asked().getFirst().body()).get("text"))
                    .contains("https://localhost/reset-password?")
                    .doesNotContain("3000");
        }
    }

    @Test
    void handsTheMailToAnSmtpServer() throws Exception {
        try (Fixture function = new Fixture(smtp(Map.of("SMTP_REPLY_TO", "info@example.com")))) {
            function.user.put("displayName", "Zoë Ünal");
            assertThat(function.call(INVITE).body()).isEqualTo("{\"complete\":true}");
            assertThat(function.call(INVITE).body()).isEqualTo("{\"complete\":true}");

            MimeMessage[] mails = smtp.getReceivedMessages();
            assertThat(mails).hasSize(2);
            MimeMessage mail = mails[0];
            assertThat(mail.getSubject()).isEqualTo("Zoë Ünal invited you to Analytical");
            assertThat(mail.getAllRecipients()[0]).hasToString("user@example.com");
            assertThat(mail.getFrom()[0]).hasToString("Analytical <no-reply@example.com>");
            assertThat(mail.getReplyTo()[0]).hasToString("info@example.com");
            assertThat(mail.getHeader("X-Idempotency-Key")).containsExactly("job-812-of-tests");
            assertThat(mail.getMessageID()).endsWith("@example.com>").isEqualTo(mails[1].getMessageID());
            MimeMultipart parts = (MimeMultipart) mail.getContent();
            assertThat(parts.getContentType()).startsWith("multipart/alternative");
            assertThat(parts.getBodyPart(0).getContentType()).startsWith("text/plain");
            assertThat(parts.getBodyPart(0).getContent().toString()).contains("Zoë Ünal");
            assertThat(parts.getBodyPart(1).getContentType()).startsWith("text/html");
            assertThat(parts.getBodyPart(1).getContent().toString()).contains("<!doctype html>");
        }
    }

    @Test
    void logsInToAnSmtpServerThatAsksForIt() throws Exception {
        smtp.setUser("mailer", "mailer", "right");
        try (Fixture right = new Fixture(smtp(Map.of("SMTP_USER", "mailer", "SMTP_PASS", "right")));
                Fixture wrong = new Fixture(smtp(Map.of("SMTP_USER", "mailer", "SMTP_PASS", "wrong")))) {
            assertThat(right.call(INVITE).statusCode()).isEqualTo(200);

            var refused = wrong.call(INVITE);
            assertThat(refused.statusCode()).isEqualTo(422);
            assertThat(json(refused).path("detail").asText())
                    .contains("SMTP_PASS")
                    .doesNotContain("wrong");
        }
    }

    @ParameterizedTest
    @CsvSource({"550,422", "451,500"})
    void tellsAnSmtpServersLastWordFromItsNotNow(int reply, int status) throws Exception {
        try (SmtpRefusal server = new SmtpRefusal(reply);
                Fixture function = new Fixture(smtp(Map.of("SMTP_PORT", Integer.toString(server.port()))))) {
            var answer = function.call(with(INVITE, "email", "nobody@example.com"));

            assertThat(answer.statusCode()).isEqualTo(status);
            assertThat(json(answer).path("detail").asText()).contains("reply " + reply);
        }
    }

    @Test
    void letsTheWorkerTryAgainWhenTheSmtpServerIsAway() throws Exception {
        Map<String, String> environment = smtp(Map.of());
        smtp.stop();
        try (Fixture function = new Fixture(environment)) {
            var answer = function.call(INVITE);

            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(json(answer).path("detail").asText()).contains("no answer from the SMTP server");
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

    private Map<String, String> smtp(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "SEND_EMAIL_LINK_DRY_RUN", "false",
                "EMAIL_SEND_USE_SMTP", "true",
                "SMTP_HOST", "127.0.0.1",
                "SMTP_PORT", Integer.toString(smtp.getSmtp().getPort()),
                "SMTP_FROM", "Analytical <no-reply@example.com>"));
        environment.putAll(more);
        return environment;
    }

    private static Map<String, String> form(String multipart) {
        Map<String, String> form = new HashMap<>();
        Matcher part = PART.matcher(multipart);
        while (part.find()) {
            form.put(part.group(1), part.group(2));
        }
        return form;
    }

    /** An SMTP server that greets and then refuses every recipient. */
    private static final class SmtpRefusal implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final CompletableFuture<Void> served;

        SmtpRefusal(int reply) throws IOException {
            served = CompletableFuture.runAsync(() -> {
                try (var socket = listening.accept();
                        var in = socket.getInputStream();
                        var out = socket.getOutputStream();
                        var reader = new java.io.BufferedReader(
                                new java.io.InputStreamReader(in, StandardCharsets.US_ASCII))) {
                    out.write("220 here\r\n".getBytes(StandardCharsets.US_ASCII));
                    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                        String answer = line.startsWith("RCPT") ? reply + " no\r\n" : "250 ok\r\n";
                        out.write(answer.getBytes(StandardCharsets.US_ASCII));
                    }
                } catch (IOException e) {
                    // the test has closed one of the sockets
                }
            });
        }

        int port() {
            return listening.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            listening.close();
            served.cancel(true);
        }
    }
}
