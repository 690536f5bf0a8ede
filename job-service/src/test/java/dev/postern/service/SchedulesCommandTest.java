package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code ./postern schedules} and its subcommands. */
class SchedulesCommandTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void onTheDayBeforeTheClocksGoBack() {
        database.execute(
                "create or replace function app_jobs.schedule_clock() returns timestamptz language sql volatile"
                        + " as $$ select '2026-10-24 10:00Z'::timestamptz $$");
    }

    @AfterEach
    void noSchedules() {
        database.execute("truncate app_jobs.jobs, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void listsTheNextTenTicksOfEachInItsZone() {
        long nightly = add("{\"rule\": \"30 2 * * *\", \"tz\": \"Europe/Berlin\"}", ", job_key => 'nightly'");
        long once = add("\"2026-12-24T18:00:00+01:00\"", ", missed_ticks => 'skip', jitter => '90 s'");

        Ran ran = run("schedules");

        assertThat(ran.err()).isEmpty();
        assertThat(ran.code()).isZero();
        List<String> lines = ran.out().lines().toList();
        assertThat(lines)
                .containsSubsequence(
                        "schedule " + nightly + "  ping  new, to be planned by a scheduler",
                        "    rule    {\"rule\": \"30 2 * * *\", \"tz\": \"Europe/Berlin\"}",
                        "    tenant  00000000-0000-0000-0000-000000000001, key nightly",
                        "    missed  latest, overlap skip",
                        "    next    Sun 2026-10-25 02:30:00 +02:00  Europe/Berlin",
                        "            Mon 2026-10-26 02:30:00 +01:00  Europe/Berlin",
                        "            Tue 2026-11-03 02:30:00 +01:00  Europe/Berlin",
                        "schedule " + once + "  ping  new, to be planned by a scheduler",
                        "    missed  skip, overlap skip, jitter 90 s",
                        "    next    Thu 2026-12-24 17:00:00 +00:00  UTC");
        assertThat(lines.stream().filter(line -> line.contains("Berlin  ") || line.endsWith("Europe/Berlin")))
                .hasSize(10);
        assertThat(run("schedules", "--task", "pong").out()).isEqualTo("no schedules\n");
        assertThat(run("schedules", "--id", "" + once, "--next", "0").out())
                .startsWith("schedule " + once)
                .doesNotContain("next");
        assertThat(run("schedules", "--limit", "1").out()).endsWith("and more; --limit shows them\n");
        assertThat(run("schedules", "--limit", "0"))
                .isEqualTo(new Ran(2, "", "postern: --limit must be at least 1, --next from 0 to 1000\n"));
    }

    @Test
    void listsThemAsJson() {
        long id = add("\"0 0 * * *\"", ", missed_ticks => 'all', overlap => 'allow'");
        JsonObject schedule =
                new JsonObject(run("schedules", "--json", "--next", "2").out());
        assertThat(schedule.getLong("id")).isEqualTo(id);
        assertThat(schedule.getString("state")).isEqualTo("new");
        assertThat(schedule.getString("missed_ticks")).isEqualTo("all");
        assertThat(schedule.getValue("schedule_info")).isEqualTo("0 0 * * *");
        assertThat(schedule.getJsonArray("next"))
                .isEqualTo(new JsonArray().add("2026-10-25T00:00Z").add("2026-10-26T00:00Z"));
    }

    @Test
    void saysWhatIsTheMatterWithOne() {
        long id = add("\"0 * * * *\"", "");
        database.execute("update app_jobs.scheduled_jobs set next_tick_at = '2026-10-24 09:00Z'");
        assertThat(run("schedules").out())
                .startsWith("schedule " + id + "  ping  active, overdue since 2026-10-24T09:00:00Z\n");
        database.execute("update app_jobs.scheduled_jobs set next_tick_at = null, last_error = 'it is bad'");
        assertThat(run("schedules").out())
                .startsWith("schedule " + id + "  ping  parked: it is bad\n")
                .doesNotContain("next");
        database.execute("update app_jobs.scheduled_jobs set last_error = null, schedule_info = '\"0 0 30 2 *\"'");
        Ran unseen = run("schedules");
        assertThat(unseen.code()).isZero();
        assertThat(unseen.err()).startsWith("postern: schedule " + id + ": ").contains("a day that never comes");
    }

    @Test
    void pausesResumesRunsAndDeletesOne() {
        String id = Long.toString(add("\"0 * * * *\"", ""));
        assertThat(run("schedules", "pause", id).out())
                .matches("schedule " + id + " \\(ping\\) is paused by operator since 20.*Z\n");
        assertThat(run("schedules", "pause", id, "--by", "ada").out()).contains("is paused by operator since");

        assertThat(run("schedules", "run", id).out()).matches("schedule " + id + " made job \\d+\n");
        Ran again = run("schedules", "run", id);
        assertThat(again.code()).isOne();
        assertThat(again.err()).startsWith("postern: cannot run schedule " + id + ": ALREADY_SCHEDULED: Job ");
        assertThat(run("schedules", "run", id, "--overlap").code()).isZero();
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(2);
        assertThat(run("schedules").out()).contains("    last    job ");

        assertThat(run("schedules", "resume", id))
                .isEqualTo(new Ran(0, "schedule " + id + " (ping) is new, to be planned by a scheduler\n", ""));
        assertThat(run("schedules", "delete", id)).isEqualTo(new Ran(0, "schedule " + id + " (ping) is deleted\n", ""));
        for (String command : List.of("pause", "resume", "run", "delete")) {
            assertThat(run("schedules", command, id))
                    .isEqualTo(new Ran(1, "schedule " + id + " is unknown; './postern schedules' lists them\n", ""));
        }
    }

    private static long add(String rule, String arguments) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, 'ping', schedule_info => ?::json" + arguments + ")",
                JobDatabase.TENANT,
                rule);
    }

    private static Ran run(String... arguments) {
        return Ran.postern(database, arguments);
    }
}
