package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.protocol.SigningKeys;
import dev.postern.sql.JobDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The headers that a dispatch carries only where somebody switched them on. */
class DispatchHeadersTest {

    private static final String OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    @Test
    void signsTheBytesThatItSendsWithEachSecret() {
        fixture.start(config -> config.withSigning(SigningKeys.parse(OLD + "," + NEW)));
        long id = database.addJob("ping", "{ \"name\" : \"Žofie\" }");
        FakeFunction.Call call = firstCall();

        assertThat(call.header("webhook-id")).isEqualTo(JobDatabase.TENANT + ":" + id);
        for (String secret : List.of(OLD, NEW)) {
            assertThat(SigningKeys.parse(secret)
                            .refusal(
                                    call.header("webhook-id"),
                                    call.header("webhook-timestamp"),
                                    call.header("webhook-signature"),
                                    call.body().getBytes(StandardCharsets.UTF_8),
                                    Instant.now()))
                    .isNull();
        }
    }

    @Test
    void describesTheJobAsACloudEventInBinaryMode() {
        fixture.start(config -> config.withCloudEvents(true));
        long id = database.addJob("50% \"pošta\"", "{}");
        FakeFunction.Call call = firstCall();

        assertThat(call.header("ce-specversion")).isEqualTo("1.0");
        assertThat(call.header("ce-id")).isEqualTo(Long.toString(id));
        assertThat(call.header("ce-source")).isEqualTo("/databases/" + JobDatabase.TENANT);
        assertThat(call.header("ce-type")).isEqualTo("dev.postern.job");
        assertThat(call.header("ce-subject")).isEqualTo("50%25%20%22po%C5%A1ta%22");
        assertThat(Instant.parse(call.header("ce-time"))).isBeforeOrEqualTo(Instant.now());
        assertThat(call.header("content-type")).isEqualTo("application/json");
    }

    @Test
    void carriesNeitherUnlessAskedTo() {
        fixture.start();
        database.addJob("ping", "{}");

        assertThat(firstCall().headers().names())
                .noneMatch(name -> name.startsWith("webhook-") || name.startsWith("ce-"));
    }

    private FakeFunction.Call firstCall() {
        fixture.eventually(() -> !fixture.function.calls.isEmpty());
        return fixture.function.calls.getFirst();
    }
}
