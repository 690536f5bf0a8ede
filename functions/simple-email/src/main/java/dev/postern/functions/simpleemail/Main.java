package dev.postern.functions.simpleemail;

import dev.postern.functions.mail.MailTransport;
import dev.postern.functions.mail.Outgoing;
import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.Settings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process. */
public final class Main {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run("simple-email", EmailPayload.class, System.getenv(), Main::wire);
    }

    static SimpleEmail wire(Settings settings) {
        Outgoing outgoing = Outgoing.from(settings, "SIMPLE_EMAIL");
        settings.refuseMistakes();
        LOG.atInfo().addKeyValue("outgoing", outgoing).log("settings");
        return new SimpleEmail(MailTransport.of(outgoing));
    }
}
