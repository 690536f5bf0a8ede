package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code ./postern pause} and {@code resume}, and what {@code status} says of pauses and limits. */
class PauseCommandsTest {

    private static final String TENANT = JobDatabase.TENANT.toString();

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void noLimits() {
        database.execute("truncate app_jobs.jobs, app_jobs.task_settings, app_jobs.tenant_settings,"
                + " app_jobs.paused_queues, app_jobs.priority_classes");
    }

    @Test
    void pausesATaskInTheNameOfItsUserAndKeepsTheFirstPause() {
        database.addJob("ping", "{}");
        assertThat(run("pause", "--task", "ping").out()).matches("task ping is paused by operator since 20.*\n");
        assertThat(claimed()).isZero();
        Ran again = run("pause", "--task", "ping", "--by", "ada");
        assertThat(again.code()).isZero();
        assertThat(again.out()).startsWith("task ping is paused by operator since 20");

        assertThat(run("resume", "--task", "ping")).isEqualTo(new Ran(0, "task ping is resumed\n", ""));

        assertThat(claimed()).isOne();
        assertThat(run("resume", "--task", "ping")).isEqualTo(new Ran(1, "task ping was not paused\n", ""));
    }

    @Test
    void pausesATenantOrOneQueueOfIt() {
        assertThat(run("pause", "--tenant", TENANT, "--queue", "mails", "--by", "ada")
                        .out())
                .startsWith("queue mails of tenant " + TENANT + " is paused by ada since ");
        assertThat(run("resume", "--tenant", TENANT))
                .isEqualTo(new Ran(1, "tenant " + TENANT + " was not paused\n", ""));
        assertThat(run("pause", "--tenant", TENANT).out())
                .startsWith("tenant " + TENANT + " is paused by operator since ");

        assertThat(statusLines())
                .hasSize(2)
                .anySatisfy(line -> assertThat(line).startsWith("paused: tenant " + TENANT + ", by operator since 20"))
                .anySatisfy(line ->
                        assertThat(line).startsWith("paused: queue mails of tenant " + TENANT + ", by ada since 20"));

        assertThat(run("resume", "--tenant", TENANT).code()).isZero();
        assertThat(run("resume", "--tenant", TENANT, "--queue", "mails").code()).isZero();
        assertThat(statusLines()).isEmpty();
    }

    @Test
    void statusTellsCapsRatesWeightsAndClasses() {
        database.execute(
                "insert into app_jobs.task_settings (task_identifier, max_running, rate_per_second, rate_burst,"
                        + " retry_factor) values ('export', 10, 2.5, 20, null), ('ping', null, 5, null, null),"
                        + " ('retries', null, null, null, 2)");
        database.execute(
                "insert into app_jobs.tenant_settings (database_id, max_running, weight, tokens, tokens_at) values"
                        + " (?::uuid, 5, null, null, null), (?::uuid, null, 3, null, null), (?::uuid, null, null, 1, now())",
                "00000000-0000-0000-0000-000000000000",
                TENANT,
                "00000000-0000-0000-0000-00000000000f");
        database.execute("insert into app_jobs.priority_classes values ('low', 2147483647, 1), ('high', -1, 3)");

        assertThat(statusLines())
                .containsExactly(
                        "limit: task export: at most 10 running, 2.5 starts a second, 20 at once",
                        "limit: task ping: 5 starts a second",
                        "limit: each tenant: at most 5 running",
                        "limit: tenant " + TENANT + ": weight 3",
                        "priority class: high, up to -1, weight 3",
                        "priority class: low, up to 2147483647, weight 1");
    }

    @Test
    void saysInALineWhatIsMissing() {
        for (String command : List.of("pause", "resume")) {
            for (List<String> misuse : List.of(
                    List.<String>of(),
                    List.of("--queue", "mails"),
                    List.of("--task", "ping", "--queue", "mails"),
                    List.of("--task", "ping", "--tenant", TENANT))) {
                Ran ran = run(Stream.concat(Stream.of(command), misuse.stream()).toArray(String[]::new));
                assertThat(ran.code()).as("%s %s", command, misuse).isEqualTo(2);
                assertThat(ran.err())
                        .startsWith("postern: name what to " + command + ": --task TASK, or")
                        .hasLineCount(1);
            }
        }
        assertThat(Ran.postern(database, Map.of("USER", ""), "pause", "--task", "ping"))
                .isEqualTo(new Ran(2, "", "postern: say who pauses: --by NAME (USER is not set)\n"));
        assertThat(run("pause", "--tenant", "00000000-0000-0000-0000-000000000000")
                        .err())
                .startsWith("postern: tenant 00000000-0000-0000-0000-000000000000 stands for the settings of all")
                .hasLineCount(1);
        assertThat(statusLines()).isEmpty();
    }

    private static long claimed() {
        return database.number("select count(*) from app_jobs.claim_jobs('worker-1', null, 10, '60 s')");
    }

    private static List<String> statusLines() {
        Ran ran = run("status");
        assertThat(ran.code()).isZero();
        return ran.out()
                .lines()
                .filter(line -> line.matches("(paused|limit|priority class): .*"))
                .toList();
    }

    private static Ran run(String... arguments) {
        return Ran.postern(database, arguments);
    }
}
