package dev.postern.service.cli;

import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.JobLimits;
import dev.postern.sql.Progress;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows where jobs stand, or one job. */
@Command(
        name = "status",
        description =
                "Shows how many jobs are in which state and what limits them, or one job: why it is not running, and its"
                        + " failed attempts.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {

    private static final List<String> STATES =
            List.of("scheduled", "ready", "running", "waiting", "retrying", "dead", "succeeded", "cancelled");

    private final Context context;

    @Parameters(index = "0", arity = "0..1", paramLabel = "JOB", description = "Id of one job.")
    @Nullable
    Long jobId;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    StatusCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        return context.withPool("postern status", (database, pool) -> {
            JobDirectory directory = new JobDirectory(pool, database.schema());
            int exitCode = jobId == null ? overview(directory, database, out) : job(directory, jobId, out);
            if (jobId == null) {
                limits(new JobLimits(pool, database.schema()), out);
            }
            out.flush();
            return exitCode;
        });
    }

    private static int overview(JobDirectory directory, DatabaseConfig database, PrintWriter out) {
        Map<String, Map<String, Long>> byTask = new TreeMap<>();
        List<JobDirectory.Count> counts = new ArrayList<>(directory.counts().await());
        counts.addAll(directory.endedCounts().await());
        for (JobDirectory.Count count : counts) {
            byTask.computeIfAbsent(count.task(), task -> new TreeMap<>()).put(count.state(), count.jobs());
        }
        out.println(database);
        if (byTask.isEmpty()) {
            out.println("no jobs, and none ended in the last day");
        } else {
            table(byTask, out);
        }
        double oldest = directory.oldestReadySeconds().await();
        if (oldest > 0) {
            out.printf("oldest ready job: due for %.1f s%n", oldest);
        }
        WorkerLines.of(directory.workers().await()).forEach(out::println);
        return 0;
    }

    private static void table(Map<String, Map<String, Long>> byTask, PrintWriter out) {
        int width = byTask.keySet().stream().mapToInt(String::length).max().orElse(4);
        out.print(pad("task", width));
        STATES.forEach(state -> out.print(String.format(" %10s", state)));
        out.println();
        byTask.forEach((task, counts) -> {
            out.print(pad(task, width));
            STATES.forEach(state -> out.print(String.format(" %10d", counts.getOrDefault(state, 0L))));
            out.println();
        });
        out.println("(succeeded and cancelled: of the last day)");
    }

    private static void limits(JobLimits limits, PrintWriter out) {
        for (JobLimits.Limit limit : limits.limits().await()) {
            JobLimits.Pause pause = limit.pause();
            if (pause != null) {
                out.println("paused: " + limit.scope() + ", by " + pause.by() + " since " + pause.at());
            }
            List<String> parts = new ArrayList<>();
            if (limit.maxRunning() != null) {
                parts.add("at most " + limit.maxRunning() + " running");
            }
            if (limit.ratePerSecond() != null) {
                parts.add(plain(limit.ratePerSecond()) + " starts a second"
                        + (limit.burst() == null ? "" : ", " + limit.burst() + " at once"));
            }
            if (limit.weight() != null) {
                parts.add("weight " + plain(limit.weight()));
            }
            if (!parts.isEmpty()) {
                boolean everybody = JobLimits.EVERY_TENANT.equals(limit.scope().tenant());
                out.println("limit: " + (everybody ? "each tenant" : limit.scope()) + ": " + String.join(", ", parts));
            }
        }
        for (JobLimits.PriorityClass priorities : limits.priorityClasses().await()) {
            out.println("priority class: " + priorities.name() + ", up to " + priorities.upTo() + ", weight "
                    + plain(priorities.weight()));
        }
    }

    private static String plain(Number number) {
        return new BigDecimal(number.toString()).stripTrailingZeros().toPlainString();
    }

    private static int job(JobDirectory directory, long id, PrintWriter out) {
        var found = directory.find(id).await();
        if (found.isEmpty()) {
            out.println("no job " + id + ": it never was, or its history has been dropped");
            return 1;
        }
        JobDirectory.Job job = found.get();
        out.println("job " + job.id() + "  task " + job.task() + "  " + job.state());
        out.println("  attempts  " + job.attempts() + " of " + job.maxAttempts()
                + (job.infraFailures() > 0 ? ", and " + job.infraFailures() + " infrastructure failures" : ""));
        for (JobDirectory.Reason reason : directory.explain(id).await()) {
            String until = reason.until() == null ? "" : ", until " + reason.until();
            out.println("  " + pad("why", 9) + " " + reason.reason() + ": " + reason.detail() + until);
        }
        out.println("  run at    " + job.runAt());
        out.println("  changed   " + job.at());
        line(out, "worker", job.worker());
        line(out, "progress", words(job.progress()));
        line(out, "result", job.result());
        line(out, "cancelled", cancelled(job));
        line(out, "error", job.lastError());
        for (Object entry : new JsonArray(job.errors())) {
            if (entry instanceof JsonObject error) {
                out.println("    " + error.getString("at") + "  attempt " + error.getValue("attempt") + "  "
                        + error.getString("outcome") + "  " + error.getString("error"));
            }
        }
        return 0;
    }

    private static @Nullable String words(JobDirectory.@Nullable ReportedProgress reported) {
        if (reported == null) {
            return null;
        }
        Progress progress = reported.progress();
        List<String> parts = new ArrayList<>();
        if (progress.percent() != null) {
            parts.add(plain(progress.percent()) + " %");
        }
        if (progress.step() != null) {
            parts.add("step " + progress.step() + " of " + progress.steps());
        }
        String far = String.join(", ", parts);
        String message = progress.message() == null ? "" : progress.message();
        return far + (far.isEmpty() || message.isEmpty() ? "" : ": ") + message + " (at " + reported.at() + ")";
    }

    private static @Nullable String cancelled(JobDirectory.Job job) {
        if (job.cancelledBy() == null) {
            return null;
        }
        return "by " + job.cancelledBy() + (job.cancelReason() == null ? "" : ": " + job.cancelReason());
    }

    private static void line(PrintWriter out, String name, @Nullable String value) {
        if (value != null) {
            out.println("  " + pad(name, 9) + " " + value);
        }
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }
}
