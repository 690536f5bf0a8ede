package dev.postern.functions.graphqlstandin;

import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.ParentProcess;
import dev.postern.functions.runtime.Settings;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process: {@code PORT} (3000), {@code POSTERN_HOST}, {@code STAND_IN_DATA} (a JSON file instead of ours). */
public final class Main {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) throws Exception {
        Settings settings = new Settings(System.getenv());
        int port = settings.number("PORT", 3000, 0, 65_535);
        String host = settings.text("POSTERN_HOST", "0.0.0.0");
        ParentProcess parent = ParentProcess.from(settings);
        TenantGraph graph = graph(settings);
        try {
            settings.refuseMistakes();
        } catch (ConfigurationMistakes e) {
            FunctionProcess.refuse("graphql-stand-in", e);
        }
        if (graph == null) {
            return;
        }
        Vertx vertx = Vertx.vertx();
        int listening;
        try {
            listening = new GraphServer(vertx, graph)
                    .start(port, host)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.error("graphql-stand-in cannot listen on {}:{}; set PORT to a free one", host, port, e);
            System.exit(1);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(vertx), "close"));
        LOG.atInfo()
                .addKeyValue("function", "graphql-stand-in")
                .addKeyValue("port", listening)
                .log("listening");
        parent.onExit(() -> System.exit(0));
    }

    private static @Nullable TenantGraph graph(Settings settings) throws IOException {
        String file = settings.optional("STAND_IN_DATA");
        if (file == null) {
            return TenantGraph.shipped();
        }
        try (InputStream data = Files.newInputStream(Path.of(file))) {
            return TenantGraph.read(data);
        } catch (IOException e) {
            settings.mistake("STAND_IN_DATA names '" + file + "', which cannot be read: " + e.getMessage());
            return null;
        }
    }

    private static void close(Vertx vertx) {
        try {
            vertx.close().toCompletionStage().toCompletableFuture().get(5, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("stopped without a clean end", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
