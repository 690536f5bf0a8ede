package dev.postern.service.cli;

import dev.postern.sql.JobDirectory;
import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Adds a job and prints its id. */
@Command(name = "add", description = "Adds a job by add_job and prints its id.", mixinStandardHelpOptions = true)
final class AddCommand implements Callable<Integer> {

    private final Context context;

    @Parameters(index = "0", paramLabel = "TASK", description = "The task identifier, such as system-ping.")
    String task = "";

    @Parameters(
            index = "1",
            paramLabel = "PAYLOAD",
            arity = "0..1",
            defaultValue = "{}",
            description = "JSON; {} if left out.")
    String payload = "{}";

    @Option(
            names = "--database-id",
            defaultValue = "00000000-0000-0000-0000-000000000001",
            description = "The tenant; ${DEFAULT-VALUE} if left out.")
    UUID databaseId = new UUID(0, 1);

    @Option(names = "--key", description = "Job key: replaces the tenant's job with the same key.")
    @Nullable
    String key;

    @Option(names = "--queue", description = "Queue whose jobs run one at a time.")
    @Nullable
    String queue;

    @Option(names = "--run-at", description = "RFC 3339 time before which it does not run.")
    @Nullable
    OffsetDateTime runAt;

    @Option(names = "--max-attempts", description = "Attempt after which the trying ends; 25 if left out.")
    @Nullable
    Integer maxAttempts;

    @Option(names = "--priority", description = "Lower goes first; 0 if left out.")
    @Nullable
    Integer priority;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    AddCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        long id = context.withPool(
                "postern add",
                (database, pool) -> new JobDirectory(pool, database.schema())
                        .add(new JobDirectory.NewJob(
                                databaseId, task, payload, key, queue, runAt, maxAttempts, priority))
                        .await());
        PrintWriter out = spec.commandLine().getOut();
        out.println(id);
        out.flush();
        return 0;
    }
}
