package dev.postern.functions.sendemaillink;

import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.sendemaillink.CannotSend.Code;
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

    private final SendEmailLinkConfig.Smtp config;
    private final Session session;

    SmtpTransport(SendEmailLinkConfig.Smtp config) {
        this.config = config;
        this.session = Session.getInstance(properties(config));
    }

    private static Properties properties(SendEmailLinkConfig.Smtp config) {
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
        MimeMessage message = new WithMessageId(session, mail.messageId(config.from()));
        message.setFrom(new InternetAddress(config.from()));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(mail.to()));
        if (config.replyTo() != null) {
            message.setReplyTo(new InternetAddress[] {new InternetAddress(config.replyTo())});
        }
        message.setSubject(mail.subject(), "UTF-8");
        if (mail.key() != null) {
            message.setHeader("X-Idempotency-Key", mail.key());
        }
        MimeBodyPart text = new MimeBodyPart();
        text.setText(mail.text(), "UTF-8");
        MimeBodyPart html = new MimeBodyPart();
        html.setText(mail.html(), "UTF-8", "html");
        // The last alternative is the one that a client prefers.
        message.setContent(new MimeMultipart("alternative", text, html));
        message.saveChanges();
        return message;
    }

    /** 5xx is the server's last word on the mail; everything else may be better next time. */
    private static RuntimeException judged(MessagingException e) {
        if (e instanceof AuthenticationFailedException) {
            return new PermanentFailure("the SMTP server refused the login; check SMTP_USER and SMTP_PASS", e);
        }
        int code = replyCode(e);
        if (code >= 500) {
            return new PermanentFailure("the SMTP server refused the mail: reply " + code, e);
        }
        String why = code > 0
                ? "the SMTP server did not take the mail: reply " + code
                : "no answer from the SMTP server (%s)".formatted(e.getClass().getSimpleName());
        return new CannotSend(Code.MAIL_NOT_TAKEN, why, e);
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
