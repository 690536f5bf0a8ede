package dev.postern.service.cli;

import dev.postern.service.JobService;
import dev.postern.service.config.ConfigReader;
import dev.postern.service.config.ServiceConfig;
import dev.postern.service.local.FunctionProcess;
import dev.postern.service.local.LocalPostgres;
import dev.postern.service.local.LocalSecrets;
import dev.postern.sql.DatabaseConfig;
import dev.postern.worker.WorkerListener;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything on one machine: Postgres where none is configured, the sample functions, the service. {@code up} and
 * {@code demo} differ only in what they do with it. Blocking; closing twice is fine.
 */
final class LocalStack implements AutoCloseable {

    static final String STAND_IN = "graphql-stand-in";
    private static final Map<String, String> LOOPBACK = Map.of("POSTERN_HOST", "127.0.0.1");
    private static final List<String> DATABASE =
            List.of("DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE");

    /** Each sample function with the tasks that it does. */
    private static final Map<String, List<String>> TASKS = new TreeMap<>(Map.of(
            "deliver-webhook", List.of("deliver-webhook"),
            "export-report", List.of("export-report"),
            "passport", List.of("parse-facts", "compile-passport", "sign-passport", "generate-qr"),
            "requests-reminder", List.of("requests-reminder"),
            "send-email-link", List.of("send-email-link"),
            "simple-email", List.of("simple-email"),
            "system-ping", List.of("system-ping")));

    /** All sample functions. */
    static final Set<String> FUNCTIONS = Collections.unmodifiableSet(TASKS.keySet());

    private final Context context;
    private final Path data;
    private final Consumer<String> say;
    private final List<FunctionProcess> functions = new ArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private @Nullable LocalPostgres postgres;
    private @Nullable JobService service;
    private @Nullable DatabaseConfig database;

    /**
     * Starts nothing yet.
     *
     * @param data where Postgres, logs and mails are kept
     * @param say gets a line for each step
     */
    LocalStack(Context context, Path data, Consumer<String> say) {
        this.context = context;
        this.data = data;
        this.say = say;
    }

    /** Where send-email-link and simple-email put the mails that they do not send. */
    Path mails() {
        return data.resolve("mails");
    }

    /** Where export-report puts its files. */
    Path exports() {
        return data.resolve("exports");
    }

    /** Where generate-qr puts passports and their codes. */
    Path passports() {
        return data.resolve("passports");
    }

    Path logs() {
        return data.resolve("logs");
    }

    DatabaseConfig database() {
        if (database == null) {
            throw new IllegalStateException("the stack has not been started");
        }
        return database;
    }

    JobService service() {
        if (service == null) {
            throw new IllegalStateException("the stack has not been started");
        }
        return service;
    }

    /**
     * Starts everything, or fails and leaves nothing.
     *
     * @param ownDatabase whether to start Postgres even where a database is configured
     * @param names those of {@link #FUNCTIONS} to start
     * @param overrides settings that stand before the environment's
     */
    void start(boolean ownDatabase, Set<String> names, Map<String, String> overrides, WorkerListener listener) {
        try {
            Map<String, String> settings = context.with(Map.of());
            settings.putIfAbsent("POSTERN_BIND_HOST", "127.0.0.1");
            settings.putIfAbsent("JOBS_CALLBACK_HOST", "127.0.0.1");
            settings.putAll(overrides);
            if (ownDatabase || !ConfigReader.namesDatabase(settings)) {
                startPostgres(settings);
            }
            if (!names.isEmpty()) {
                startFunctions(new TreeSet<>(names), settings);
            }
            ServiceConfig config = new ConfigReader(settings, Context.incarnation()).read();
            database = config.listenDatabase();
            say.accept("starting the service: worker, scheduler, callback server, API");
            JobService created = new JobService(config, listener, Context.clock(), new SplittableRandom());
            service = created;
            created.start();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void startPostgres(Map<String, String> settings) {
        say.accept("starting Postgres in " + data.resolve("postgres"));
        int port = new ConfigReader(settings, Context.incarnation()).readLocalPostgresPort();
        LocalPostgres started = LocalPostgres.start(data.resolve("postgres"), port);
        postgres = started;
        DatabaseConfig local = started.config();
        settings.remove("DATABASE_LISTEN_URL");
        settings.put(
                "DATABASE_URL",
                "postgres://" + local.user() + "@" + local.host() + ":" + local.port() + "/" + local.database());
    }

    private void startFunctions(Set<String> names, Map<String, String> settings) {
        say.accept("starting functions: " + STAND_IN + ", " + String.join(", ", names));
        FunctionProcess standIn = FunctionProcess.start(context.home(), STAND_IN, logs(), LOOPBACK);
        functions.add(standIn);
        JsonObject urls = new JsonObject();
        Map<String, String> own = functionSettings(settings, standIn.url());
        for (String name : names) {
            FunctionProcess function = FunctionProcess.start(context.home(), name, logs(), own);
            functions.add(function);
            TASKS.getOrDefault(name, List.of()).forEach(task -> urls.put(task, function.url()));
        }
        HttpClient client = HttpClient.newHttpClient();
        functions.forEach(function -> function.awaitHealthy(client));
        functions.forEach(function -> function.keepRunning(() -> !closed.get(), say));
        settings.put("POSTERN_FUNCTIONS", merged(urls, settings.getOrDefault("POSTERN_FUNCTIONS", "")));
    }

    private Map<String, String> functionSettings(Map<String, String> settings, String standInUrl) {
        Map<String, String> own = new HashMap<>(LOOPBACK);
        own.put("GRAPHQL_URL", settings.getOrDefault("GRAPHQL_URL", standInUrl + "/graphql"));
        own.put("SEND_EMAIL_LINK_DRY_RUN", settings.getOrDefault("SEND_EMAIL_LINK_DRY_RUN", "true"));
        own.put("SEND_EMAIL_LINK_DRY_RUN_DIR", mails().toString());
        own.put("SIMPLE_EMAIL_DRY_RUN", settings.getOrDefault("SIMPLE_EMAIL_DRY_RUN", "true"));
        own.put("SIMPLE_EMAIL_DRY_RUN_DIR", mails().toString());
        own.put(
                "DELIVER_WEBHOOK_SECRETS",
                settings.getOrDefault("DELIVER_WEBHOOK_SECRETS", LocalSecrets.webhookSecret(data)));
        own.put("LOCAL_APP_PORT", settings.getOrDefault("LOCAL_APP_PORT", "3000"));
        own.put("JOBS_SCHEMA", settings.getOrDefault("JOBS_SCHEMA", DatabaseConfig.DEFAULT_SCHEMA));
        for (String name : DATABASE) {
            if (settings.containsKey(name)) {
                own.put(name, settings.getOrDefault(name, ""));
            }
        }
        // A database of the user's gets no schema of a sample's unless the user says so.
        own.put("PASSPORT_MIGRATE", settings.getOrDefault("PASSPORT_MIGRATE", Boolean.toString(postgres != null)));
        own.put("PASSPORT_SIGNING_KEY", settings.getOrDefault("PASSPORT_SIGNING_KEY", LocalSecrets.passportKey(data)));
        own.put("PASSPORT_FILES_DIR", passports().toString());
        own.put("EXPORT_DIR", exports().toString());
        return own;
    }

    // What the user maps stands before the samples; a mistake in it is reported with all others later.
    private static String merged(JsonObject samples, String own) {
        if (own.isBlank()) {
            return samples.encode();
        }
        try {
            return samples.mergeIn(new JsonObject(own)).encode();
        } catch (DecodeException e) {
            return own;
        }
    }

    /** The service first, which drains; then functions, then Postgres. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (service != null) {
            service.stop();
        }
        functions.forEach(FunctionProcess::close);
        if (postgres != null) {
            postgres.close();
        }
    }
}
