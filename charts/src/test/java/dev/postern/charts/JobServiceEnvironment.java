package dev.postern.charts;

import java.util.Set;

/** What the job service reads, spelled here a second time: a name that drifts in the chart or the compose file does nothing. */
final class JobServiceEnvironment {

    static final Set<String> NAMES = Set.of(
            "PGHOST",
            "PGPORT",
            "PGUSER",
            "PGPASSWORD",
            "PGDATABASE",
            "DATABASE_URL",
            "DATABASE_LISTEN_URL",
            "JOBS_SCHEMA",
            "JOBS_SUPPORT_ANY",
            "JOBS_SUPPORTED",
            "HOSTNAME",
            "INTERNAL_JOBS_CALLBACK_PORT",
            "INTERNAL_JOBS_CALLBACK_URL",
            "JOBS_CALLBACK_HOST",
            "KNATIVE_SERVICE_URL",
            "INTERNAL_GATEWAY_URL",
            "INTERNAL_GATEWAY_DEVELOPMENT_MAP",
            "FUNCTION_URL",
            "POSTERN_FUNCTIONS",
            "POSTERN_ROLES",
            "POSTERN_HTTP_PORT",
            "POSTERN_CONCURRENCY",
            "POSTERN_LEASE_SECONDS",
            "POSTERN_DRAIN_SECONDS",
            "POSTERN_ATTEMPT_TIMEOUT_SECONDS",
            "POSTERN_RESPONSE_START_TIMEOUT_SECONDS",
            "POSTERN_CALLBACK_LEASE_SECONDS",
            "POSTERN_CALLBACK_LEASE_MAX_SECONDS",
            "POSTERN_API_PORT",
            "POSTERN_API_KEYS",
            "POSTERN_API_RATE",
            "POSTERN_API_ISSUER",
            "POSTERN_API_AUDIENCE",
            "POSTERN_API_TENANT_CLAIM",
            "POSTERN_API_USER_CLAIM",
            "POSTERN_API_PERMISSIONS_CLAIM",
            "POSTERN_MIGRATE");

    private JobServiceEnvironment() {}
}
