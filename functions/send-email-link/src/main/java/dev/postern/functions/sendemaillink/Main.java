package dev.postern.functions.sendemaillink;

import dev.postern.functions.mail.MailTransport;
import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.Settings;
import io.vertx.core.Vertx;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process. */
public final class Main {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run("send-email-link", EmailPayload.class, System.getenv(), Main::wire);
    }

    private static SendEmailLink wire(Settings settings) {
        SendEmailLinkConfig config = SendEmailLinkConfig.from(settings);
        LOG.atInfo()
                .addKeyValue("graphql", config.tenant())
                .addKeyValue("metaGraphql", config.meta())
                .addKeyValue("outgoing", config.outgoing())
                .addKeyValue("localAppPort", config.localAppPort())
                .addKeyValue("defaultDatabaseId", config.defaultDatabaseId())
                .log("settings");
        // Lives as long as the process.
        return wire(config, Vertx.vertx());
    }

    static SendEmailLink wire(SendEmailLinkConfig config, Vertx vertx) {
        return new SendEmailLink(
                new TenantDirectory(new GraphQlClient(vertx), config.meta(), config.tenant()),
                new LinkBuilder(config.dryRun(), config.localAppPort()),
                new MailWriter(),
                MailTransport.of(config.outgoing()),
                config.defaultDatabaseId());
    }
}
