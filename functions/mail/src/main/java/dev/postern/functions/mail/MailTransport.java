package dev.postern.functions.mail;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The way out. Blocking; may be called from many threads at once. */
public interface MailTransport {

    /** What became of the mail. */
    sealed interface Receipt {

        /** Somebody took it who will deliver it. */
        record Sent() implements Receipt {}

        /** Nobody took it; {@code savedTo} is one of its parts on disk, where one was written. */
        record DryRun(@Nullable Path savedTo) implements Receipt {}

        /** The job's result: {@code complete}, and in a dry run that it was one and where the mail is. */
        default Map<String, Object> result() {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("complete", true);
            if (this instanceof DryRun dryRun) {
                result.put("dryRun", true);
                if (dryRun.savedTo() != null) {
                    result.put("savedTo", dryRun.savedTo().toString());
                }
            }
            return result;
        }
    }

    /**
     * Hands the mail over.
     *
     * @throws dev.postern.functions.runtime.FunctionFailure when it was refused for good, or until a known time
     * @throws MailNotSent when trying again may help
     */
    Receipt send(Mail mail);

    /** The way out that the settings chose. Opens no connection yet. */
    static MailTransport of(Outgoing outgoing) {
        return switch (outgoing) {
            case Outgoing.Mailgun mailgun -> new MailgunTransport(mailgun);
            case Outgoing.Smtp smtp -> new SmtpTransport(smtp);
            case Outgoing.DryRun dryRun -> new DryRunTransport(dryRun.directory());
        };
    }
}
