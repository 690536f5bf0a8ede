package dev.postern.functions.runtime;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * The life of a function's process, from the environment to the exit code: 2 when the environment cannot be used (all
 * mistakes on standard error, one line each), 1 when the port cannot be had. SIGTERM, and the end of the process named by
 * {@code POSTERN_PARENT_PID}, drain and then stop. Written for {@code main}: it takes the clock and ends the JVM.
 */
public final class FunctionProcess {

    private static final Logger LOG = LoggerFactory.getLogger(FunctionProcess.class);
    private static final int EXIT_CANNOT_START = 1;
    private static final int EXIT_BAD_CONFIGURATION = 2;
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(5);

    private FunctionProcess() {}

    /**
     * Starts the function and returns; the server's threads keep the process alive.
     *
     * @param name the function's name, which is its task identifier
     * @param payloadType what a payload is read into
     * @param environment the process's environment
     * @param wiring makes the function out of its own settings
     */
    public static <P> void run(
            String name,
            Class<P> payloadType,
            Map<String, String> environment,
            Function<Settings, JobFunction<P>> wiring) {
        // What libraries log by the JDK's own logger becomes JSON too.
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        if (Rehearsal.ASKED_FOR) {
            rehearse(name, payloadType);
            return;
        }
        Settings settings = new Settings(environment);
        FunctionConfig config = FunctionConfig.from(name, settings);
        ParentProcess parent = ParentProcess.from(settings);
        JobFunction<P> function;
        try {
            function = wiring.apply(settings);
            settings.refuseMistakes();
        } catch (ConfigurationMistakes e) {
            refuse(name, e);
            return;
        }
        Vertx vertx = Vertx.vertx();
        FunctionServer<P> server = new FunctionServer<>(
                vertx, payloadType, function, config, Clock.systemUTC(), RandomGenerator.getDefault());
        int port;
        try {
            port = within(Duration.ofSeconds(30), server.start());
        } catch (ExecutionException | TimeoutException | InterruptedException e) {
            LOG.error("{} cannot listen on {}:{}; set PORT to a free one", name, config.host(), config.port(), e);
            System.exit(EXIT_CANNOT_START);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(vertx, server, config), "drain"));
        LOG.atInfo().addKeyValue("function", name).addKeyValue("port", port).log("listening");
        parent.onExit(() -> System.exit(0));
    }

    private static <P> void rehearse(String name, Class<P> payloadType) {
        try {
            Rehearsal.run(name, payloadType);
            LOG.atInfo().addKeyValue("function", name).log("rehearsed");
        } catch (IOException e) {
            LOG.error("{} could not be rehearsed", name, e);
            System.exit(EXIT_CANNOT_START);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Prints the mistakes and ends the process; for every kind of process of this repository that is a function's neighbour. */
    public static void refuse(String name, ConfigurationMistakes mistakes) {
        System.err.println(name + " cannot start, its environment needs a change:");
        mistakes.lines().forEach(line -> System.err.println("  " + line));
        System.exit(EXIT_BAD_CONFIGURATION);
    }

    /** Shutdown order: unready, wait for what runs, close the port, close Vert.x. */
    private static void stop(Vertx vertx, FunctionServer<?> server, FunctionConfig config) {
        LOG.info("draining");
        try {
            List<Job> unfinished = within(config.drainGrace().plus(CLOSE_BOUND), server.drain());
            for (Job job : unfinished) {
                LOG.atWarn()
                        .addKeyValue("job", job.id())
                        .addKeyValue("task", job.task())
                        .addKeyValue("attempt", job.attempt())
                        .log("left unfinished when the grace ended; its lease will expire and it will be tried again");
            }
            // One after the other: a future that hangs on a closed event loop is never told.
            within(CLOSE_BOUND, server.stop());
            within(CLOSE_BOUND, vertx.close());
            LOG.atInfo().addKeyValue("unfinished", unfinished.size()).log("stopped");
        } catch (ExecutionException | TimeoutException e) {
            LOG.error("stopped without a clean end", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static <T> T within(Duration bound, Future<T> future)
            throws ExecutionException, TimeoutException, InterruptedException {
        return future.toCompletionStage().toCompletableFuture().get(bound.toMillis(), TimeUnit.MILLISECONDS);
    }
}
