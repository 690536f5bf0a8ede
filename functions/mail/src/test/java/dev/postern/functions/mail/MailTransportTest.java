package dev.postern.functions.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.runtime.RetryLater;
import dev.postern.functions.runtime.Settings;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What reaches Mailgun and an SMTP server, and what becomes of it when they do not want it. */
final class MailTransportTest {

    private static final Mail.Body BOTH = new Mail.Body("<p>Zoë</p>", "Zoë");

    private final GreenMail smtp = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    private final RecordingServer mailgun;

    @TempDir
    private Path saved = Path.of("");

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
    void handsTheMailToMailgun() {
        var receipt = mailgun(Map.of("MAILGUN_REPLY", "info@mg.example.com")).send(mail("user@example.com"));

        assertThat(receipt.result()).isEqualTo(Map.of("complete", true));
        assertThat(mailgun.asked()).singleElement().satisfies(asked -> {
            assertThat(asked.path()).isEqualTo("/v3/mg.example.com/messages");
            assertThat(asked.header("Authorization"))
                    .isEqualTo("Basic "
                            + Base64.getEncoder().encodeToString("api:key-123".getBytes(StandardCharsets.US_ASCII)));
            assertThat(asked.form())
                    .containsEntry("to", "user@example.com")
                    .containsEntry("from", "no-reply@mg.example.com")
                    .containsEntry("subject", "Zoë asks")
                    .containsEntry("h:Reply-To", "info@mg.example.com")
                    .containsEntry("v:idempotency-key", "job-812-of-tests")
                    .containsEntry("html", "<p>Zoë</p>")
                    .containsEntry("text", "Zoë");
        });
    }

    @Test
    void handsMailgunASenderAndAnAnswerAddressOfTheMailsOwn() {
        Mail mail = new Mail(
                List.of("Ada <ada@example.com>", "bob@example.com"),
                "two",
                new Mail.Body(null, "only text"),
                "Shop <shop@mg.example.com>",
                "help@example.com",
                new Mail.Trace("test", null),
                "k");
        mailgun(Map.of("MAILGUN_REPLY", "info@mg.example.com")).send(mail);

        assertThat(mailgun.asked().getFirst().form())
                .containsEntry("to", "Ada <ada@example.com>,bob@example.com")
                .containsEntry("from", "Shop <shop@mg.example.com>")
                .containsEntry("h:Reply-To", "help@example.com")
                .containsEntry("text", "only text")
                .doesNotContainKey("html");
    }

    @Test
    void marksEveryAttemptOfAJobAlike() {
        MailTransport transport = mailgun(Map.of());
        transport.send(mail("user@example.com"));
        transport.send(mail("user@example.com"));

        Map<String, String> first = mailgun.asked().getFirst().form();
        Map<String, String> second = mailgun.asked().getLast().form();
        assertThat(first.get("h:Message-Id")).matches("<[0-9a-f-]{36}@mg\\.example\\.com>");
        assertThat(second.get("h:Message-Id")).isEqualTo(first.get("h:Message-Id"));
        assertThat(second).containsEntry("h:X-Idempotency-Key", "job-812-of-tests");
    }

    @Test
    void sendsEveryMailToTheDeveloperAndSaysForWhomItWas() {
        MailTransport transport = mailgun(Map.of("MAILGUN_DEV_EMAIL", "dev@example.org"));
        transport.send(mail("user@example.com"));
        transport.send(mail("Ada L <ada@example.com>"));

        assertThat(mailgun.asked().getFirst().form()).containsEntry("to", "dev+user_at_example.com@example.org");
        assertThat(mailgun.asked().getLast().form()).containsEntry("to", "dev+ada_at_example.com@example.org");
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 413})
    void doesNotTryAgainWhatMailgunRefuses(int status) {
        mailgun.answers(asked -> new RecordingServer.Reply(status, "{\"message\":\"not this one\"}", Map.of()));

        assertThatExceptionOfType(PermanentFailure.class)
                .isThrownBy(() -> mailgun(Map.of()).send(mail("user@example.com")))
                .withMessageContaining("status " + status);
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 502, 503})
    void letsTheWorkerTryAgainWhatMailgunCannotTakeNow(int status) {
        mailgun.answers(asked -> new RecordingServer.Reply(status, "", Map.of()));

        assertThatExceptionOfType(MailNotSent.class)
                .isThrownBy(() -> mailgun(Map.of()).send(mail("user@example.com")))
                .satisfies(e -> assertThat(e.code()).isEqualTo(MailNotSent.Code.NOT_TAKEN));
        assertThat(mailgun.asked()).hasSize(1);
    }

    @Test
    void comesBackWhenMailgunHasHadTooMuch() {
        mailgun.answers(asked -> new RecordingServer.Reply(429, "{}", Map.of("Retry-After", "17")));

        assertThatExceptionOfType(RetryLater.class)
                .isThrownBy(() -> mailgun(Map.of()).send(mail("user@example.com")));
    }

    @Test
    void letsTheWorkerTryAgainWhenMailgunIsAway() {
        MailTransport transport = mailgun(Map.of());
        mailgun.close();

        assertThatExceptionOfType(MailNotSent.class)
                .isThrownBy(() -> transport.send(mail("user@example.com")))
                .withMessageContaining("no answer from Mailgun");
    }

    @Test
    void handsTheMailToAnSmtpServer() throws Exception {
        MailTransport transport = smtp(Map.of("SMTP_REPLY_TO", "info@example.com"));
        transport.send(mail("user@example.com"));
        transport.send(mail("user@example.com"));

        MimeMessage[] mails = smtp.getReceivedMessages();
        assertThat(mails).hasSize(2);
        MimeMessage mail = mails[0];
        assertThat(mail.getSubject()).isEqualTo("Zoë asks");
        assertThat(mail.getAllRecipients()[0]).hasToString("user@example.com");
        assertThat(mail.getFrom()[0]).hasToString("Analytical <no-reply@example.com>");
        assertThat(mail.getReplyTo()[0]).hasToString("info@example.com");
        assertThat(mail.getHeader("X-Idempotency-Key")).containsExactly("job-812-of-tests");
        assertThat(mail.getMessageID()).endsWith("@example.com>").isEqualTo(mails[1].getMessageID());
        MimeMultipart parts = (MimeMultipart) mail.getContent();
        assertThat(parts.getContentType()).startsWith("multipart/alternative");
        assertThat(parts.getBodyPart(0).getContentType()).startsWith("text/plain");
        assertThat(parts.getBodyPart(0).getContent().toString()).contains("Zoë");
        assertThat(parts.getBodyPart(1).getContentType()).startsWith("text/html");
        assertThat(parts.getBodyPart(1).getContent().toString()).contains("<p>Zoë</p>");
    }

    @Test
    void handsAnSmtpServerAMailOfOnePart() throws Exception {
        MailTransport transport = smtp(Map.of());
        transport.send(mail(List.of("a@example.com", "Bo <b@example.com>"), new Mail.Body("<b>Zoë</b>", null)));

        MimeMessage mail = smtp.getReceivedMessages()[0];
        assertThat(smtp.getReceivedMessages()).hasSize(2);
        assertThat(mail.getAllRecipients()).hasSize(2);
        assertThat(mail.getContentType()).startsWith("text/html");
        assertThat(mail.getContent().toString().strip()).isEqualTo("<b>Zoë</b>");
    }

    @Test
    void logsInToAnSmtpServerThatAsksForIt() {
        smtp.setUser("mailer", "mailer", "right");
        smtp(Map.of("SMTP_USER", "mailer", "SMTP_PASS", "right")).send(mail("user@example.com"));
        assertThat(smtp.getReceivedMessages()).hasSize(1);

        assertThatExceptionOfType(PermanentFailure.class)
                .isThrownBy(() -> smtp(Map.of("SMTP_USER", "mailer", "SMTP_PASS", "wrong"))
                        .send(mail("user@example.com")))
                .withMessageContaining("SMTP_PASS")
                .withMessageNotContaining("wrong");
    }

    @Test
    void tellsAnSmtpServersLastWordFromItsNotNow() throws Exception {
        try (SmtpRefusal lastWord = new SmtpRefusal("RCPT", "550 no");
                SmtpRefusal notNow = new SmtpRefusal("RCPT", "451 no")) {
            assertThat(catchThrowableOfType(
                            PermanentFailure.class,
                            () -> smtp(Map.of("SMTP_PORT", lastWord.port())).send(mail("nobody@example.com"))))
                    .hasMessageContaining("reply 550");
            assertThat(catchThrowableOfType(
                            MailNotSent.class,
                            () -> smtp(Map.of("SMTP_PORT", notNow.port())).send(mail("nobody@example.com"))))
                    .hasMessageContaining("reply 451");
        }
    }

    @Test
    void letsTheWorkerTryAgainWhenTheSmtpServerTakesNoLoginNow() throws Exception {
        try (SmtpRefusal notNow = new SmtpRefusal("AUTH", "454 4.7.0 later")) {
            MailTransport transport =
                    smtp(Map.of("SMTP_PORT", notNow.port(), "SMTP_USER", "mailer", "SMTP_PASS", "right"));
            assertThatExceptionOfType(MailNotSent.class)
                    .isThrownBy(() -> transport.send(mail("user@example.com")))
                    .withMessageContaining("no login now");
        }
    }

    @Test
    void letsTheWorkerTryAgainWhenTheSmtpServerIsAway() {
        MailTransport transport = smtp(Map.of());
        smtp.stop();

        assertThatExceptionOfType(MailNotSent.class)
                .isThrownBy(() -> transport.send(mail("user@example.com")))
                .withMessageContaining("no answer from the SMTP server");
    }

    @Test
    void keepsWhatADryRunDoesNotSend() {
        MailTransport transport = transport(Map.of("TEST_DRY_RUN", "true", "TEST_DRY_RUN_DIR", saved.toString()));
        Mail withLink = new Mail(
                List.of("a@example.com"),
                "s",
                BOTH,
                null,
                null,
                new Mail.Trace("linked", URI.create("https://x.example.com/a")),
                null);

        assertThat(transport.send(withLink).result())
                .containsEntry("dryRun", true)
                .containsEntry("savedTo", saved.resolve("by-hand-linked.html").toString());
        assertThat(saved.resolve("by-hand-linked.html")).hasContent("<p>Zoë</p>");
        assertThat(saved.resolve("by-hand-linked.link")).hasContent("https://x.example.com/a");

        transport.send(mail(List.of("a@example.com"), new Mail.Body(null, "words")));
        assertThat(saved.resolve("by-hand-test.txt")).hasContent("words");
        assertThat(saved.resolve("by-hand-test.html")).doesNotExist();
        assertThat(saved.resolve("by-hand-test.link")).doesNotExist();
    }

    private static Mail mail(String to) {
        return mail(List.of(to), BOTH);
    }

    private static Mail mail(List<String> to, Mail.Body body) {
        return new Mail(to, "Zoë asks", body, null, null, new Mail.Trace("test", null), "job-812-of-tests");
    }

    private MailTransport mailgun(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "MAILGUN_API_BASE_URL", mailgun.url("/").toString(),
                "MAILGUN_API_KEY", "key-123",
                "MAILGUN_DOMAIN", "mg.example.com",
                "MAILGUN_FROM", "no-reply@mg.example.com"));
        environment.putAll(more);
        return transport(environment);
    }

    private MailTransport smtp(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "EMAIL_SEND_USE_SMTP", "true",
                "SMTP_HOST", "127.0.0.1",
                "SMTP_PORT", Integer.toString(smtp.getSmtp().getPort()),
                "SMTP_FROM", "Analytical <no-reply@example.com>"));
        environment.putAll(more);
        return transport(environment);
    }

    private static MailTransport transport(Map<String, String> environment) {
        Settings settings = new Settings(environment);
        Outgoing outgoing = Outgoing.from(settings, "TEST");
        settings.refuseMistakes();
        return MailTransport.of(outgoing);
    }

    /** An SMTP server that greets and then refuses one command. */
    private static final class SmtpRefusal implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final CompletableFuture<@Nullable Void> served;

        SmtpRefusal(String command, String reply) throws IOException {
            served = CompletableFuture.runAsync(() -> {
                try (var socket = listening.accept();
                        var in = socket.getInputStream();
                        var out = socket.getOutputStream();
                        var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
                    out.write("220 here\r\n".getBytes(StandardCharsets.US_ASCII));
                    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                        String answer = line.startsWith(command)
                                ? reply
                                : line.startsWith("EHLO") ? "250-here\r\n250 AUTH PLAIN" : "250 ok";
                        out.write((answer + "\r\n").getBytes(StandardCharsets.US_ASCII));
                    }
                } catch (IOException e) {
                    // the test has closed one of the sockets
                }
            });
        }

        String port() {
            return Integer.toString(listening.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            listening.close();
            served.cancel(true);
        }
    }
}
