package dev.postern.service.config;

import java.util.List;

/**
 * One environment variable.
 *
 * @param name its name
 * @param fallback what holds when it is not set, in words where it is computed
 * @param secret whether its value is masked wherever it is shown
 * @param meaning what it does, its unit and its smallest sane value, in a sentence or two
 */
public record Setting(String name, String fallback, boolean secret, String meaning) {

    /** All settings, in the order in which people meet them. docs/configuration.md is this list. */
    public static final List<Setting> ALL = List.of(
            open(
                            "DATABASE_URL",
                            "from PG*",
                            "Where the database is: `postgres://user:password@host:port/database?sslmode=require`. Stands before the PG* variables. May lead to a transaction pooler: see POSTERN_POOLER.")
                    .masked(),
            open(
                            "DATABASE_LISTEN_URL",
                            "DATABASE_URL",
                            "A direct connection for LISTEN and migrations, where DATABASE_URL leads to a transaction pooler.")
                    .masked(),
            open(
                    "POSTERN_POOLER",
                    "true with `?pgbouncer=true` in DATABASE_URL, or when DATABASE_LISTEN_URL names another host, port or database; else false",
                    "Whether a transaction pooler stands before the database: statements are then sent without names. See [Behind a pooler](operations.md#behind-a-pooler)."),
            open(
                    "PGHOST",
                    "localhost",
                    "Database host; any of PGHOST, PGUSER, PGDATABASE or DATABASE_URL says that a database is configured."),
            open("PGPORT", "5432", "Database port."),
            open("PGUSER", "postgres", "Database role."),
            open("PGPASSWORD", "empty", "Its password.").masked(),
            open("PGDATABASE", "postgres", "Database name."),
            open(
                    "PGSSLMODE",
                    "prefer",
                    "`disable`, `prefer`, `require` or `verify-full` (checked against Java's trust store)."),
            open("JOBS_SCHEMA", "app_jobs", "Schema of the jobs; a plain lower-case identifier."),
            open(
                    "POSTERN_POOL_SIZE",
                    "6",
                    "Connections for statements, at least 1; the API takes as many of its own, LISTEN up to two more."),
            open(
                    "POSTERN_MIGRATE",
                    "true",
                    "Whether `serve` brings the schema up to date before it starts; `false` only checks it."),
            open("POSTERN_ROLES", "worker,scheduler,callback,api", "What this process does, comma-separated."),
            open(
                    "HOSTNAME",
                    "the machine's name",
                    "First part of the worker's id; a random incarnation follows, so two processes never share one."),
            open(
                    "JOBS_SUPPORT_ANY",
                    "true, or false when JOBS_SUPPORTED is set",
                    "Whether the worker takes every task."),
            open("JOBS_SUPPORTED", "empty", "The task identifiers it takes otherwise, comma-separated."),
            open(
                    "POSTERN_CONCURRENCY",
                    "64",
                    "Calls of functions under way at most, at least 1. More for slow functions."),
            open(
                    "POSTERN_LEASE_SECONDS",
                    "30",
                    "How long a claim lasts unless renewed (at a third of it), at least 1. A lost worker is noticed after this plus 1 s."),
            open(
                    "POSTERN_POLL_SECONDS",
                    "15",
                    "Longest sleep between claims, 1 to 60; notifications and due times wake earlier. Without notifications the sleep begins at 100 ms and grows to this while there is nothing to do."),
            open("POSTERN_CONNECT_TIMEOUT_SECONDS", "5", "Until a connection to a function stands, at least 1."),
            open(
                    "POSTERN_RESPONSE_START_TIMEOUT_SECONDS",
                    "300",
                    "Until a function's status line has come, at least 1; a cold start falls into it."),
            open(
                    "POSTERN_ATTEMPT_TIMEOUT_SECONDS",
                    "300",
                    "Until a function's answer is complete, at least 1. Longer work answers 202."),
            open(
                    "POSTERN_PROTECT_TARGETS",
                    "true",
                    "Whether a function that fails, is overloaded or asks for a pause gets fewer jobs, or none for a while; `false` sends whatever is due."),
            open(
                            "POSTERN_SIGNING_SECRET",
                            "none: nothing is signed",
                            "Secrets that dispatches are signed with by Standard Webhooks, with blanks or commas between them; each is `whsec_` and the Base64 of 24 to 64 random bytes. Functions on the runtime that have one of them refuse what is not signed. See [Signatures](protocol.md#signatures).")
                    .masked(),
            open(
                    "POSTERN_CLOUDEVENTS",
                    "false",
                    "Whether dispatches carry the `ce-` headers of a CloudEvent in binary mode."),
            open(
                    "POSTERN_CALLBACK_LEASE_SECONDS",
                    "300",
                    "How long a function that answered 202 may be silent, at least 1."),
            open(
                    "POSTERN_CALLBACK_LEASE_MAX_SECONDS",
                    "3600",
                    "The most that such a function may ask for by X-Job-Lease-Seconds."),
            open(
                    "POSTERN_DRAIN_SECONDS",
                    "25",
                    "How long SIGTERM waits for jobs in flight before they are given back; keep it below the pod's grace period."),
            open(
                    "FUNCTION_URL",
                    "KNATIVE_SERVICE_URL; where nothing says where functions live, no POSTERN_API_KEYS are set and the process has no role api: `http://127.0.0.1:POSTERN_API_PORT/function`",
                    "Where functions live: a base that the task is appended to, or a template with `{task}` in it. The last default is the [gateway](api.md#call-a-function) of another process on this machine."),
            open(
                    "KNATIVE_SERVICE_URL",
                    "INTERNAL_GATEWAY_URL",
                    "As FUNCTION_URL; a bare domain `ns.svc.cluster.local` means `http://{task}.ns.svc.cluster.local`."),
            open("INTERNAL_GATEWAY_URL", "none", "As FUNCTION_URL, Constructive's older name."),
            open("POSTERN_FUNCTIONS", "{}", "JSON object from task to URL; stands before FUNCTION_URL."),
            open("INTERNAL_GATEWAY_DEVELOPMENT_MAP", "{}", "As POSTERN_FUNCTIONS, Constructive's name."),
            open("INTERNAL_JOBS_CALLBACK_PORT", "12345", "Port of the callback server."),
            open(
                    "INTERNAL_JOBS_CALLBACK_URL",
                    "http://JOBS_CALLBACK_HOST:INTERNAL_JOBS_CALLBACK_PORT/callback",
                    "The address that functions reach it by; without a path, /callback is meant."),
            open("JOBS_CALLBACK_HOST", "jobs-callback", "Host in that address when it is not given as a whole."),
            open("POSTERN_API_PORT", "8070", "Port of the [HTTP API](api.md); 0 takes any that is free."),
            open(
                    "POSTERN_API_KEYS",
                    "none: the API serves programs on this machine only",
                    "Whose tokens the API takes: files (a JWK set, a PEM public key, or a secret of at least 32 bytes) and URLs of JWK sets, comma-separated. Read again every five minutes, and when a token names a key that is not among them."),
            open(
                    "POSTERN_API_HOST",
                    "POSTERN_BIND_HOST; without POSTERN_API_KEYS 127.0.0.1",
                    "Address that the API listens on. Without keys only a loopback one is taken."),
            open(
                    "POSTERN_API_RATE",
                    "100",
                    "Requests a second that one tenant may send to this process in the long run, twice as many at once; 0 for any number."),
            open(
                    "POSTERN_API_CALL_SECONDS",
                    "60",
                    "How long a call through the [gateway](api.md#call-a-function) may take, 1 to 3600; POSTERN_ATTEMPT_TIMEOUT_SECONDS if that is less. Of POSTERN_CONCURRENCY such calls at once one tenant may have half."),
            open(
                    "POSTERN_API_ORIGINS",
                    "none",
                    "Origins whose web pages may call the API from a browser (CORS), comma-separated: `https://app.example.com`. Without keys only pages of this machine are served, whatever it says."),
            open("POSTERN_API_ISSUER", "any", "What a token's `iss` must be."),
            open("POSTERN_API_AUDIENCE", "any", "What a token's `aud` must be or contain."),
            open("POSTERN_API_TENANT_CLAIM", "database_id", "The token's claim with the tenant, a uuid."),
            open(
                    "POSTERN_API_USER_CLAIM",
                    "sub",
                    "The token's claim with the user. A uuid is the actor's id as it is; any other name gets one of its own within the tenant."),
            open(
                    "POSTERN_API_PERMISSIONS_CLAIM",
                    "permissions",
                    "The token's claim with the permissions: an array, or a string with blanks between them."),
            open(
                    "POSTERN_API_URL",
                    "none",
                    "Address of an HTTP API that commands ask: `jobs` (without it the one on this machine), and then also `dead-letters`, `replay` and `schedules`, which work on the database otherwise."),
            open("POSTERN_API_TOKEN", "none", "The token that commands show to it.")
                    .masked(),
            open(
                    "JOBS_HISTORY_RETENTION",
                    "7",
                    "Days that finished jobs are kept, at least 1; or per state, as in `succeeded=7,cancelled=30,dead=90`. Dead letters are kept for ever unless `dead` says otherwise (`dead=keep`)."),
            open(
                    "POSTERN_LISTEN",
                    "true",
                    "Whether worker and scheduler listen for notifications; `false` only polls."),
            open(
                    "POSTERN_HTTP_PORT",
                    "8081",
                    "Port of /healthz, /readyz, /startupz and /metrics; 0 takes any that is free."),
            open(
                    "POSTERN_BIND_HOST",
                    "0.0.0.0",
                    "Address that the servers listen on; `./postern up` and `demo` use 127.0.0.1."),
            open(
                    "POSTERN_METRICS_TENANTS",
                    "0",
                    "How many tenants have gauges of their own in /metrics, those with most to do, at most 1000. 0: none, and no label names a tenant."),
            open(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "none: no traces",
                    "A collector that takes spans by OTLP over HTTP, such as `http://collector:4318`. See [Traces](observability.md#traces)."),
            open(
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                    "OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces",
                    "The collector's whole URL for spans."),
            open("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "Nothing else is spoken."),
            open(
                            "OTEL_EXPORTER_OTLP_HEADERS",
                            "none",
                            "Headers for the collector, such as a key: name=value pairs with commas between them, values percent-encoded.")
                    .masked(),
            open("OTEL_SERVICE_NAME", "postern", "The name that the spans are shown under."),
            open("POSTERN_LOG", "json for serve and migrate, else text", "`json` or `text`."),
            open("POSTERN_LOG_LEVEL", "info", "`error`, `warn`, `info` or `debug`."),
            open("POSTERN_DATA", ".postern beside the launcher", "Where `./postern up` keeps its Postgres and mails."),
            open("POSTERN_POSTGRES_PORT", "5433", "Port of that Postgres; another one is taken when it is busy."));

    private static Setting open(String name, String fallback, String meaning) {
        return new Setting(name, fallback, false, meaning);
    }

    private Setting masked() {
        return new Setting(name, fallback, true, meaning);
    }

    /** The catalogue as the Markdown page docs/configuration.md. */
    public static String markdown() {
        StringBuilder page = new StringBuilder();
        page.append("# Configuration\n\n")
                .append("Environment variables, nothing else. `./postern settings --markdown` writes this page; a test")
                .append(
                        " fails when they differ.\nA mistake in any of them is reported with all others before anything")
                .append(" starts; the effective values are logged at\nstart, secrets masked.\n\n")
                .append("| variable | when not set | meaning |\n|---|---|---|\n");
        for (Setting setting : ALL) {
            page.append("| `")
                    .append(setting.name())
                    .append("` | ")
                    .append(setting.fallback())
                    .append(" | ")
                    .append(setting.meaning())
                    .append(" |\n");
        }
        return page.toString();
    }
}
