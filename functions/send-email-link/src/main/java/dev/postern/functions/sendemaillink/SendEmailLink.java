package dev.postern.functions.sendemaillink;

import dev.postern.functions.mail.Mail;
import dev.postern.functions.mail.MailTransport;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.Job;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/** Payload, site, link, mail, out. */
final class SendEmailLink implements JobFunction<EmailPayload> {

    private final TenantDirectory tenants;
    private final LinkBuilder links;
    private final MailWriter writer;
    private final MailTransport transport;
    private final @Nullable String defaultDatabaseId;

    SendEmailLink(
            TenantDirectory tenants,
            LinkBuilder links,
            MailWriter writer,
            MailTransport transport,
            @Nullable String defaultDatabaseId) {
        this.tenants = tenants;
        this.links = links;
        this.writer = writer;
        this.transport = transport;
        this.defaultDatabaseId = defaultDatabaseId;
    }

    @Override
    public Answer handle(EmailPayload payload, JobContext context) {
        LinkEmail email = LinkEmail.from(payload);
        String databaseId = databaseId(context.job());
        Site site = tenants.site(databaseId);
        String inviter = email instanceof LinkEmail.Invitation invitation
                ? tenants.displayName(databaseId, invitation.senderId())
                : null;
        URI link = links.link(site, email);
        Mail mail = writer.write(email, site, inviter, link, key(context.job(), databaseId));
        return Answer.of(transport.send(mail).result());
    }

    private String databaseId(Job job) {
        String databaseId = job.databaseId() == null ? defaultDatabaseId : job.databaseId();
        if (databaseId == null) {
            throw new BadPayload(
                    "X-Database-Id", "the header is required and missing, and DEFAULT_DATABASE_ID is not set");
        }
        return databaseId;
    }

    /** Job ids are unique in one jobs database only; the tenant makes a clash between two improbable. */
    private static @Nullable String key(Job job, String databaseId) {
        if (job.idempotencyKey() != null) {
            return job.idempotencyKey();
        }
        return job.id() == null ? null : databaseId + ":" + job.id();
    }
}
