package dev.postern.service.cli;

import dev.postern.service.JobService;
import dev.postern.service.config.ConfigReader;
import dev.postern.service.config.ServiceConfig;
import dev.postern.service.config.Setting;
import dev.postern.worker.WorkerListener;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

/** Runs the roles until it is told to stop. */
@Command(
        name = "serve",
        description = "Runs the roles (worker, scheduler, callback, api) until SIGTERM; what images and charts call.")
final class ServeCommand implements Callable<Integer> {

    private static final Logger log = LoggerFactory.getLogger(ServeCommand.class);

    private final Context context;

    ServeCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (Rehearsal.ASKED_FOR) {
            Rehearsal.run();
            return 0;
        }
        ServiceConfig config = new ConfigReader(context.environment(), Context.incarnation()).read();
        logSettings(context.environment());
        JobService service = new JobService(config, WorkerListener.NONE, Context.clock(), new SplittableRandom());
        // Before the start: a stop while it waits for the database must end it too.
        Runtime.getRuntime().addShutdownHook(new Thread(service::stop, "shutdown"));
        service.start();
        new CountDownLatch(1).await();
        return 0;
    }

    /** What is set, secrets masked; what is not set is in docs/configuration.md. */
    static void logSettings(Map<String, String> environment) {
        for (Setting setting : Setting.ALL) {
            String value = environment.getOrDefault(setting.name(), "");
            log.info(
                    "setting {} = {}",
                    setting.name(),
                    value.isBlank() ? "(" + setting.fallback() + ")" : setting.secret() ? "***" : withoutLogin(value));
        }
    }

    // Addresses of functions may carry a user and a password.
    private static String withoutLogin(String value) {
        return value.replaceAll("://[^/@\\s\"]+@", "://***@");
    }
}
