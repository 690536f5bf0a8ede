package dev.postern.functions.mail;

import com.mailgun.api.v3.MailgunMessagesApi;
import com.mailgun.client.MailgunClient;
import com.mailgun.model.message.Message;
import dev.postern.functions.mail.MailNotSent.Code;
import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.runtime.RetryLater;
import feign.FeignException;
import feign.Request;
import feign.Retryer;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Mailgun, through its Java client. Does not try again by itself: the worker does, and counts. */
final class MailgunTransport implements MailTransport {

    private static final Duration BUSY = Duration.ofSeconds(60);
    private static final int TOO_MANY = 429;
    private static final int LONGEST_REASON = 300;

    private final Outgoing.Mailgun config;
    private final MailgunMessagesApi messages;

    MailgunTransport(Outgoing.Mailgun config) {
        this.config = config;
        this.messages = MailgunClient.config(config.baseUrl().toString(), config.apiKey())
                .retryer(Retryer.NEVER_RETRY)
                .options(new Request.Options(5, TimeUnit.SECONDS, 20, TimeUnit.SECONDS, false))
                .createApi(MailgunMessagesApi.class);
    }

    @Override
    public Receipt send(Mail mail) {
        try {
            messages.sendMessage(config.domain(), message(mail));
            return new Receipt.Sent();
        } catch (FeignException e) {
            // Feign wraps an answer with Retry-After into an exception that has lost the headers.
            throw judged(e.getCause() instanceof FeignException answered ? answered : e);
        }
    }

    private Message message(Mail mail) {
        String from = mail.from() == null ? config.from() : mail.from();
        Message.MessageBuilder message = Message.builder()
                .from(from)
                .to(mail.to().stream().map(this::recipient).toList())
                .subject(mail.subject());
        if (mail.body().html() != null) {
            message.html(mail.body().html());
        }
        if (mail.body().text() != null) {
            message.text(mail.body().text());
        }
        String replyTo = mail.replyTo() == null ? config.replyTo() : mail.replyTo();
        if (replyTo != null) {
            message.replyTo(replyTo);
        }
        String messageId = mail.messageId(from);
        if (mail.key() != null && messageId != null) {
            Map<String, String> headers = new LinkedHashMap<>();
            headers.put("Message-Id", messageId);
            headers.put("X-Idempotency-Key", mail.key());
            message.headers(headers);
            message.userVariables(Map.of("idempotency-key", mail.key()));
        }
        return message.build();
    }

    /** With MAILGUN_DEV_EMAIL every mail goes to the developer, and its address still says whom it was for. */
    private String recipient(String to) {
        String developer = config.devEmail();
        if (developer == null) {
            return to;
        }
        int at = developer.lastIndexOf('@');
        return developer.substring(0, at) + "+" + bare(to).replace("@", "_at_") + developer.substring(at);
    }

    private static String bare(String address) {
        int open = address.lastIndexOf('<');
        return open < 0 ? address : address.substring(open + 1, address.lastIndexOf('>'));
    }

    private static RuntimeException judged(FeignException e) {
        int status = e.status();
        if (status == TOO_MANY) {
            return new RetryLater(retryAfter(e), "Mailgun has had too many requests (429)", e);
        }
        if (status >= 400 && status < 500) {
            return new PermanentFailure("Mailgun refused the mail: status %d%s".formatted(status, reason(e)), e);
        }
        return new MailNotSent(
                Code.NOT_TAKEN,
                status > 0
                        ? "Mailgun answered status " + status
                        : "no answer from Mailgun (%s)".formatted(e.getClass().getSimpleName()),
                e);
    }

    private static Duration retryAfter(FeignException e) {
        for (Map.Entry<String, Collection<String>> header : e.responseHeaders().entrySet()) {
            if (header.getKey().equalsIgnoreCase("Retry-After")) {
                Long seconds = seconds(List.copyOf(header.getValue()));
                return seconds == null ? BUSY : Duration.ofSeconds(seconds);
            }
        }
        return BUSY;
    }

    private static @Nullable Long seconds(List<String> values) {
        try {
            return values.isEmpty()
                    ? null
                    : Math.max(1, Long.parseLong(values.getFirst().strip()));
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static String reason(FeignException e) {
        String body = e.contentUTF8();
        return body == null || body.isBlank() ? "" : ", " + body.substring(0, Math.min(body.length(), LONGEST_REASON));
    }
}
