package dev.postern.functions.deliverwebhook;

import static dev.postern.functions.deliverwebhook.Receiver.status;

import dev.postern.functions.runtime.FunctionUnderTest;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.Settings;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The function behind its real server with one receiver; names are looked up in the test's own book. */
final class Fixture implements AutoCloseable {

    static final String HOST = "hooks.test";
    static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    static final String OLD_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    static final String TENANT = "0000000a-0000-0000-0000-000000000001";

    final Receiver receiver = Receiver.start(status(204));
    final SettableClock clock = new SettableClock();
    final List<String> lookedUp = new CopyOnWriteArrayList<>();

    private final Map<String, Deque<String>> names = new HashMap<>();
    private final Vertx vertx = Vertx.vertx();
    private final NameResolver resolver;
    private final FunctionUnderTest<WebhookPayload> function;

    /** Loopback is allowed and http will do, unless the environment says otherwise. */
    Fixture(String... environment) throws IOException {
        this((NameResolver.Lookup) null, environment);
    }

    Fixture(NameResolver.@Nullable Lookup lookup, String... environment) throws IOException {
        Map<String, String> settings = new HashMap<>(Map.of(
                "DELIVER_WEBHOOK_SECRETS", SECRET,
                "DELIVER_WEBHOOK_ALLOW_HTTP", "true",
                "DELIVER_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"));
        for (int i = 0; i < environment.length; i += 2) {
            settings.put(environment[i], environment[i + 1]);
        }
        DeliverWebhookConfig config = DeliverWebhookConfig.from(new Settings(settings));
        resolver = new NameResolver(lookup == null ? this::lookUp : lookup, config.rules());
        function = FunctionUnderTest.start(
                WebhookPayload.class, new DeliverWebhook(config, resolver, new WebhookClient(vertx), clock));
        name(HOST, "127.0.0.1");
    }

    /** Each answer for a name is given once, the last one for ever; many addresses of one answer have blanks between them. */
    void name(String host, String... answers) {
        names.put(host, new ArrayDeque<>(List.of(answers)));
    }

    private InetAddress[] lookUp(String host) throws UnknownHostException {
        lookedUp.add(host);
        Deque<String> answers = names.get(host);
        if (answers == null) {
            throw new UnknownHostException(host);
        }
        List<InetAddress> found = new ArrayList<>();
        for (String address : (answers.size() > 1 ? answers.pop() : answers.element()).split(" ", -1)) {
            found.add(InetAddress.getByAddress(
                    host, InetAddress.getByName(address).getAddress()));
        }
        return found.toArray(InetAddress[]::new);
    }

    String url() {
        return "http://" + HOST + ":" + receiver.port() + "/orders?v=1";
    }

    /** Calls with {@code {}} for the usual tenant. */
    Called deliver(String url) {
        return deliver(url, "{}", FunctionUnderTest.TENANT);
    }

    Called deliver(String url, String body, String tenant) {
        return call(
                "{\"url\": \"" + url + "\", \"body\": " + body + "}",
                "X-Database-Id",
                tenant,
                "Idempotency-Key",
                "tenant:7");
    }

    Called call(String payload, String... headers) {
        return function.call(payload, headers);
    }

    Receiver.Delivery delivered() throws InterruptedException {
        Receiver.Delivery delivery = receiver.deliveries().poll(10, TimeUnit.SECONDS);
        if (delivery == null) {
            throw new AssertionError("nothing was delivered");
        }
        return delivery;
    }

    @Override
    public void close() throws IOException {
        receiver.close();
        function.close();
        resolver.close();
        vertx.close()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    static final class SettableClock extends Clock {

        private volatile Instant now = Instant.parse("2023-11-22T10:00:00Z");

        void add(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
