package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code ./postern dead-letters}, {@code replay} and {@code purge} as operators use them. */
class DeadLetterCommandsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    @Test
    void listsTheNewestFirstAndSaysThatThereAreMore() {
        assertThat(run("dead-letters")).isEqualTo(new Ran(0, "no dead letters\n", ""));
        deadLetters("ping", 3);
        deadLetters("a-longer-task", 1);
        database.execute("update app_jobs.jobs set died_at = '2026-01-01'::timestamptz + id * interval '1 day'");
        database.execute("update app_jobs.jobs set replayed_at = '2026-01-01Z', replayed_by = 'ada' where id = 3");

        Ran ran = run("dead-letters", "--limit", "2");

        assertThat(ran.code()).isZero();
        assertThat(ran.out().lines()).hasSize(4);
        assertThat(ran.out().lines().toList().get(0)).matches(" +id +died at \\(UTC\\) +task +attempts +last error");
        assertThat(ran.out().lines().toList().get(1))
                .matches(" +4  2026-01-0\\dT.*Z +a-longer-task +25/25  HTTP 500: broken");
        assertThat(ran.out().lines().toList().get(2))
                .matches(" +3  .* ping .*HTTP 500: broken  \\(replayed 2026-01-01T00:00:00Z by ada\\)");
        assertThat(ran.out().lines().toList().get(3)).isEqualTo("and more; --limit shows them");
        assertThat(run("dead-letters", "--task", "a-longer-task").out().lines()).hasSize(2);
        assertThat(run("dead-letters", "1", "2").out().lines()).hasSize(3);
    }

    @Test
    void printsAllOfEachAsJson() {
        deadLetters("ping", 2);
        Ran ran = run("dead-letters", "--json", "--error-like", "HTTP 5%");
        assertThat(ran.out().lines().map(JsonObject::new)).hasSize(2).allSatisfy(letter -> {
            assertThat(letter.getString("task")).isEqualTo("ping");
            assertThat(letter.getJsonObject("payload").getInteger("n")).isEqualTo(1);
            assertThat(letter.getJsonArray("errors").getJsonObject(0).getString("error"))
                    .isEqualTo("HTTP 500: broken");
            assertThat(letter.getString("died_at")).isNotNull();
        });
    }

    @Test
    void replaysByIdInTheNameOfItsUser() {
        deadLetters("ping", 3);
        assertThat(run("replay", "2", "--dry-run")).isEqualTo(new Ran(0, "would replay 1 dead letter\n", ""));
        assertThat(replayers()).isEmpty();

        assertThat(run("replay", "2")).isEqualTo(new Ran(0, "replayed 1 dead letter\n", ""));
        assertThat(run("replay", "1", "--by", "deploy script").code()).isZero();

        assertThat(replayers()).containsExactly("deploy script", "operator");
        Ran again = run("replay", "1", "2", "3");
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.out()).isEqualTo("replayed 1 dead letter\n");
        assertThat(again.err())
                .startsWith("postern: 2 of the given ids are not of a dead letter")
                .hasLineCount(1);
    }

    @Test
    void replaysAllOfATaskInBatchesAndTellsOfIt() {
        deadLetters("ping", 20_500);
        deadLetters("pong", 1);
        Ran ran = run("replay", "--task", "ping");
        assertThat(ran)
                .isEqualTo(
                        new Ran(0, "replayed 20500 dead letters\n", "replayed 10000 so far\nreplayed 20000 so far\n"));
        assertThat(database.number(
                        "select count(distinct xmin::text) from app_jobs.jobs where replayed_at is not null"))
                .isEqualTo(21);
        assertThat(database.number("select count(*) from app_jobs.dead_letters"))
                .isOne();
    }

    @Test
    void doesNotReplayAgainWhatDiesWhileItReplays() {
        deadLetters("ping", 2000);
        // As if workers let each revived job die at once.
        database.execute("create function public.die() returns trigger language plpgsql as"
                + " 'begin new.attempts := new.max_attempts; new.died_at := clock_timestamp(); return new; end'");
        database.execute("create trigger a_die before update on app_jobs.jobs for each row"
                + " when (old.died_at is not null and new.attempts = 0) execute function public.die()");
        try {
            assertThat(run("replay", "--all").out()).isEqualTo("replayed 2000 dead letters\n");
        } finally {
            database.execute("drop function public.die() cascade");
        }
    }

    @Test
    void purgesOnlyWhenToldTwice() {
        deadLetters("ping", 1500);
        deadLetters("pong", 1);
        assertThat(run("purge", "--task", "ping", "--dry-run").out()).isEqualTo("would purge 1500 dead letters\n");
        assertThat(run("purge", "--task", "ping"))
                .isEqualTo(
                        new Ran(2, "", "postern: this would delete 1500 dead letters for good; say --yes to do it\n"));
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(1501);

        assertThat(run("purge", "--task", "ping", "--yes").out()).isEqualTo("purged 1500 dead letters\n");

        assertThat(database.value("select task_identifier from app_jobs.jobs")).isEqualTo("pong");
    }

    @Test
    void saysInALineWhatIsMissing() {
        for (List<String> misuse : List.of(
                List.of("replay"),
                List.of("replay", "--all", "--task", "ping"),
                List.of("purge", "--yes"),
                List.of("dead-letters", "--limit", "0"))) {
            Ran ran = run(misuse.toArray(String[]::new));
            assertThat(ran.code()).as(misuse.toString()).isEqualTo(2);
            assertThat(ran.err()).startsWith("postern: ").hasLineCount(1);
        }
        Ran nameless = run(Map.of("USER", ""), "replay", "--all");
        assertThat(nameless).isEqualTo(new Ran(2, "", "postern: say who replays: --by NAME (USER is not set)\n"));
    }

    private static List<String> replayers() {
        return database.rows("select replayed_by from app_jobs.jobs where replayed_by is not null order by id").stream()
                .map(row -> String.valueOf(row.get("replayed_by")))
                .toList();
    }

    private static void deadLetters(String task, int number) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, payload, attempts, last_error, errors)"
                        + " select ?, ?, '{\"n\": 1}', 25, 'HTTP 500: broken',"
                        + " '[{\"attempt\": 25, \"error\": \"HTTP 500: broken\"}]' from generate_series(1, ?)",
                JobDatabase.TENANT,
                task,
                number);
    }

    private static Ran run(String... arguments) {
        return Ran.postern(database, arguments);
    }

    private static Ran run(Map<String, String> others, String... arguments) {
        return Ran.postern(database, others, arguments);
    }
}
