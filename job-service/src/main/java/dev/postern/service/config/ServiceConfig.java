package dev.postern.service.config;

import dev.postern.api.ApiConfig;
import dev.postern.callback.CallbackConfig;
import dev.postern.scheduler.SchedulerConfig;
import dev.postern.sql.DatabaseConfig;
import dev.postern.worker.TaskRouter;
import dev.postern.worker.WorkerConfig;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Everything the process needs to know.
 *
 * @param roles what it does
 * @param database for statements
 * @param listenDatabase a direct connection, for LISTEN and migrations
 * @param migrate whether to bring the schema up to date at start
 * @param listen whether worker and scheduler listen for notifications
 * @param worker the worker's part
 * @param router where functions live
 * @param callback the callback server's part
 * @param scheduler the scheduler's part
 * @param api the API server's part
 * @param bindHost address of the probes' and metrics' server
 * @param httpPort its port
 * @param drain how long jobs in flight are waited for at the end
 * @param telemetry what it tells about itself beside the usual metrics
 */
public record ServiceConfig(
        Set<Role> roles,
        DatabaseConfig database,
        DatabaseConfig listenDatabase,
        boolean migrate,
        boolean listen,
        WorkerConfig worker,
        TaskRouter router,
        CallbackConfig callback,
        SchedulerConfig scheduler,
        ApiConfig api,
        String bindHost,
        int httpPort,
        Duration drain,
        Telemetry telemetry) {

    /** Copies the roles in. */
    public ServiceConfig {
        roles = Set.copyOf(roles);
    }

    /**
     * What the process tells about itself beside the usual metrics.
     *
     * @param tenants how many tenants have gauges of their own, those with most to do; 0 for none
     * @param traces where spans go; empty for nowhere
     */
    public record Telemetry(int tenants, Optional<TraceExport> traces) {}

    /**
     * Where spans go.
     *
     * @param url of the collector's receiver for traces
     * @param service the name that the spans are shown under
     * @param headers sent with each request, such as a key
     */
    public record TraceExport(URI url, String service, Map<String, String> headers) {

        /** Copies the headers. */
        public TraceExport {
            headers = Map.copyOf(headers);
        }

        /** Without the headers: they hold keys. */
        @Override
        public String toString() {
            return service + " to " + url.getHost();
        }
    }

    /** What a process can do; each may run in a process of its own. */
    public enum Role {
        /** Claims and dispatches. */
        WORKER,
        /** Runs schedules, takes back expired leases, prunes history. */
        SCHEDULER,
        /** Takes functions' reports. */
        CALLBACK,
        /** Serves the HTTP API. */
        API
    }
}
