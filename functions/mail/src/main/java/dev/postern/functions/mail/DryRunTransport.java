package dev.postern.functions.mail;

import dev.postern.functions.mail.MailNotSent.Code;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
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
                .addKeyValue("kind", mail.trace().kind())
                .addKeyValue("to", mail.to())
                .addKeyValue("from", mail.from())
                .addKeyValue("replyTo", mail.replyTo())
                .addKeyValue("subject", mail.subject())
                .addKeyValue("link", mail.trace().link())
                .addKeyValue("savedTo", saved)
                .log("dry run: mail not sent");
        return new Receipt.DryRun(saved);
    }

    /** A second attempt overwrites the files of the first. */
    private static Path save(Path directory, Mail mail) {
        String job = MDC.get("job");
        String name = (job == null ? "by-hand" : "job-" + job.replaceAll("[^A-Za-z0-9_-]", "_")) + "-"
                + mail.trace().kind();
        URI link = mail.trace().link();
        try {
            Files.createDirectories(directory);
            Path html = write(directory.resolve(name + ".html"), mail.body().html());
            Path text = write(directory.resolve(name + ".txt"), mail.body().text());
            write(directory.resolve(name + ".link"), link == null ? null : link + "\n");
            return Objects.requireNonNull(html == null ? text : html, "a mail has one part at least");
        } catch (IOException e) {
            throw new MailNotSent(
                    Code.NOT_SAVED,
                    "dry run: cannot save the mail below %s, which a setting ending in _DRY_RUN_DIR names"
                            .formatted(directory),
                    e);
        }
    }

    private static @Nullable Path write(Path file, @Nullable String content) throws IOException {
        return content == null ? null : Files.writeString(file, content);
    }
}
