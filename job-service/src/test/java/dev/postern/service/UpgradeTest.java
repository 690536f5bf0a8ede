package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.postern.service.local.FreePort;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.SchemaMigrator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The release before and this one on one database: real processes, its jar as it was built. docs/operations.md, Upgrades. */
class UpgradeTest {

    private static final String DIRECTORY = "POSTERN_PREVIOUS_RELEASE";

    @RegisterExtension
    final JobDatabase database = JobDatabase.empty();

    private final ScriptedFunction function = new ScriptedFunction();
    private final List<ServiceProcess> processes = new ArrayList<>();
    private Path previous = Path.of("");

    @BeforeEach
    void findThePreviousRelease() {
        String directory = System.getenv().getOrDefault(DIRECTORY, "");
        assumeTrue(
                !directory.isBlank(),
                "skipped: no release before this one to run; set " + DIRECTORY
                        + " to what '.ci/previous-release' prints");
        previous = Path.of(directory, "job-service.jar");
        assertThat(previous).as(DIRECTORY).isRegularFile();
    }

    @AfterEach
    void stopAll() {
        processes.forEach(ServiceProcess::close);
        function.close();
    }

    private ServiceProcess before(String command, String... settings) {
        return kept(ServiceProcess.ofJar(previous, database.config(), environment(settings), command));
    }

    private ServiceProcess present(String... settings) {
        return kept(ServiceProcess.serve(database.config(), environment(settings)));
    }

    private ServiceProcess kept(ServiceProcess process) {
        processes.add(process);
        return process;
    }

    private Map<String, String> environment(String... settings) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "FUNCTION_URL", function.url(),
                "JOBS_CALLBACK_HOST", "127.0.0.1",
                "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(FreePort.any()),
                "POSTERN_CONCURRENCY", "4",
                "POSTERN_LEASE_SECONDS", "5"));
        for (int i = 0; i < settings.length; i += 2) {
            environment.put(settings[i], settings[i + 1]);
        }
        return environment;
    }

    /** How many of the calls so far came from workers of this name. */
    private long calls(String worker) {
        return function.calls.stream()
                .filter(call -> call.header("X-Worker-Id").startsWith(worker))
                .count();
    }

    private void awaitTwentyMoreCalls(String worker) {
        long before = calls(worker);
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> calls(worker) >= before + 20);
    }

    @Test
    void thePreviousReleaseWorksOnUnderLoadWhileThisOneMigratesAndTakesOver() throws Exception {
        assertThat(before("migrate").awaitEnd()).isZero();
        ServiceProcess old = before("serve", "HOSTNAME", "old").awaitReady();
        AtomicBoolean enough = new AtomicBoolean();
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Integer> added = callers.submit(() -> {
                int jobs = 0;
                for (; !enough.get(); jobs++) {
                    // Never far ahead of the workers; a queue, since its order is what two releases could disagree on.
                    Awaitility.await().until(() -> database.number("select count(*) from app_jobs.jobs") < 50);
                    database.execute(
                            "select app_jobs.add_job(?, 'ping', '{}', queue_name => ?)",
                            JobDatabase.TENANT,
                            jobs % 2 == 0 ? "line" : null);
                }
                return jobs;
            });
            awaitTwentyMoreCalls("old");

            assertThat(new SchemaMigrator(database.config()).migrate().applied())
                    .isPositive();
            awaitTwentyMoreCalls("old");
            assertThat(old.runs()).isTrue();

            present("HOSTNAME", "new").awaitReady();
            awaitTwentyMoreCalls("old");
            awaitTwentyMoreCalls("new");

            assertThat(old.terminate(Duration.ofSeconds(60))).isEqualTo(143);
            awaitTwentyMoreCalls("new");
            enough.set(true);

            int jobs = added.get();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> database.number("select count(*) from app_jobs.jobs") == 0);
            assertThat(database.number("select count(distinct id) from app_jobs.job_history"))
                    .isEqualTo(jobs);
            assertThat(database.number("select count(*) from app_jobs.job_history where state = 'succeeded'"
                            + " and attempts = 1 and infra_failures = 0"))
                    .isEqualTo(jobs);
            assertThat(function.calls).hasSize(jobs);
        }
        assertThat(old.output).noneMatch(line -> line.contains("ERROR"));
    }

    @Test
    void thisReleaseRefusesTheSchemaOfThePreviousOneAndSaysWhatToRun() throws Exception {
        assertThat(before("migrate").awaitEnd()).isZero();

        ServiceProcess refused = present("POSTERN_MIGRATE", "false");

        assertThat(refused.awaitEnd()).isOne();
        assertThat(refused.output.getLast())
                .matches("postern: schema 'app_jobs' of \\w+ lacks \\d+ migrations of this release, the first is"
                        + " '\\w+\\.sql'; run 'migrate'");
    }

    /**
     * The commit that stands for a release before the first one still refused whatever was newer. A release with the rule
     * of docs/operations.md starts here instead.
     */
    @Test
    void thePreviousReleaseStartedAnewOnThisSchemaSaysBothVersions() throws Exception {
        new SchemaMigrator(database.config()).migrate();

        ServiceProcess refused = before("serve");

        assertThat(refused.awaitEnd()).isOne();
        assertThat(refused.output.getLast())
                .matches("postern: schema 'app_jobs' of \\w+ is at version \\d+, this release knows 0010; run a release"
                        + " that knows it");
    }
}
