package dev.postern.service.cli;

import dev.postern.sql.JobDirectory;
import dev.postern.sql.JobDirectory.Cancelled;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Cancels jobs and says of each what that meant. */
@Command(
        name = "cancel",
        description = "Cancels jobs, for good, whatever their state; 1 when one of them could not be.",
        mixinStandardHelpOptions = true)
final class CancelCommand implements Callable<Integer> {

    private final Context context;

    @Parameters(arity = "1..*", paramLabel = "JOB", description = "Ids of jobs.")
    List<Long> jobIds = List.of();

    @Option(names = "--reason", description = "Why; kept in the history.")
    @Nullable
    String reason;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    CancelCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        return context.withPool("postern cancel", (database, pool) -> {
            JobDirectory directory = new JobDirectory(pool, database.schema());
            Map<Long, Cancelled> cancelled = directory.cancel(jobIds, reason).await().stream()
                    .collect(Collectors.toMap(Cancelled::id, Function.identity()));
            for (long id : new LinkedHashSet<>(jobIds)) {
                Cancelled job = cancelled.get(id);
                out.println(job == null ? notCancelled(directory, id) : words(job));
            }
            out.flush();
            return cancelled.keySet().containsAll(jobIds) ? 0 : 1;
        });
    }

    private static String words(Cancelled job) {
        String before = "job " + job.id() + " (" + job.task() + ") is cancelled; it was ";
        return switch (job.formerState()) {
            case "running" -> before + "running on worker " + job.worker() + ", which is told to stop";
            case "waiting" -> before + "waiting for its function's report, which will be answered 410";
            case "dead" -> before + "a dead letter";
            default -> before + job.formerState() + ", not running";
        };
    }

    private static String notCancelled(JobDirectory directory, long id) {
        return directory
                .find(id)
                .await()
                .map(job -> "job " + id + " (" + job.task() + ") is not cancelled now: it "
                        + (job.state().equals("cancelled") ? "was cancelled at " : "has " + job.state() + " at ")
                        + job.at())
                .orElse("job " + id + " is unknown: it never was, or its history has been dropped");
    }
}
