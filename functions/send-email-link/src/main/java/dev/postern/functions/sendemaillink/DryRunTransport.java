package dev.postern.functions.sendemaillink;

import dev.postern.functions.sendemaillink.CannotSend.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Sends nothing: says in the log what would be sent, link included, and keeps it as files where a directory is set. */
final class DryRunTransport implements MailTransport {

    private static final Logger LOG = LoggerFactory.getLogger(DryRunTransport.class);

    private final @Nullable Path directory;

    DryRunTransport(@Nullable Path directory) {
        this.directory = directory == null ? null : directory.toAbsolutePath();
    }

    @Override
    public Receipt send(Mail mail) {
        Path saved = directory == null ? null : save(directory, mail);
        LOG.atInfo()
                .addKeyValue("email_type", mail.type())
                .addKeyValue("email", mail.to())
                .addKeyValue("subject", mail.subject())
                .addKeyValue("link", mail.link())
                .addKeyValue("savedTo", saved)
                .log("dry run: mail not sent");
        return new Receipt.DryRun(saved);
    }

    /** A second attempt overwrites the files of the first. */
    private static Path save(Path directory, Mail mail) {
        String job = MDC.get("job");
        String name = (job == null ? "by-hand" : "job-" + job.replaceAll("[^A-Za-z0-9_-]", "_")) + "-" + mail.type();
        Path html = directory.resolve(name + ".html");
        try {
            Files.createDirectories(directory);
            Files.writeString(html, mail.html());
            Files.writeString(directory.resolve(name + ".txt"), mail.text());
            Files.writeString(directory.resolve(name + ".link"), mail.link() + "\n");
        } catch (IOException e) {
            throw new CannotSend(
                    Code.MAIL_NOT_SAVED,
                    "dry run: cannot save the mail below SEND_EMAIL_LINK_DRY_RUN_DIR (%s)".formatted(directory),
                    e);
        }
        return html;
    }
}
