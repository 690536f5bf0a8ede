package dev.postern.functions.deliverwebhook;

import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.Settings;
import io.vertx.core.Vertx;
import java.net.InetAddress;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process. */
public final class Main {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run("deliver-webhook", WebhookPayload.class, System.getenv(), Main::wire);
    }

    private static DeliverWebhook wire(Settings settings) {
        DeliverWebhookConfig config = DeliverWebhookConfig.from(settings);
        LOG.atInfo()
                .addKeyValue("secrets", config.secrets())
                .addKeyValue("allowHttp", config.allowHttp())
                .addKeyValue("allowed", config.rules().allowed())
                .addKeyValue("denied", config.rules().denied())
                .addKeyValue("timeout", config.timeout())
                .addKeyValue("goneMemory", config.goneMemory())
                .log("settings");
        // Both live as long as the process.
        return new DeliverWebhook(
                config,
                new NameResolver(InetAddress::getAllByName, config.rules()),
                new WebhookClient(Vertx.vertx()),
                Clock.systemUTC());
    }
}
