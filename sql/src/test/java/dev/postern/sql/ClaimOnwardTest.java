package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Claims that name the place where the last one ended. */
class ClaimOnwardTest {

    private static final UUID BEFORE = new UUID(0, 0);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void empty() {
        database.execute("truncate app_jobs.jobs");
    }

    private void backlog(int jobs) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) select ?, 'ping' from generate_series(1, ?)",
                JobDatabase.TENANT,
                jobs);
    }

    private static List<Map<String, @Nullable Object>> claim(int most, String place) {
        return database.rows(
                "select * from app_jobs.claim_jobs('worker-1', null, " + most + ", '1 min', null, null" + place + ")");
    }

    private static String after(Map<String, @Nullable Object> last) {
        return ", '" + last.get("database_id") + "', '" + last.get("task_identifier") + "', " + last.get("priority")
                + ", (select run_at from app_jobs.jobs where id = " + last.get("id") + "), " + last.get("id");
    }

    private static List<@Nullable Object> ids(List<Map<String, @Nullable Object>> claimed) {
        return claimed.stream().<@Nullable Object>map(row -> row.get("id")).toList();
    }

    private static long buffers(String place) {
        try (Session session = Session.transaction(database)) {
            String claim = "select id from app_jobs.claim_jobs('worker-1', null, 10, '1 min', null, null" + place + ")";
            session.rows(claim);
            var plan = session.rows("explain (analyze, buffers, format json) " + claim);
            var top = new JsonArray(String.valueOf(plan.getFirst().get("QUERY PLAN")))
                    .getJsonObject(0)
                    .getJsonObject("Plan");
            assertThat(top.getNumber("Actual Rows").intValue()).isEqualTo(10);
            return top.getLong("Shared Hit Blocks") + top.getLong("Shared Read Blocks");
        }
    }

    @Test
    void passesNothingByThatIsGoneButStillSeenByAnOldTransaction() {
        backlog(24_000);
        try (Session forgotten = Session.transaction(database)) {
            forgotten.rows("set transaction isolation level repeatable read");
            forgotten.rows("select count(*) from app_jobs.jobs");
            Map<String, @Nullable Object> last = Map.of();
            for (int i = 0; i < 11; i++) {
                last = claim(2_000, "").getLast();
            }
            long anew = buffers("");
            long onward = buffers(after(last));
            assertThat(onward).isLessThan(anew / 2);
        }
    }

    @Test
    void takesEachJobOnceAndAllOfThem() {
        backlog(95);
        List<Map<String, @Nullable Object>> first = claim(50, "");
        List<Map<String, @Nullable Object>> second = claim(50, after(first.getLast()));
        assertThat(second).hasSize(45);
        assertThat(ids(second)).doesNotContainAnyElementsOf(ids(first));
        assertThat(claim(50, "")).isEmpty();
    }

    @Test
    void meetsWhatLiesBeforeItsPlaceWhenFewAreLeftBehindIt() {
        backlog(20);
        List<Map<String, @Nullable Object>> first = claim(15, "");
        database.execute("select app_jobs.release_jobs('worker-1')");
        database.execute(
                "update app_jobs.jobs set run_at = now() - interval '1 h' where id = ?",
                first.getFirst().get("id"));
        assertThat(ids(claim(10, after(first.getLast()))))
                .contains(first.getFirst().get("id"));
    }

    private static String since(Map<String, @Nullable Object> last, String margin) {
        return ", '" + last.get("database_id") + "', '" + last.get("task_identifier") + "', " + last.get("priority")
                + ", (select run_at from app_jobs.jobs where id = " + last.get("id") + ") - interval '" + margin + "'";
    }

    @Test
    void aTimeWithoutAnIdIsGoneOnFromWithWhateverIdAndNothingBeforeItIsMet() {
        backlog(20);
        List<Map<String, @Nullable Object>> first = claim(30, "");
        database.execute("select app_jobs.release_jobs('worker-1')");
        Object early = first.getFirst().get("id");
        Object lately = first.get(1).get("id");
        database.execute("update app_jobs.jobs set run_at = run_at - interval '1 h' where id = ?", early);
        database.execute("update app_jobs.jobs set run_at = run_at - interval '100 ms' where id = ?", lately);
        assertThat(ids(claim(30, since(first.getLast(), "200 ms"))))
                .hasSize(19)
                .contains(lately)
                .doesNotContain(early);
        assertThat(ids(claim(30, ""))).containsExactly(early);
    }

    @Test
    void aTimeWithoutAnIdPassesNothingByThatIsGoneBeforeIt() {
        backlog(24_000);
        try (Session forgotten = Session.transaction(database)) {
            forgotten.rows("set transaction isolation level repeatable read");
            forgotten.rows("select count(*) from app_jobs.jobs");
            claim(24_000, "");
            backlog(20);
            long anew = buffers("");
            Map<String, @Nullable Object> last = database.rows(
                            "select id, database_id, task_identifier, priority from app_jobs.jobs order by id desc limit 1")
                    .getFirst();
            assertThat(buffers(since(last, "0 ms"))).isLessThan(anew / 2);
        }
    }

    @Test
    void startsAnotherTenantsJobInTheNextClaim() {
        backlog(100);
        Map<String, @Nullable Object> last = claim(20, "").getLast();
        for (UUID tenant : List.of(BEFORE, new UUID(-1, -1))) {
            long id = database.number("select id from app_jobs.add_job(?, 'ping')", tenant);
            assertThat(ids(claim(20, after(last)))).contains(id);
        }
    }

    @Test
    void startsWhatIsMoreUrgentAnotherTaskOrAQueuesInTheNextClaim() {
        backlog(200);
        Map<String, @Nullable Object> last = claim(20, "").getLast();
        for (String options : List.of("'ping', priority => -1", "'aaa'", "'zzz'", "'ping', queue_name => 'q'")) {
            long id = database.number(
                    "select id from app_jobs.add_job(?, " + options + ", run_at => now() - interval '1 min')",
                    JobDatabase.TENANT);
            assertThat(ids(claim(20, after(last)))).as(options).contains(id);
        }
    }

    @Test
    void takesOnlyItsTasksAndNoPausedOnes() {
        backlog(100);
        Map<String, @Nullable Object> last = claim(20, "").getLast();
        assertThat(database.rows("select * from app_jobs.claim_jobs('worker-1', '{pong}', 10, '1 min', null, null"
                        + after(last) + ")"))
                .isEmpty();
        database.execute("select app_jobs.pause_jobs('ada', task => 'ping')");
        assertThat(claim(10, after(last))).isEmpty();
        database.execute("select app_jobs.resume_jobs(task => 'ping')");
        assertThat(claim(10, after(last))).hasSize(10);
    }
}
