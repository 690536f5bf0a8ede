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
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** Shows the whole path once, on a database and ports of its own, and leaves nothing but the mails and logs. */
@Command(
        name = "demo",
        description = {
            "Adds four jobs with SQL and shows each one's path as it happens.",
            "Starts everything on ports and a database of its own, and leaves. Touches nothing of yours; exit code 0 when"
                    + " all jobs succeeded."
        })
final class DemoCommand implements Callable<Integer> {

    private static final String TENANT = "00000000-0000-0000-0000-000000000001";
    private static final String SENDER = "00000000-0000-0000-0000-000000000002";
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private static final Map<String, String> OWN = Map.of(
            "POSTERN_POSTGRES_PORT", "0",
            "POSTERN_HTTP_PORT", "0",
            "POSTERN_ROLES", "worker,scheduler,callback",
            "POSTERN_MIGRATE", "true",
            "JOBS_SCHEMA", DatabaseConfig.DEFAULT_SCHEMA,
            "JOBS_SUPPORT_ANY", "true",
            "SEND_EMAIL_LINK_DRY_RUN", "true");

    private static final List<String> STATEMENTS = List.of(
            """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',   'invite_email',
                'email',        'user@example.com',
                'invite_token', 'invite-token-123',
                'sender_id',    '%s'
              )::json
            )""".formatted(TENANT, SENDER), """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',  'forgot_password',
                'email',       'user@example.com',
                'user_id',     '%s',
                'reset_token', 'reset-token-123'
              )::json
            )""".formatted(TENANT, SENDER), """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',         'email_verification',
                'email',              'user@example.com',
                'email_id',           gen_random_uuid(),
                'verification_token', 'verify-token-123'
              )::json
            )""".formatted(TENANT), """
            select id from app_jobs.add_job('%s'::uuid, 'system-ping')""".formatted(TENANT));

    private final Context context;
    private final PrintStream out;
    private final CountDownLatch ended = new CountDownLatch(STATEMENTS.size());

    @SuppressWarnings("SystemOut") // What the command says is its result.
    DemoCommand(Context context) {
        this.context = context;
        this.out = System.out;
    }

    @Override
    public Integer call() throws InterruptedException {
        Path data = context.data().resolve("demo");
        deleteTree(data.resolve("postgres"));
        deleteTree(data.resolve("mails"));
        LocalStack stack = new LocalStack(context, data, out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "shutdown"));
        try {
            stack.start(true, true, settings(), new Narrator());
            int exitCode = addAndWatch(stack);
            out.println();
            out.println(
                    exitCode == 0 ? "All four jobs succeeded." : "The demo failed; logs are in " + stack.logs() + ".");
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
        List<Long> ids = Context.withPool(stack.database(), "postern demo", (database, pool) -> add(pool));
        boolean allEnded = ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        out.println();
        if (!allEnded) {
            out.println("Not all jobs ended within " + PATIENCE.toSeconds() + " s.");
        }
        boolean succeeded = Context.withPool(
                stack.database(),
                "postern demo",
                (database, pool) -> showEnds(new JobDirectory(pool, database.schema()), ids));
        List<Path> mails = files(stack.mails());
        out.println();
        out.println("Mails, rendered but not sent:");
        mails.forEach(mail -> out.println("  " + mail));
        if (mails.isEmpty()) {
            out.println("  none: send-email-link saved nothing in " + stack.mails());
        }
        return allEnded && succeeded && !mails.isEmpty() ? 0 : 1;
    }

    private List<Long> add(Pool pool) {
        List<Long> ids = new ArrayList<>();
        for (String statement : STATEMENTS) {
            out.println();
            out.println(statement + ";");
            Row row = pool.query(statement).execute().await().iterator().next();
            ids.add(row.getLong(0));
            tell(row.getLong(0), "added", "committed in app_jobs.jobs");
        }
        return ids;
    }

    private boolean showEnds(JobDirectory directory, List<Long> ids) {
        boolean succeeded = true;
        for (long id : ids) {
            var job = directory.find(id).await();
            String state = job.map(JobDirectory.Job::state).orElse("lost");
            out.println("  job " + id + "  " + job.map(JobDirectory.Job::task).orElse("?") + "  " + state + "  "
                    + job.map(JobDirectory.Job::result).orElse("") + "  "
                    + job.map(JobDirectory.Job::lastError).orElse(""));
            succeeded &= state.equals("succeeded");
        }
        return succeeded;
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
            boolean over = outcome instanceof Outcome.Complete || outcome instanceof Outcome.Dead;
            if (over) {
                ended.countDown();
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
