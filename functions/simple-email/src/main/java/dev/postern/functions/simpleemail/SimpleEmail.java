package dev.postern.functions.simpleemail;

import dev.postern.functions.mail.Addresses;
import dev.postern.functions.mail.Mail;
import dev.postern.functions.mail.MailTransport;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Checks the payload and hands the mail over. A field that is blank counts as one that is missing. */
final class SimpleEmail implements JobFunction<EmailPayload> {

    private static final Logger LOG = LoggerFactory.getLogger(SimpleEmail.class);

    /** Beyond this a job should be one mail for each: everybody sees the others, and one bad address stops all. */
    private static final int MOST_RECIPIENTS = 50;

    private final MailTransport transport;

    SimpleEmail(MailTransport transport) {
        this.transport = transport;
    }

    @Override
    public Answer handle(EmailPayload payload, JobContext context) {
        Mail mail = mail(payload, context.job().idempotencyKey());
        MailTransport.Receipt receipt = transport.send(mail);
        if (receipt instanceof MailTransport.Receipt.Sent) {
            LOG.atInfo()
                    .addKeyValue("recipients", mail.to().size())
                    .addKeyValue("html", mail.body().html() != null)
                    .addKeyValue("text", mail.body().text() != null)
                    .log("mail handed over");
        }
        return Answer.of(receipt.result());
    }

    private static Mail mail(EmailPayload payload, @Nullable String key) {
        var to = read("to", required("to", payload.to()), Addresses::list);
        if (to.size() > MOST_RECIPIENTS) {
            throw new BadPayload("to", "names %d addresses, at most %d".formatted(to.size(), MOST_RECIPIENTS));
        }
        String subject = required("subject", payload.subject()).strip();
        if (subject.chars().anyMatch(Character::isISOControl)) {
            throw new BadPayload("subject", "must be one line without control characters");
        }
        String html = present(payload.html());
        String text = present(payload.text());
        if (html == null && text == null) {
            throw new BadPayload("html", "is missing, and so is text: one of the two must say something");
        }
        return new Mail(
                to,
                subject,
                new Mail.Body(html, text),
                address("from", payload.from()),
                address("replyTo", payload.replyTo()),
                new Mail.Trace("simple-email", null),
                key);
    }

    private static String required(String field, @Nullable String value) {
        String present = present(value);
        if (present == null) {
            throw new BadPayload(field, "is required and missing");
        }
        return present;
    }

    private static @Nullable String address(String field, @Nullable String value) {
        String present = present(value);
        return present == null ? null : read(field, present, Addresses::one);
    }

    private static @Nullable String present(@Nullable String value) {
        return value == null || value.isBlank() ? null : value;
    }

    private static <T> T read(String field, String value, Function<String, T> reader) {
        try {
            return reader.apply(value);
        } catch (IllegalArgumentException e) {
            throw new BadPayload(field, String.valueOf(e.getMessage()), e);
        }
    }
}
