package dev.postern.service.cli;

import dev.postern.service.local.FreePort;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import dev.postern.worker.WorkerListener;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** Shows the whole path once, on a database and ports of its own, and leaves nothing but the mails and logs. */
@Command(
        name = "demo",
        description = {
            "Adds jobs with SQL and shows each one's path as it happens: mails, a ping, a passport from its bill of materials"
                    + " to its QR code, and an export of what was done.",
            "Starts everything on ports and a database of its own, and leaves. Touches nothing of yours; exit code 0 when"
                    + " all jobs succeeded."
        })
final class DemoCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private static final Map<String, String> OWN = Map.of(
            "POSTERN_POSTGRES_PORT", "0",
            "POSTERN_HTTP_PORT", "0",
            "POSTERN_ROLES", "worker,scheduler,callback",
            "POSTERN_MIGRATE", "true",
            "JOBS_SCHEMA", DatabaseConfig.DEFAULT_SCHEMA,
            "JOBS_SUPPORT_ANY", "true",
            "SEND_EMAIL_LINK_DRY_RUN", "true");

    private static final Set<String> FUNCTIONS = Set.of("export-report", "passport", "send-email-link", "system-ping");

    private static final int PASSPORT_JOBS = 4;
    private static final int JOBS = DemoScript.STATEMENTS.size() + PASSPORT_JOBS + 1;

    private final Context context;
    private final PrintStream out;
    private final CountDownLatch ended = new CountDownLatch(DemoScript.STATEMENTS.size() + PASSPORT_JOBS);
    private final CountDownLatch exported = new CountDownLatch(1);

    /** In the order of their ends; guarded by this. */
    private final List<Long> endedJobs = new ArrayList<>();

    @SuppressWarnings("SystemOut") // What the command says is its result.
    DemoCommand(Context context) {
        this.context = context;
        this.out = System.out;
    }

    @Override
    public Integer call() throws InterruptedException {
        Path data = context.data().resolve("demo");
        deleteTree(data.resolve("postgres"));
        for (String former : List.of("mails", "exports", "passports")) {
            deleteTree(data.resolve(former));
        }
        LocalStack stack = new LocalStack(context, data, out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "shutdown"));
        try {
            stack.start(true, FUNCTIONS, settings(), new Narrator());
            int exitCode = addAndWatch(stack);
            out.println();
            out.println(
                    exitCode == 0
                            ? "All " + JOBS + " jobs succeeded."
                            : "The demo failed; logs are in " + stack.logs() + ".");
            return exitCode;
        } finally {
            stack.close();
            deleteTree(data.resolve("postgres"));
        }
    }

    private static Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>(OWN);
        settings.put("INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any()));
        settings.put("INTERNAL_JOBS_CALLBACK_URL", "");
        return settings;
    }

    private int addAndWatch(LocalStack stack) throws InterruptedException {
        Context.withPool(stack.database(), "postern demo", (database, pool) -> {
            DemoScript.STATEMENTS.forEach(statement -> add(pool, statement));
            out.println();
            out.println(DemoScript.UPLOAD + ";");
            pool.query(DemoScript.UPLOAD).execute().await();
            return true;
        });
        boolean allEnded = ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        Context.withPool(stack.database(), "postern demo", (database, pool) -> {
            pool.query(DemoScript.KEEP_PROGRESS).execute().await();
            return add(pool, DemoScript.EXPORT);
        });
        allEnded &= exported.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (!allEnded) {
            out.println("Not all jobs ended within " + PATIENCE.toSeconds() + " s.");
        }
        boolean succeeded = Context.withPool(stack.database(), "postern demo", (database, pool) -> {
            out.println();
            out.println("What the export told on its way:");
            pool.query("select progress->>'step', progress->>'steps', progress->>'message' from public.demo_progress"
                            + " order by id")
                    .execute()
                    .await()
                    .forEach(row -> out.println(
                            "  step " + row.getString(0) + " of " + row.getString(1) + "  " + row.getString(2)));
            out.println();
            return showEnds(new JobDirectory(pool, database.schema()));
        });
        boolean complete = showFiles("Mails, rendered but not sent", stack.mails())
                & showFiles("The passport, and its QR code", stack.passports())
                & showFiles("The export", stack.exports());
        return allEnded && succeeded && complete ? 0 : 1;
    }

    private boolean showFiles(String title, Path directory) {
        List<Path> files = files(directory);
        out.println();
        out.println(title + ":");
        files.forEach(file -> out.println("  " + file));
        if (files.isEmpty()) {
            out.println("  none: nothing was saved in " + directory);
        }
        return !files.isEmpty();
    }

    private boolean add(Pool pool, String statement) {
        out.println();
        out.println(statement + ";");
        Row row = pool.query(statement).execute().await().iterator().next();
        tell(row.getLong(0), "added", "committed in app_jobs.jobs");
        return true;
    }

    private synchronized boolean showEnds(JobDirectory directory) {
        boolean succeeded = endedJobs.size() == JOBS;
        for (long id : endedJobs.stream().sorted().toList()) {
            var job = directory.find(id).await();
            String state = job.map(JobDirectory.Job::state).orElse("lost");
            out.println("  job " + id + "  " + job.map(JobDirectory.Job::task).orElse("?") + "  " + state + "  "
                    + job.map(JobDirectory.Job::result).orElse("") + "  "
                    + job.map(JobDirectory.Job::lastError).orElse(""));
            succeeded &= state.equals("succeeded");
        }
        return succeeded;
    }

    /** A dead letter ends the waiting: what should have followed it will not come. */
    private synchronized void over(ClaimedJob job, boolean dead) {
        endedJobs.add(job.attempt().jobId());
        CountDownLatch latch = job.task().equals("export-report") ? exported : ended;
        latch.countDown();
        while (dead && latch.getCount() > 0) {
            latch.countDown();
        }
    }

    private synchronized void tell(long job, String step, String what) {
        out.printf("  job %-4d %-10s %s%n", job, step, what);
    }

    /** Prints the worker's steps; called on its event loop. */
    private final class Narrator implements WorkerListener {

        @Override
        public void claimed(String workerId, List<ClaimedJob> jobs, Duration took) {
            for (ClaimedJob job : jobs) {
                tell(
                        job.attempt().jobId(),
                        "claimed",
                        "by " + workerId + ", attempt " + job.attempt().number() + " of " + job.maxAttempts());
            }
        }

        @Override
        public void dispatched(ClaimedJob job, Optional<URI> url) {
            tell(
                    job.attempt().jobId(),
                    "dispatched",
                    "to " + url.map(URI::toString).orElse("nowhere"));
        }

        @Override
        public void answered(ClaimedJob job, int status, Duration took) {
            tell(
                    job.attempt().jobId(),
                    "answered",
                    (status == 0 ? "not at all" : "HTTP " + status) + " in " + took.toMillis() + " ms");
        }

        @Override
        public void ended(ClaimedJob job, Outcome outcome, Verdict verdict) {
            tell(
                    job.attempt().jobId(),
                    "outcome",
                    outcome.getClass().getSimpleName().toLowerCase(Locale.ROOT) + ", "
                            + verdict.name().toLowerCase(Locale.ROOT));
            if (outcome instanceof Outcome.Complete || outcome instanceof Outcome.Dead) {
                over(job, outcome instanceof Outcome.Dead);
            }
        }
    }

    private static List<Path> files(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new IllegalStateException("cannot list " + directory + ": " + e.getMessage(), e);
        }
    }

    private static void deleteTree(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot delete " + directory + ": " + e.getMessage(), e);
        }
    }
}
