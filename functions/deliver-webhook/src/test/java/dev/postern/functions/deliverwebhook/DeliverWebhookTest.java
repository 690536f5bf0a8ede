package dev.postern.functions.deliverwebhook;

import static dev.postern.functions.deliverwebhook.Fixture.HOST;
import static dev.postern.functions.deliverwebhook.Fixture.OLD_SECRET;
import static dev.postern.functions.deliverwebhook.Fixture.SECRET;
import static dev.postern.functions.deliverwebhook.Fixture.TENANT;
import static dev.postern.functions.deliverwebhook.Receiver.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.protocol.SigningKeys;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.FunctionUnderTest.Outcome;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is sent, and what becomes of the job by what the endpoint does. */
final class DeliverWebhookTest {

    @Test
    void deliversTheBodySigned() throws Exception {
        try (Fixture webhook = new Fixture()) {
            Called called = webhook.deliver(
                    webhook.url(), "{\"type\": \"paid\",  \"n\": 12345678901234567890.12345678901234567890}", TENANT);
            assertThat(called.outcome()).as(called.error()).isEqualTo(Outcome.COMPLETE);
            assertThat(called.result()).hasToString("{\"delivered\":true,\"status\":204,\"host\":\"hooks.test\"}");

            Receiver.Delivery delivery = webhook.delivered();
            assertThat(delivery.requestLine()).isEqualTo("POST /orders?v=1 HTTP/1.1");
            assertThat(delivery.text())
                    .isEqualTo("{\"type\":\"paid\",\"n\":12345678901234567890.12345678901234567890}");
            assertThat(delivery.header("host")).isEqualTo(HOST + ":" + webhook.receiver.port());
            assertThat(delivery.header("content-type")).isEqualTo("application/json");
            assertThat(delivery.header("webhook-id")).isEqualTo("tenant:7");
            assertThat(delivery.header("webhook-timestamp"))
                    .isEqualTo(Long.toString(webhook.clock.instant().getEpochSecond()));
            assertThat(signedWith(SECRET, webhook, delivery)).isTrue();
            assertThat(delivery.headers())
                    .doesNotContainKeys("x-job-id", "x-callback-url", "traceparent", "authorization");
        }
    }

    @Test
    void signsWithBothLiveSecretsOfTheTenant() throws Exception {
        String secrets = "{\"*\": \"" + OLD_SECRET + "\", \"" + TENANT + "\": \"" + SECRET + " " + OLD_SECRET + "\"}";
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_SECRETS", secrets)) {
            webhook.deliver(webhook.url(), "{}", TENANT);
            webhook.deliver(webhook.url(), "{}", "another");

            Receiver.Delivery own = webhook.delivered();
            assertThat(signedWith(SECRET, webhook, own)).isTrue();
            assertThat(signedWith(OLD_SECRET, webhook, own)).isTrue();
            Receiver.Delivery others = webhook.delivered();
            assertThat(signedWith(OLD_SECRET, webhook, others)).isTrue();
            assertThat(signedWith(SECRET, webhook, others)).isFalse();
        }
    }

    @Test
    void refusesATenantWithoutASecret() throws Exception {
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_SECRETS", "{\"" + TENANT + "\": \"" + SECRET + "\"}")) {
            assertDead(webhook.deliver(webhook.url()), "NO_SECRET");
            assertThat(webhook.deliver(webhook.url(), "{}", TENANT).outcome()).isEqualTo(Outcome.COMPLETE);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void followsNoRedirect(int status) throws Exception {
        try (Receiver elsewhere = Receiver.start(status(204));
                Fixture webhook = new Fixture()) {
            webhook.receiver.does(status(status, "Location: http://" + HOST + ":" + elsewhere.port() + "/"));

            assertDead(webhook.deliver(webhook.url()), "REDIRECTED");
            assertThat(webhook.receiver.deliveries()).hasSize(1);
            assertThat(elsewhere.deliveries()).isEmpty();
        }
    }

    @Test
    void leavesAnEndpointAloneThatIsGone() throws Exception {
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_GONE_SECONDS", "60")) {
            webhook.receiver.does(status(410));
            assertDead(webhook.deliver(webhook.url()), "ENDPOINT_GONE");
            webhook.receiver.does(status(204));
            assertDead(webhook.deliver(webhook.url()), "ENDPOINT_GONE");
            assertThat(webhook.receiver.deliveries()).hasSize(1);

            // Another tenant, another address, and a minute later.
            assertThat(webhook.deliver(webhook.url(), "{}", TENANT).outcome()).isEqualTo(Outcome.COMPLETE);
            assertThat(webhook.deliver(webhook.url() + "&w=2").outcome()).isEqualTo(Outcome.COMPLETE);
            webhook.clock.add(Duration.ofSeconds(60));
            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
        }
    }

    @Test
    void remembersNoGoneEndpointWhereItIsToldNotTo() throws Exception {
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_GONE_SECONDS", "0")) {
            webhook.receiver.does(status(410));
            assertDead(webhook.deliver(webhook.url()), "ENDPOINT_GONE");
            webhook.receiver.does(status(204));
            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "400,,0",
        "401,,0",
        "404,,0",
        "500,,0",
        "500,30,30",
        "429,,60",
        "429,17,17",
        "502,,60",
        "503,120,120",
        "504,soon,60",
        "503,'Wed, 22 Nov 2023 10:00:30 GMT',30",
        "503,'Wed, 22 Nov 2023 09:00:00 GMT',0",
        "503,999999999,86400"
    })
    void triesAgainAtTheEndpointsPaceAndIsNotSparedForIt(int status, @Nullable String retryAfter, int seconds)
            throws Exception {
        try (Fixture webhook = new Fixture()) {
            webhook.receiver.does(retryAfter == null ? status(status) : status(status, "Retry-After: " + retryAfter));
            Called called = webhook.deliver(webhook.url());

            assertThat(called.status()).isEqualTo(425);
            assertThat(called.error()).isEqualTo("hooks.test answered " + status);
            assertThat(called.outcome()).isEqualTo(seconds == 0 ? Outcome.RETRY : Outcome.RETRY_LATER);
            assertThat(called.retryAfter()).isEqualTo(seconds == 0 ? null : Duration.ofSeconds(seconds));
        }
    }

    @Test
    void triesAgainWhenThereIsNoSuchNameOrNobodyThere() throws Exception {
        try (Fixture webhook = new Fixture()) {
            Called nameless = webhook.deliver("http://nowhere.test/");
            assertThat(nameless.status()).isEqualTo(425);
            assertThat(nameless.error()).isEqualTo("no address for nowhere.test");

            webhook.receiver.close();
            Called closed = webhook.deliver(webhook.url());
            assertThat(closed.status()).isEqualTo(425);
            assertThat(closed.error()).startsWith("no connection to hooks.test");
        }
    }

    @Test
    void waitsNoLongerThanItsTimeForAnAnswer() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_TIMEOUT_SECONDS", "1")) {
            webhook.receiver.does(out -> await(never));
            Called called = webhook.deliver(webhook.url());

            assertThat(called.status()).isEqualTo(425);
            assertThat(called.error()).isEqualTo("no answer from hooks.test in time");
        } finally {
            never.countDown();
        }
    }

    @Test
    void waitsNoLongerThanItsTimeForAName() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        NameResolver.Lookup silent = host -> {
            await(never);
            return new InetAddress[0];
        };
        try (Fixture webhook = new Fixture(silent, "DELIVER_WEBHOOK_TIMEOUT_SECONDS", "1")) {
            assertThat(webhook.deliver(webhook.url()).error()).isEqualTo("no address for hooks.test within 1 s");
        } finally {
            never.countDown();
        }
    }

    @Test
    void takesTheStatusOfAnAnswerWhoseBodyDoesNotEnd() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_TIMEOUT_SECONDS", "1")) {
            webhook.receiver.does(out -> {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx".getBytes(StandardCharsets.US_ASCII));
                out.flush();
                await(never);
            });
            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
        } finally {
            never.countDown();
        }
    }

    @Test
    void hangsUpOnAnAnswerThatIsTooLong() throws Exception {
        CountDownLatch hungUp = new CountDownLatch(1);
        try (Fixture webhook = new Fixture()) {
            webhook.receiver.does(out -> {
                try {
                    flood(out);
                } catch (IOException e) {
                    hungUp.countDown();
                    throw e;
                }
            });
            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
            assertThat(hungUp.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void triesAgainWhatIsNoWebServer() throws Exception {
        try (Fixture webhook = new Fixture()) {
            webhook.receiver.does(out -> out.write("I am no web server\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
            assertThat(webhook.deliver(webhook.url()).status()).isEqualTo(425);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "hooks.test/orders",
                "ftp://hooks.test/",
                "file:///etc/passwd",
                "https:///orders",
                "https://user:secret@hooks.test/",
                "https://hooks.test:0/",
                "https://hooks.test:70000/",
                "https://hooks test/",
                "https://häuser.test/",
                "http://"
            })
    void answersBadRequestToAUrlThatIsNone(String url) throws Exception {
        try (Fixture webhook = new Fixture()) {
            Called called = webhook.deliver(url);

            assertThat(called.status()).isEqualTo(400);
            assertThat(called.error()).startsWith("url: ").doesNotContain("secret");
            assertThat(webhook.lookedUp).isEmpty();
        }
    }

    @Test
    void asksForHttpsUnlessToldOtherwise() throws Exception {
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_ALLOW_HTTP", "false")) {
            assertThat(webhook.deliver(webhook.url()).error()).isEqualTo("url: must begin with https://");
        }
    }

    @Test
    void answersBadRequestWhenThereIsNothingToSayOrNobodyToSignFor() throws Exception {
        try (Fixture webhook = new Fixture()) {
            assertThat(webhook.deliver(webhook.url(), "null", TENANT).error())
                    .isEqualTo("body: is required and missing");
            assertThat(webhook.call("{\"url\": \"" + webhook.url() + "\"}").error())
                    .isEqualTo("body: is required and missing");
            assertThat(webhook.deliver(webhook.url(), "{}", "").error()).startsWith("X-Database-Id: ");
            assertThat(webhook.call("{\"url\": \"" + webhook.url() + "\", \"body\": 1}", "Idempotency-Key", "")
                            .error())
                    .startsWith("Idempotency-Key: ");
            assertThat(webhook.receiver.deliveries()).isEmpty();
        }
    }

    private static boolean signedWith(String secret, Fixture webhook, Receiver.Delivery delivery) {
        return SigningKeys.parse(secret)
                        .refusal(
                                delivery.header("webhook-id"),
                                delivery.header("webhook-timestamp"),
                                delivery.header("webhook-signature"),
                                delivery.body(),
                                webhook.clock.instant())
                == null;
    }

    private static void assertDead(Called called, String code) {
        assertThat(called.outcome()).as(called.error()).isEqualTo(Outcome.DEAD);
        assertThat(called.code()).isEqualTo(code);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void flood(OutputStream out) throws IOException {
        out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] chunk = ("1000\r\n" + "x".repeat(4096) + "\r\n").getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 1_000_000; i++) {
            out.write(chunk);
        }
    }
}
