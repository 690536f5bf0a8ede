package dev.postern.functions.sendemaillink;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The way out. Blocking; may be called from many threads at once. */
interface MailTransport {

    /** What became of the mail. */
    sealed interface Receipt {

        /** Somebody took it who will deliver it. */
        record Sent() implements Receipt {}

        /** Nobody took it; {@code savedTo} is its HTML part on disk, where one was written. */
        record DryRun(@Nullable Path savedTo) implements Receipt {}
    }

    /**
     * Hands the mail over.
     *
     * @throws dev.postern.functions.runtime.FunctionFailure when it was refused for good, or until a known time
     * @throws CannotSend when trying again may help
     */
    Receipt send(Mail mail);
}
