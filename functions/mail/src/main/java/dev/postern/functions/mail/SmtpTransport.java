package dev.postern.functions.mail;

import dev.postern.functions.mail.MailNotSent.Code;
import dev.postern.functions.runtime.PermanentFailure;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.util.Properties;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.jspecify.annotations.Nullable;

/** An SMTP server. One connection a mail: a function that is scaled to nothing holds none open. */
final class SmtpTransport implements MailTransport {

    private static final String BOUND_MILLIS = "20000";

    private final Outgoing.Smtp config;
    private final Session session;

    SmtpTransport(Outgoing.Smtp config) {
        this.config = config;
        this.session = Session.getInstance(properties(config));
    }

    private static Properties properties(Outgoing.Smtp config) {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", config.host());
        properties.put("mail.smtp.port", Integer.toString(config.port()));
        properties.put("mail.smtp.auth", Boolean.toString(config.user() != null));
        properties.put("mail.smtp.ssl.enable", Boolean.toString(config.secure()));
        properties.put("mail.smtp.starttls.enable", "true");
        properties.put("mail.smtp.starttls.required", Boolean.toString(config.requireTls()));
        properties.put("mail.smtp.connectiontimeout", "5000");
        properties.put("mail.smtp.timeout", BOUND_MILLIS);
        properties.put("mail.smtp.writetimeout", BOUND_MILLIS);
        return properties;
    }

    @Override
    public Receipt send(Mail mail) {
        try {
            MimeMessage message = message(mail);
            try (Transport transport = session.getTransport("smtp")) {
                transport.connect(config.user(), config.password());
                transport.sendMessage(message, message.getAllRecipients());
            }
            return new Receipt.Sent();
        } catch (MessagingException e) {
            throw judged(e);
        }
    }

    private MimeMessage message(Mail mail) throws MessagingException {
        String from = mail.from() == null ? config.from() : mail.from();
        MimeMessage message = new WithMessageId(session, mail.messageId(from));
        message.setFrom(new InternetAddress(from));
        for (String to : mail.to()) {
            message.addRecipient(Message.RecipientType.TO, new InternetAddress(to));
        }
        String replyTo = mail.replyTo() == null ? config.replyTo() : mail.replyTo();
        if (replyTo != null) {
            message.setReplyTo(new InternetAddress[] {new InternetAddress(replyTo)});
        }
        message.setSubject(mail.subject(), "UTF-8");
        if (mail.key() != null) {
            message.setHeader("X-Idempotency-Key", mail.key());
        }
        write(message, mail.body());
        message.saveChanges();
        return message;
    }

    private static void write(MimeMessage message, Mail.Body body) throws MessagingException {
        if (body.html() == null) {
            message.setText(body.text(), "UTF-8");
        } else if (body.text() == null) {
            message.setText(body.html(), "UTF-8", "html");
        } else {
            MimeBodyPart text = new MimeBodyPart();
            text.setText(body.text(), "UTF-8");
            MimeBodyPart html = new MimeBodyPart();
            html.setText(body.html(), "UTF-8", "html");
            // The last alternative is the one that a client prefers.
            message.setContent(new MimeMultipart("alternative", text, html));
        }
    }

    /** 5xx is the server's last word on the mail; everything else may be better next time. */
    private static RuntimeException judged(MessagingException e) {
        if (e instanceof AuthenticationFailedException) {
            return temporary(e)
                    ? new MailNotSent(Code.NOT_TAKEN, "the SMTP server takes no login now", e)
                    : new PermanentFailure("the SMTP server refused the login; check SMTP_USER and SMTP_PASS", e);
        }
        int code = replyCode(e);
        if (code >= 500) {
            return new PermanentFailure("the SMTP server refused the mail: reply " + code, e);
        }
        String why = code > 0
                ? "the SMTP server did not take the mail: reply " + code
                : "no answer from the SMTP server (%s)".formatted(e.getClass().getSimpleName());
        return new MailNotSent(Code.NOT_TAKEN, why, e);
    }

    /** A reply such as {@code 454 4.7.0}: the library keeps it as the message only. */
    private static boolean temporary(MessagingException e) {
        return e.getMessage() != null && e.getMessage().startsWith("4");
    }

    private static int replyCode(MessagingException e) {
        for (Exception each = e; each != null; each = next(each)) {
            if (each instanceof SMTPSendFailedException failed) {
                return failed.getReturnCode();
            }
            if (each instanceof SMTPAddressFailedException failed) {
                return failed.getReturnCode();
            }
        }
        return 0;
    }

    private static @Nullable Exception next(Exception e) {
        return e instanceof MessagingException messaging ? messaging.getNextException() : null;
    }

    /** Keeps the Message-ID that a second attempt repeats; without it the library makes up a new one each time. */
    private static final class WithMessageId extends MimeMessage {

        private final @Nullable String messageId;

        WithMessageId(Session session, @Nullable String messageId) {
            super(session);
            this.messageId = messageId;
        }

        @Override
        protected void updateMessageID() throws MessagingException {
            if (messageId == null) {
                super.updateMessageID();
            } else {
                setHeader("Message-ID", messageId);
            }
        }
    }
}
