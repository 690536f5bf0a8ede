package dev.postern.service.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.postern.sql.JobDirectory;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Adds a job, or those of a file, and says what became of them. */
@Command(
        name = "add",
        description = {
            "Adds a job and prints its id and whether it was inserted, replaced or deduplicated; with --batch, the jobs"
                    + " of a file, and how many of each.",
            ""
        },
        footer = {
            "",
            "A file has a JSON array of objects, or one object a line, with task, payload, key, key_mode, queue, run_at,"
                    + " max_attempts, priority, actor_id, entity_id, request_id, traceparent. Each "
                    + AddCommand.BATCH + " jobs are a transaction: those before a mistake stay added."
        },
        mixinStandardHelpOptions = true)
final class AddCommand implements Callable<Integer> {

    static final int BATCH = 1_000;

    private static final Set<String> ENDED = Set.of("succeeded", "cancelled", "dead");
    private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

    private final Context context;

    @Parameters(
            index = "0",
            paramLabel = "TASK",
            arity = "0..1",
            description = "The task identifier, such as system-ping.")
    @Nullable
    String task;

    @Parameters(index = "1", paramLabel = "PAYLOAD", arity = "0..1", description = "JSON; {} if left out.")
    @Nullable
    String payload;

    @Option(
            names = "--database-id",
            defaultValue = "00000000-0000-0000-0000-000000000001",
            description = "The tenant; ${DEFAULT-VALUE} if left out.")
    UUID databaseId = new UUID(0, 1);

    @Option(names = "--key", description = "Job key: --key-mode says what becomes of the tenant's job of that key.")
    @Nullable
    String key;

    @Option(
            names = "--key-mode",
            description = "replace (if left out), preserve_run_at (replace, but an untried job keeps its time) or"
                    + " unsafe_dedupe (leave the job that is there alone).")
    @Nullable
    String keyMode;

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

    @Option(names = "--batch", paramLabel = "FILE", description = "Adds the jobs of a file; - is the standard input.")
    @Nullable
    String batch;

    @Option(
            names = "--wait",
            paramLabel = "SECONDS",
            description = "Waits for so long until the job has ended; ends with 0 only when it has succeeded.")
    @Nullable
    Integer wait;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    AddCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        boolean describesOne = task != null
                || key != null
                || keyMode != null
                || queue != null
                || runAt != null
                || maxAttempts != null
                || priority != null
                || wait != null;
        if (batch != null && describesOne) {
            throw new ParameterException(
                    spec.commandLine(), "with --batch the file says everything about its jobs but their --database-id");
        }
        if (batch != null) {
            try (JobFile jobs = new JobFile(open(batch))) {
                return addAll(jobs);
            }
        }
        if (task == null) {
            throw new ParameterException(spec.commandLine(), "name a TASK, or a file of jobs with --batch");
        }
        return addOne(task);
    }

    private int addOne(String identifier) {
        JobDirectory.NewJob job = new JobDirectory.NewJob(
                databaseId,
                identifier,
                payload == null ? "{}" : payload,
                key,
                keyMode,
                queue,
                runAt,
                maxAttempts,
                priority);
        return context.withPool("postern add", (database, pool) -> {
            JobDirectory directory = new JobDirectory(pool, database.schema());
            JobDirectory.Added added = directory.add(job).await();
            say(spec.commandLine().getOut(), added.id() + " " + added.outcome());
            return wait == null ? 0 : awaitEnd(directory, added.id(), Duration.ofSeconds(wait));
        });
    }

    private int awaitEnd(JobDirectory directory, long id, Duration patience) {
        long until = System.nanoTime() + patience.toNanos();
        while (true) {
            JobDirectory.Job found = directory
                    .find(id)
                    .await()
                    .orElseThrow(() -> new IllegalStateException("job " + id + " is gone, and so is its history"));
            if (ENDED.contains(found.state())) {
                boolean succeeded = found.state().equals("succeeded");
                String more = succeeded ? found.result() : found.lastError();
                say(spec.commandLine().getOut(), id + " " + found.state() + (more == null ? "" : " " + more));
                return succeeded ? 0 : 1;
            }
            if (System.nanoTime() > until) {
                throw new IllegalStateException("job " + id + " has not ended within " + patience.toSeconds()
                        + " s, it is " + found.state()
                        + (found.lastError() == null ? "" : " (" + found.lastError() + ")") + "; './postern status "
                        + id + "' says why");
            }
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
    }

    private int addAll(JobFile jobs) {
        return context.withPool("postern add", (database, pool) -> {
            JobDirectory directory = new JobDirectory(pool, database.schema());
            Map<String, Integer> outcomes = new TreeMap<>();
            int before = 0;
            for (ArrayNode next = next(jobs, before); !next.isEmpty(); next = next(jobs, before)) {
                List<JobDirectory.Added> added;
                try {
                    added = directory.addAll(databaseId, next.toString()).await();
                } catch (RuntimeException e) {
                    throw refused(before, e);
                }
                added.forEach(one -> outcomes.merge(one.outcome(), 1, Integer::sum));
                before += next.size();
                say(spec.commandLine().getErr(), before + " jobs");
            }
            StringBuilder counts = new StringBuilder(before + " jobs");
            outcomes.forEach((outcome, count) ->
                    counts.append(", ").append(count).append(' ').append(outcome));
            say(spec.commandLine().getOut(), counts.toString());
            return 0;
        });
    }

    private static ArrayNode next(JobFile jobs, int before) {
        try {
            return jobs.next(BATCH);
        } catch (IllegalArgumentException e) {
            throw refused(before, e);
        }
    }

    // Elements are counted within the batch, so the message says where that begins.
    private static IllegalStateException refused(int before, RuntimeException cause) {
        return new IllegalStateException(
                "the first " + before + " jobs are added, the next batch is not (its element 1 is job " + (before + 1)
                        + "): " + cause.getMessage(),
                cause);
    }

    private static InputStream open(String file) throws IOException {
        return file.equals("-") ? System.in : new FileInputStream(file);
    }

    private static void say(PrintWriter out, String line) {
        out.println(line);
        out.flush();
    }
}
