package dev.postern.service.config;

import dev.postern.api.ApiConfig;
import dev.postern.api.ApiConfig.Tokens;
import dev.postern.callback.CallbackConfig;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.scheduler.Retention;
import dev.postern.scheduler.SchedulerConfig;
import dev.postern.service.config.ServiceConfig.Role;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.DatabaseConfig.Tls;
import dev.postern.worker.TaskRouter;
import dev.postern.worker.WorkerConfig;
import dev.postern.worker.WorkerConfig.Timeouts;
import java.net.URI;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Turns the environment into a {@link ServiceConfig}; finds all mistakes before it complains. */
public final class ConfigReader {

    private static final int PORT_MAX = 65_535;
    private static final int DAY = 86_400;
    private static final int RETENTION_DAYS_MAX = 3650;
    private static final Pattern RETENTION = Pattern.compile("(?:(succeeded|cancelled|dead)=)?(\\d{1,6})");

    private final Environment env;
    private final Map<String, String> variables;
    private final String incarnation;

    /**
     * Reads nothing yet.
     *
     * @param variables the environment
     * @param incarnation what makes this process's worker id its own
     */
    public ConfigReader(Map<String, String> variables, String incarnation) {
        this.variables = Map.copyOf(variables);
        this.env = new Environment(this.variables);
        this.incarnation = incarnation;
    }

    /** Whether the environment names a database. */
    public static boolean namesDatabase(Map<String, String> variables) {
        return List.of("DATABASE_URL", "PGHOST", "PGDATABASE", "PGUSER").stream()
                .anyMatch(name -> !variables.getOrDefault(name, "").isBlank());
    }

    /**
     * The database only, for commands that need nothing else.
     *
     * @throws ConfigException with all mistakes
     */
    public DatabaseConfig readDatabase() {
        return checked(databases().forListening());
    }

    /**
     * The port that the local Postgres shall have; 0 for any.
     *
     * @throws ConfigException when it is no port
     */
    public int readLocalPostgresPort() {
        return checked(env.number("POSTERN_POSTGRES_PORT", 5433, 0, PORT_MAX));
    }

    /**
     * Whose tokens the API takes, and what they say.
     *
     * @throws ConfigException with all mistakes
     */
    public Tokens readTokens() {
        return checked(new ApiSettings(env).tokens());
    }

    /**
     * Everything.
     *
     * @throws ConfigException with all mistakes
     */
    public ServiceConfig read() {
        if (!namesDatabase(variables)) {
            env.mistake("no database is named: set DATABASE_URL, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE"
                    + " ('./postern up' brings its own)");
        }
        Databases databases = databases();
        String bindHost = env.text("POSTERN_BIND_HOST", "0.0.0.0");
        Duration callbackLease = env.seconds(
                "POSTERN_CALLBACK_LEASE_SECONDS", CallbackConfig.defaults().heartbeatLease(), 1, DAY);
        Duration callbackLeaseMax = env.seconds(
                "POSTERN_CALLBACK_LEASE_MAX_SECONDS", CallbackConfig.defaults().maxLease(), 1, 7 * DAY);
        if (callbackLeaseMax.compareTo(callbackLease) < 0) {
            env.mistake("POSTERN_CALLBACK_LEASE_MAX_SECONDS must not be below POSTERN_CALLBACK_LEASE_SECONDS");
            callbackLeaseMax = callbackLease;
        }
        CallbackConfig callback = CallbackConfig.defaults()
                .withAddress(
                        bindHost, env.number("INTERNAL_JOBS_CALLBACK_PORT", CallbackConfig.DEFAULT_PORT, 1, PORT_MAX))
                .withLeases(callbackLease, callbackLeaseMax);
        Set<Role> roles = roles();
        WorkerConfig worker = worker(callback, callbackLease, callbackLeaseMax);
        ApiConfig api = new ApiSettings(env).read(bindHost, worker.concurrency());
        TaskRouter router = router(roles, api);
        ServiceConfig config = new ServiceConfig(
                roles,
                databases.forStatements(),
                databases.forListening(),
                env.flag("POSTERN_MIGRATE", true),
                env.flag("POSTERN_LISTEN", true),
                worker,
                router,
                callback,
                SchedulerConfig.defaults().withRetention(retention()),
                api,
                bindHost,
                env.number("POSTERN_HTTP_PORT", 8081, 0, PORT_MAX),
                env.seconds("POSTERN_DRAIN_SECONDS", Duration.ofSeconds(25), 0, DAY),
                new ServiceConfig.Telemetry(
                        env.number("POSTERN_METRICS_TENANTS", 0, 0, 1000), new TraceSettings(env).read()));
        return checked(config);
    }

    private <T> T checked(T value) {
        if (!env.mistakes().isEmpty()) {
            throw new ConfigException(env.mistakes());
        }
        return value;
    }

    private Set<Role> roles() {
        Set<Role> roles = EnumSet.noneOf(Role.class);
        List<String> names = env.list("POSTERN_ROLES");
        for (String name : names) {
            try {
                roles.add(Role.valueOf(name.toUpperCase(Locale.ROOT)));
            } catch (IllegalArgumentException e) {
                env.mistake("POSTERN_ROLES knows worker, scheduler, callback and api, not '" + name + "'");
            }
        }
        return names.isEmpty() ? EnumSet.allOf(Role.class) : roles;
    }

    private record Databases(DatabaseConfig forStatements, DatabaseConfig forListening) {}

    // One rule: POSTERN_POOLER decides; not set, the URL may say so itself, or the listen URL by leading elsewhere.
    private Databases databases() {
        DatabaseConfig statements = database("DATABASE_URL");
        if (env.text("DATABASE_LISTEN_URL").isEmpty()) {
            DatabaseConfig both = statements.withPooled(env.flag("POSTERN_POOLER", statements.pooled()));
            return new Databases(both, both);
        }
        DatabaseConfig listen = database("DATABASE_LISTEN_URL");
        boolean pooled = env.flag("POSTERN_POOLER", statements.pooled() || !statements.sameAddress(listen));
        return new Databases(statements.withPooled(pooled), listen);
    }

    private DatabaseConfig database(String urlName) {
        Map<String, String> url = env.databaseUrl(urlName);
        Map<String, String> parts = new HashMap<>(Map.of(
                "PGHOST", env.text("PGHOST", "localhost"),
                "PGPORT", Integer.toString(env.number("PGPORT", 5432, 1, PORT_MAX)),
                "PGUSER", env.text("PGUSER", "postgres"),
                "PGPASSWORD", env.text("PGPASSWORD", ""),
                "PGDATABASE", env.text("PGDATABASE", "postgres")));
        parts.put("PGSSLMODE", env.text("PGSSLMODE", "prefer"));
        parts.putAll(url);
        Tls tls = Tls.named(part(parts, "PGSSLMODE")).orElseGet(() -> {
            env.mistake((url.containsKey("PGSSLMODE") ? "sslmode in " + urlName : "PGSSLMODE")
                    + " must be disable, prefer, require or verify-full, is '" + part(parts, "PGSSLMODE") + "'");
            return Tls.PREFER;
        });
        int poolSize = env.number("POSTERN_POOL_SIZE", DatabaseConfig.DEFAULT_POOL_SIZE, 1, 1000);
        String schema = env.text("JOBS_SCHEMA", DatabaseConfig.DEFAULT_SCHEMA);
        return built(
                "JOBS_SCHEMA",
                schema,
                () -> database(parts, schema, poolSize, tls),
                () -> database(parts, DatabaseConfig.DEFAULT_SCHEMA, poolSize, tls));
    }

    private static DatabaseConfig database(Map<String, String> parts, String schema, int poolSize, Tls tls) {
        return new DatabaseConfig(
                part(parts, "PGHOST"),
                Integer.parseInt(part(parts, "PGPORT")),
                part(parts, "PGDATABASE"),
                part(parts, "PGUSER"),
                part(parts, "PGPASSWORD"),
                schema,
                poolSize,
                tls,
                Boolean.parseBoolean(part(parts, Environment.POOLED)));
    }

    private static String part(Map<String, String> parts, String name) {
        return parts.getOrDefault(name, "");
    }

    private WorkerConfig worker(CallbackConfig callback, Duration callbackLease, Duration callbackLeaseMax) {
        URI callbackUrl = env.url("INTERNAL_JOBS_CALLBACK_URL")
                .orElseGet(() -> URI.create("http://" + env.text("JOBS_CALLBACK_HOST", "jobs-callback") + ":"
                        + callback.port() + "/callback"));
        List<String> supported = env.list("JOBS_SUPPORTED");
        boolean any = env.flag("JOBS_SUPPORT_ANY", supported.isEmpty());
        if (!any && supported.isEmpty()) {
            env.mistake("JOBS_SUPPORT_ANY is false and JOBS_SUPPORTED names no task: the worker would take nothing");
        }
        return new WorkerConfig(
                env.text("HOSTNAME", "postern") + "." + incarnation,
                any ? Optional.empty() : Optional.of(supported),
                env.number("POSTERN_CONCURRENCY", WorkerConfig.DEFAULT_CONCURRENCY, 1, 100_000),
                env.seconds("POSTERN_LEASE_SECONDS", WorkerConfig.DEFAULT_LEASE, 1, DAY),
                env.seconds("POSTERN_POLL_SECONDS", WorkerConfig.DEFAULT_POLL, 1, 60),
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                new Timeouts(
                        env.seconds("POSTERN_CONNECT_TIMEOUT_SECONDS", Timeouts.DEFAULT.connect(), 1, 600),
                        env.seconds("POSTERN_RESPONSE_START_TIMEOUT_SECONDS", Timeouts.DEFAULT.firstByte(), 1, DAY),
                        env.seconds("POSTERN_ATTEMPT_TIMEOUT_SECONDS", Timeouts.DEFAULT.total(), 1, DAY)),
                env.flag("POSTERN_PROTECT_TARGETS", true),
                built(
                        "POSTERN_SIGNING_SECRET",
                        null,
                        () -> SigningKeys.parse(env.text("POSTERN_SIGNING_SECRET", "")),
                        () -> SigningKeys.NONE),
                env.flag("POSTERN_CLOUDEVENTS", false));
    }

    private Retention retention() {
        Map<String, Duration> byState = new HashMap<>();
        Duration all = null;
        for (String part : env.list("JOBS_HISTORY_RETENTION")) {
            Matcher days = RETENTION.matcher(part);
            int number = days.matches() ? Integer.parseInt(days.group(2)) : 0;
            if (part.equals("dead=keep")) {
                byState.remove("dead");
            } else if (number < 1 || number > RETENTION_DAYS_MAX) {
                env.mistake("JOBS_HISTORY_RETENTION must be days from 1 to " + RETENTION_DAYS_MAX
                        + ", one number or such as 'succeeded=7,cancelled=30,dead=keep'; '" + part + "' is neither");
            } else if (days.group(1) == null) {
                all = Duration.ofDays(number);
            } else {
                byState.put(days.group(1), Duration.ofDays(number));
            }
        }
        Retention defaults = Retention.defaults();
        return new Retention(
                byState.getOrDefault("succeeded", all == null ? defaults.succeeded() : all),
                byState.getOrDefault("cancelled", all == null ? defaults.cancelled() : all),
                Optional.ofNullable(byState.get("dead")));
    }

    private TaskRouter router(Set<Role> roles, ApiConfig api) {
        Map<String, String> own = new HashMap<>(env.map("INTERNAL_GATEWAY_DEVELOPMENT_MAP"));
        own.putAll(env.map("POSTERN_FUNCTIONS"));
        Optional<String> named = env.text("FUNCTION_URL")
                .or(() -> env.text("KNATIVE_SERVICE_URL").map(ConfigReader::knativeTemplate))
                .or(() -> env.text("INTERNAL_GATEWAY_URL"));
        boolean told = !own.isEmpty() || named.isPresent() || !roles.contains(Role.WORKER);
        Optional<String> fallback = told ? named : gateway(roles, api);
        if (!told && fallback.isEmpty()) {
            env.mistake("nothing says where functions live: set FUNCTION_URL, or POSTERN_FUNCTIONS for single tasks");
        }
        return built(
                "FUNCTION_URL, KNATIVE_SERVICE_URL, INTERNAL_GATEWAY_URL or POSTERN_FUNCTIONS",
                null,
                () -> new TaskRouter(own, fallback),
                () -> new TaskRouter(Map.of(), Optional.empty()));
    }

    // The gateway of another process on this machine. This process's own would only ask the same router again, and one
    // with keys wants a token, which workers have none of.
    private static Optional<String> gateway(Set<Role> roles, ApiConfig api) {
        return roles.contains(Role.API) || api.tokens().checked() || api.port() == 0
                ? Optional.empty()
                : Optional.of("http://127.0.0.1:" + api.port() + "/function");
    }

    // Constructive's manifests give a bare cluster domain, its documents a URL.
    private static String knativeTemplate(String value) {
        return value.contains("://") ? value : "http://{task}." + value;
    }

    private <T> T built(String names, @Nullable String found, Supplier<T> real, Supplier<T> standIn) {
        try {
            return real.get();
        } catch (IllegalArgumentException e) {
            env.mistake(names + (found == null ? "" : " ('" + found + "')") + ": " + e.getMessage());
            return standIn.get();
        }
    }
}
