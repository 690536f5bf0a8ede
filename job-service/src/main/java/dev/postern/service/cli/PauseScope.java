package dev.postern.service.cli;

import dev.postern.sql.JobLimits.Scope;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options by which commands name what is paused. */
final class PauseScope {

    @Option(names = "--task", paramLabel = "TASK", description = "This task, for all tenants.")
    @Nullable
    String task;

    @Option(names = "--tenant", paramLabel = "UUID", description = "This tenant; with --queue that queue of it.")
    @Nullable
    UUID tenant;

    @Option(names = "--queue", paramLabel = "QUEUE", description = "This queue of the tenant.")
    @Nullable
    String queue;

    /** Whether it is not exactly a task, a tenant, or a queue of a tenant. */
    boolean unclear() {
        return (task == null) == (tenant == null) || (queue != null && tenant == null);
    }

    Scope scope() {
        return new Scope(task, tenant, queue);
    }
}
