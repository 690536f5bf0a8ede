package dev.postern.functions.deliverwebhook;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.runtime.UpstreamFailure;
import java.net.InetAddress;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One try: read, sign, resolve, send, judge the answer. The worker tries again. */
final class DeliverWebhook implements JobFunction<WebhookPayload> {

    private static final Logger LOG = LoggerFactory.getLogger(DeliverWebhook.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What an endpoint gets that asks for less and does not say until when. */
    private static final Duration BUSY = Duration.ofMinutes(1);

    private static final Duration LONGEST_PAUSE = Duration.ofDays(1);

    private final DeliverWebhookConfig config;
    private final NameResolver resolver;
    private final WebhookClient client;
    private final GoneEndpoints gone;
    private final Clock clock;

    /** What the job's result says. */
    record Delivered(boolean delivered, int status, String host) {}

    DeliverWebhook(DeliverWebhookConfig config, NameResolver resolver, WebhookClient client, Clock clock) {
        this.config = config;
        this.resolver = resolver;
        this.client = client;
        this.gone = new GoneEndpoints(config.goneMemory());
        this.clock = clock;
    }

    @Override
    public Answer handle(WebhookPayload payload, JobContext context) throws InterruptedException {
        Endpoint endpoint = Endpoint.of(payload.url(), config.allowHttp());
        byte[] body = body(payload.body());
        String tenant = header(JobHeaders.DATABASE_ID, context.job().databaseId());
        String id = header(JobHeaders.IDEMPOTENCY_KEY, context.job().idempotencyKey());
        SigningKeys keys = config.keys(tenant);
        if (keys == null) {
            throw PermanentFailure.withCode(
                    "NO_SECRET",
                    "DELIVER_WEBHOOK_SECRETS has neither a secret of tenant " + tenant + " nor one for all");
        }
        gone.until(tenant, endpoint, clock.instant()).ifPresent(until -> {
            throw PermanentFailure.withCode(
                    "ENDPOINT_GONE",
                    "%s answered 410 before; it is left alone until %s".formatted(endpoint.host(), until));
        });

        long started = System.nanoTime();
        long deadline = started + config.timeout().toNanos();
        List<InetAddress> addresses = resolver.addresses(endpoint.host(), config.timeout());
        Instant now = clock.instant();
        WebhookClient.Answered answered = client.post(
                endpoint,
                addresses,
                Map.of(
                        "Content-Type",
                        "application/json",
                        "User-Agent",
                        "Postern-Webhooks",
                        JobHeaders.WEBHOOK_ID,
                        id,
                        JobHeaders.WEBHOOK_TIMESTAMP,
                        Long.toString(now.getEpochSecond()),
                        JobHeaders.WEBHOOK_SIGNATURE,
                        keys.sign(id, now.getEpochSecond(), body)),
                body,
                deadline);
        LOG.atInfo()
                .addKeyValue("host", endpoint.host())
                .addKeyValue("status", answered.status())
                .addKeyValue("ms", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started))
                .log("webhook answered");
        return judged(tenant, endpoint, answered);
    }

    private Answer judged(String tenant, Endpoint endpoint, WebhookClient.Answered answered) {
        int status = answered.status();
        String said = endpoint.host() + " answered " + status;
        if (status >= 200 && status < 300) {
            return Answer.of(new Delivered(true, status, endpoint.host()));
        }
        if (status == 410) {
            gone.add(tenant, endpoint, clock.instant());
            throw PermanentFailure.withCode("ENDPOINT_GONE", said + ": it wants no more webhooks");
        }
        if (status >= 300 && status < 400) {
            throw PermanentFailure.withCode("REDIRECTED", said + ": redirects are not followed, name the last URL");
        }
        boolean busy = status == 429 || status >= 502 && status <= 504;
        Duration pause = retryAfter(answered.retryAfter(), clock.instant());
        throw new UpstreamFailure(pause == null ? busy ? BUSY : Duration.ZERO : pause, said, null);
    }

    private static byte[] body(@Nullable TokenBuffer body) {
        if (body == null || body.firstToken() == JsonToken.VALUE_NULL) {
            throw new BadPayload("body", "is required and missing");
        }
        try {
            return JSON.writeValueAsBytes(body);
        } catch (JsonProcessingException e) {
            throw new BadPayload("body", "cannot be written as JSON", e);
        }
    }

    private static String header(String name, @Nullable String value) {
        if (value == null) {
            throw new BadPayload(name, "the header is required and missing");
        }
        return value;
    }

    /** Seconds or an HTTP date; {@code null} for neither. */
    private static @Nullable Duration retryAfter(@Nullable String value, Instant now) {
        if (value == null) {
            return null;
        }
        Duration pause;
        if (value.strip().matches("[0-9]{1,9}")) {
            pause = Duration.ofSeconds(Long.parseLong(value.strip()));
        } else {
            try {
                pause = Duration.between(
                        now,
                        ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                                .toInstant());
            } catch (DateTimeException e) {
                return null;
            }
        }
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.isNegative() ? Duration.ZERO : pause;
    }
}
