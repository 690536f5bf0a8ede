package dev.postern.functions.simpleemail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.mail.RecordingServer;
import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.FunctionUnderTest;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.Settings;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The function behind its real server, as the worker calls it. */
final class SimpleEmailTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MAIL =
            "{\"to\":\"user@example.com\",\"subject\":\"Hello\",\"html\":\"<p>hi</p>\",\"text\":\"hi\"}";

    private final RecordingServer mailgun;

    @TempDir
    private Path saved = Path.of("");

    SimpleEmailTest() throws Exception {
        mailgun = new RecordingServer(asked -> RecordingServer.Reply.ok("{\"id\":\"<1@mg>\",\"message\":\"Queued\"}"));
    }

    @AfterEach
    void stop() {
        mailgun.close();
    }

    @Test
    void handsOverWhatThePayloadSays() throws Exception {
        var answer = call(mailgun(), with(MAIL, "from", "Shop <shop@mg.example.com>", "replyTo", "h@example.com"));

        assertThat(answer.error()).isNull();
        assertThat(answer.result()).hasToString("{\"complete\":true}");
        assertThat(mailgun.asked())
                .singleElement()
                .satisfies(asked -> assertThat(asked.form())
                        .containsEntry("to", "user@example.com")
                        .containsEntry("subject", "Hello")
                        .containsEntry("html", "<p>hi</p>")
                        .containsEntry("text", "hi")
                        .containsEntry("from", "Shop <shop@mg.example.com>")
                        .containsEntry("h:Reply-To", "h@example.com")
                        .containsEntry("v:idempotency-key", "tenant:812"));
    }

    @Test
    void takesTheConfiguredSenderAndOnePart() throws Exception {
        call(mailgun(), with(MAIL, "html", null, "from", " "));
        call(mailgun(), with(MAIL, "text", "", "to", "Ada <a@example.com>, b@example.com"));

        assertThat(mailgun.asked().getFirst().form())
                .containsEntry("from", "no-reply@mg.example.com")
                .doesNotContainKeys("html", "h:Reply-To");
        assertThat(mailgun.asked().getLast().form())
                .containsEntry("to", "Ada <a@example.com>,b@example.com")
                .doesNotContainKey("text");
    }

    @ParameterizedTest
    @CsvSource({
        "to,",
        "to,''",
        "to,nobody",
        "to,'a@example.com\nBcc: c@example.com'",
        "subject,",
        "subject,'  '",
        "subject,'Hello\nBcc: c@example.com'",
        "from,'a@example.com, b@example.com'",
        "replyTo,nobody",
    })
    void answersBadRequestNamingTheField(String field, @Nullable String value) throws Exception {
        var answer = call(mailgun(), with(MAIL, field, value));

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.error()).startsWith(field + ": ");
        assertThat(mailgun.asked()).isEmpty();
    }

    @Test
    void answersBadRequestToAMailThatSaysNothing() throws Exception {
        var answer = call(mailgun(), with(MAIL, "html", null, "text", "\n"));

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.error()).contains("html").contains("text");
    }

    @Test
    void answersBadRequestToMoreRecipientsThanOneMailShouldHave() throws Exception {
        assertThat(call(mailgun(), with(MAIL, "to", "a@example.com" + ", a@example.com".repeat(49)))
                        .status())
                .isEqualTo(200);
        assertThat(call(mailgun(), with(MAIL, "to", "a@example.com" + ", a@example.com".repeat(50)))
                        .status())
                .isEqualTo(400);
    }

    @Test
    void sendsNothingInADryRun() throws Exception {
        var answer = call(Map.of("SIMPLE_EMAIL_DRY_RUN", "true", "SIMPLE_EMAIL_DRY_RUN_DIR", saved.toString()), MAIL);

        assertThat(answer.result().path("complete").asBoolean()).isTrue();
        assertThat(answer.result().path("dryRun").asBoolean()).isTrue();
        assertThat(saved.resolve("job-812-simple-email.html")).hasContent("<p>hi</p>");
        assertThat(saved.resolve("job-812-simple-email.txt")).hasContent("hi");
        assertThat(mailgun.asked()).isEmpty();
    }

    @Test
    void tellsAllThatItNeedsAtOnce() {
        assertThatExceptionOfType(ConfigurationMistakes.class)
                .isThrownBy(() -> Main.wire(new Settings(Map.of())))
                .satisfies(mistakes -> assertThat(mistakes.lines())
                        .satisfiesExactlyInAnyOrder(
                                line -> assertThat(line).startsWith("MAILGUN_API_KEY is not set"),
                                line -> assertThat(line).startsWith("MAILGUN_DOMAIN is not set"),
                                line -> assertThat(line).startsWith("MAILGUN_FROM is not set")));
    }

    private Map<String, String> mailgun() {
        return Map.of(
                "MAILGUN_API_BASE_URL", mailgun.url("/").toString(),
                "MAILGUN_API_KEY", "key-123",
                "MAILGUN_DOMAIN", "mg.example.com",
                "MAILGUN_FROM", "no-reply@mg.example.com");
    }

    private static Called call(Map<String, String> environment, String payload) {
        try (var function = FunctionUnderTest.start(EmailPayload.class, Main.wire(new Settings(environment)))) {
            return function.call(payload, "X-Job-Id", "812", "Idempotency-Key", "tenant:812");
        }
    }

    private static String with(String payload, @Nullable String... fieldsAndValues) throws Exception {
        ObjectNode object = (ObjectNode) JSON.readTree(payload);
        for (int i = 0; i < fieldsAndValues.length; i += 2) {
            object.put(String.valueOf(fieldsAndValues[i]), fieldsAndValues[i + 1]);
        }
        return object.toString();
    }
}
