package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the commands about jobs tell the person who types them. */
class CommandsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    /** What a command said, and its exit code. */
    private record Said(int exitCode, List<String> lines) {}

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    @Test
    void cancelSaysOfEachJobWhatItWas() {
        claim(database.addJob("runs", "{}"));
        claim(database.addJob("owes", "{}"));
        database.execute("update app_jobs.jobs set waiting_since = now() where task_identifier = 'owes'");
        database.addJob("waits-its-turn", "{}");
        database.addJob("dead", "{}");
        database.execute("update app_jobs.jobs set attempts = max_attempts where task_identifier = 'dead'");
        claim(database.addJob("ended", "{}"));
        database.execute("select app_jobs.complete_job('worker-1', 5)");

        Said said = postern("cancel", "3", "1", "2", "4", "5", "77", "1", "--reason", "ordered twice");

        assertThat(said.exitCode).isEqualTo(1);
        assertThat(said.lines).hasSize(6);
        assertThat(said.lines.subList(0, 4))
                .containsExactly(
                        "job 3 (waits-its-turn) is cancelled; it was ready, not running",
                        "job 1 (runs) is cancelled; it was running on worker worker-1, which is told to stop",
                        "job 2 (owes) is cancelled; it was waiting for its function's report, which will be answered"
                                + " 410",
                        "job 4 (dead) is cancelled; it was a dead letter");
        assertThat(said.lines.get(4)).startsWith("job 5 (ended) is not cancelled now: it has succeeded at ");
        assertThat(said.lines.get(5)).isEqualTo("job 77 is unknown: it never was, or its history has been dropped");
        assertThat(postern("status", "1").lines)
                .contains("job 1  task runs  cancelled")
                .anyMatch(line -> line.matches(" {2}cancelled by \\S+: ordered twice"));
    }

    @Test
    void cancelSucceedsWhenEachJobWasCancelledAndSaysWhenItWasBefore() {
        database.addJob("a", "{}");
        database.addJob("b", "{}");
        assertThat(postern("cancel", "1", "2").exitCode).isZero();
        Said again = postern("cancel", "1");
        assertThat(again.exitCode).isEqualTo(1);
        assertThat(again.lines)
                .singleElement()
                .asString()
                .startsWith("job 1 (a) is not cancelled now: it was cancelled at ");
        assertThat(postern("cancel").exitCode).isEqualTo(2);
        assertThat(postern("cancel", "one").exitCode).isEqualTo(2);
    }

    @Test
    void statusTellsProgressInWords() {
        UUID lease = claim(database.addJob("export", "{}"));
        assertThat(progressLines()).isEmpty();
        report(lease, "{\"percent\": 40}");
        assertThat(progressLines()).singleElement().asString().startsWith("  progress  40 % (at 20");
        report(lease, "{\"percent\": 42.5, \"step\": 3, \"steps\": 6, \"message\": \"sorting rows\"}");
        assertThat(progressLines())
                .singleElement()
                .asString()
                .startsWith("  progress  42.5 %, step 3 of 6: sorting rows (at 20");

        // Of an attempt that has begun again, what the one before it said is no news.
        database.execute("select app_jobs.release_jobs('worker-1')");
        assertThat(progressLines()).hasSize(1);
        UUID next = claim(1);
        assertThat(progressLines()).isEmpty();
        report(next, "{\"message\": \"again\"}");
        assertThat(progressLines()).singleElement().asString().startsWith("  progress  again (at 20");
    }

    private static List<String> progressLines() {
        return postern("status", "1").lines.stream()
                .filter(line -> line.startsWith("  progress"))
                .toList();
    }

    private static UUID claim(long id) {
        return UUID.fromString(String.valueOf(database.value(
                "select lease_token from app_jobs.claim_jobs('worker-1', array[(select j.task_identifier"
                        + " from app_jobs.jobs j where j.id = ?)], 1, '60 s')",
                id)));
    }

    private static void report(UUID lease, String progress) {
        database.execute("select app_jobs.report_progress(1, 1, ?, '60 s', ?::jsonb)", lease, progress);
    }

    private static Said postern(String... arguments) {
        Ran ran = Ran.postern(database, arguments);
        return new Said(ran.code(), new ArrayList<>(ran.out().lines().toList()));
    }
}
