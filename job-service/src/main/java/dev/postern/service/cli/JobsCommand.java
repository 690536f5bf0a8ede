package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.service.client.ApiClient;
import dev.postern.service.client.ApiFailure;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** Jobs over the HTTP API: what a caller of it may see and do, with no database at hand. */
@Command(
        name = "jobs",
        description = {
            "Lists, shows, watches, adds, cancels and retries jobs over the HTTP API.",
            "Without an address it is the API that './postern up' runs on this machine."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:done",
            "1:not possible, such as to cancel what has ended",
            "2:misused",
            "5:there is no such job",
            "6:the API refuses the caller",
            "7:the API is not there, or asks to come back later"
        },
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class JobsCommand implements Runnable {

    /** What the API gives at once. */
    private static final int PAGE = 100;

    private final Context context;

    @Mixin
    ApiOptions api = new ApiOptions();

    @Option(
            names = "--database-id",
            paramLabel = "UUID",
            scope = ScopeType.INHERIT,
            description = "The tenant, where no token says it; the one that './postern add' adds for if left out.")
    @Nullable
    UUID databaseId;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    JobsCommand(Context context) {
        this.context = context;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to do with them, such as 'list'");
    }

    ApiClient open() {
        return api.open(context, databaseId, null);
    }

    @Command(name = "list", description = "Lists jobs, the newest first.", mixinStandardHelpOptions = true)
    int list(
            @Mixin JobFilter filter,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "25",
                            description = "How many at most; ${DEFAULT-VALUE} if left out.")
                    int limit,
            @Option(names = "--json", description = "All of each, a JSON object a line.") boolean json) {
        if (limit < 1) {
            throw new ParameterException(spec.commandLine(), "--limit must be at least 1, is " + limit);
        }
        PrintWriter out = out();
        try (ApiClient client = open()) {
            List<JsonNode> jobs = new ArrayList<>();
            // One more than is shown, to know whether there are more.
            boolean more = pages(client, "/v1/jobs", "jobs", filter.query(), limit, jobs);
            if (json) {
                jobs.forEach(job -> out.println(job.toString()));
            } else if (jobs.isEmpty()) {
                out.println("no jobs");
            } else {
                JobLines.table(jobs, out);
                if (more) {
                    out.println("and more; --limit shows them");
                }
            }
        }
        out.flush();
        return 0;
    }

    /** Reads a list of the API page by page; whether there may be more than the limit. */
    static boolean pages(
            ApiClient client, String path, String member, Map<String, String> filter, int limit, List<JsonNode> into) {
        Map<String, String> query = new HashMap<>(filter);
        while (true) {
            query.put("pageSize", Integer.toString(Math.min(PAGE, limit - into.size())));
            JsonNode page = client.get(path, query);
            page.path(member).forEach(into::add);
            String next = page.path("nextCursor").asText("");
            boolean more = page.path("nextCursor").isTextual();
            if (!more || into.size() >= limit) {
                return more;
            }
            query.put("cursor", next);
        }
    }

    @Command(name = "show", description = "Shows one job.", mixinStandardHelpOptions = true)
    int show(
            @Parameters(paramLabel = "JOB", description = "The job's id.") long jobId,
            @Option(names = "--json", description = "As the API answers.") boolean json) {
        PrintWriter out = out();
        try (ApiClient client = open()) {
            JsonNode status = client.get("/v1/jobs/" + jobId + "/status", Map.of());
            if (json) {
                out.println(status);
            } else {
                JobLines.details(status, out);
            }
        }
        out.flush();
        return 0;
    }

    @Command(name = "add", description = "Adds a job and prints its id.", mixinStandardHelpOptions = true)
    int add(
            @Parameters(index = "0", paramLabel = "TASK", description = "The task identifier, such as system-ping.")
                    String task,
            @Parameters(index = "1", arity = "0..1", paramLabel = "PAYLOAD", description = "JSON; {} if left out.")
                    @Nullable
                    String payload,
            @Option(names = "--key", description = "Job key; a job that has it already stays and stands for this one.")
                    @Nullable
                    String key,
            @Option(names = "--queue", description = "Queue whose jobs run one at a time.") @Nullable String queue,
            @Option(names = "--run-at", description = "RFC 3339 time before which it does not run.") @Nullable
                    String runAt,
            @Option(names = "--max-attempts", description = "Attempt after which the trying ends; 4 if left out.")
                    @Nullable
                    Integer maxAttempts,
            @Option(names = "--priority", description = "Lower goes first; 0 if left out.") @Nullable
                    Integer priority) {
        ObjectNode body = ApiClient.object().put("jobType", task);
        try {
            body.set("payload", ApiClient.parsed(payload == null ? "{}" : payload));
        } catch (IllegalArgumentException e) {
            spec.commandLine().getErr().println("postern: the payload is no JSON: " + e.getMessage());
            return 2;
        }
        put(body, "dedupeKey", key);
        put(body, "queue", queue);
        put(body, "runAt", runAt);
        if (maxAttempts != null) {
            body.put("maxRetries", maxAttempts - 1);
        }
        if (priority != null) {
            body.put("priority", priority);
        }
        try (ApiClient client = open()) {
            JsonNode added = client.post("/v1/jobs", body);
            out().println(JobLines.text(added, "jobId") + " " + JobLines.text(added, "outcome"));
        }
        out().flush();
        return 0;
    }

    private static void put(ObjectNode body, String name, @Nullable String value) {
        if (value != null) {
            body.put(name, value);
        }
    }

    @Command(
            name = "cancel",
            description = {"Cancels jobs that have not ended, for good.", "Name them by id or by options, or say --all."
            },
            mixinStandardHelpOptions = true)
    int cancel(
            @Parameters(arity = "0..*", paramLabel = "JOB", description = "Ids of jobs.") @Nullable List<Long> jobIds,
            @Mixin JobFilter filter,
            @Option(names = "--all", description = "All that have not ended.") boolean all,
            @Option(names = "--dry-run", description = "Only say how many it would be; with options or --all.")
                    boolean dryRun,
            @Option(names = "--reason", description = "Why; kept with the job.") @Nullable String reason) {
        List<Long> ids = jobIds == null ? List.of() : jobIds;
        boolean byFilter = all || !filter.namesNone();
        if (byFilter == !ids.isEmpty() || (all && !filter.namesNone()) || (dryRun && !byFilter)) {
            throw new ParameterException(
                    spec.commandLine(), "name the jobs to cancel by id, or by options such as --task, or say --all");
        }
        ObjectNode body = ApiClient.object();
        put(body, "reason", reason);
        if (!byFilter) {
            return each(ids, "/cancel", body, "cancelled");
        }
        try (ApiClient client = open()) {
            long number = all(client, "/v1/jobs/cancel", filter.into(body).put("dryRun", dryRun));
            out().println((dryRun ? "would cancel " : "cancelled ") + number + (number == 1 ? " job" : " jobs"));
        }
        out().flush();
        return 0;
    }

    /** Repeats an action on many until none is left; how many it was done to, or in a dry run would be. */
    static long all(ApiClient client, String path, ObjectNode body) {
        long total = 0;
        Set<String> seen = new HashSet<>();
        while (true) {
            JsonNode done = client.post(path, body);
            total += done.path("count").asLong();
            // A replayed job may have died again meanwhile; it is not replayed for ever.
            boolean onlyNew = true;
            for (JsonNode id : done.path("jobIds")) {
                onlyNew &= seen.add(id.asText());
            }
            boolean more = done.path("more").asBoolean() && done.path("count").asLong() > 0;
            if (done.path("dryRun").asBoolean() || !more || !onlyNew) {
                return total;
            }
        }
    }

    @Command(
            name = "retry",
            description = "Tries failed jobs again whose retries are not used up; './postern replay' does it to any.",
            mixinStandardHelpOptions = true)
    int retry(@Parameters(arity = "1..*", paramLabel = "JOB", description = "Ids of jobs.") List<Long> jobIds) {
        return each(jobIds, "/retry", null, "tried again");
    }

    // Each is done for itself; the code is that of the first that could not be.
    private int each(List<Long> jobIds, String action, @Nullable ObjectNode body, String done) {
        int code = 0;
        try (ApiClient client = open()) {
            for (long jobId : new LinkedHashSet<>(jobIds)) {
                try {
                    client.post("/v1/jobs/" + jobId + action, body);
                    out().println("job " + jobId + " is " + done);
                } catch (ApiFailure failure) {
                    if (!failure.ofOne()) {
                        throw failure;
                    }
                    String hint = action.equals("/retry") && failure.text().contains("retries are used up")
                            ? "; './postern replay " + jobId + "' starts it over"
                            : "";
                    spec.commandLine().getErr().println("postern: job " + jobId + ": " + failure.text() + hint);
                    code = code == 0 ? failure.kind().exitCode() : code;
                }
                out().flush();
            }
        }
        return code;
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
