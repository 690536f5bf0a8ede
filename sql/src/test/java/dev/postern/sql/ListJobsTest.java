package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A list costs what it shows, not what there is. Counted in pages of the database, which no machine makes faster. */
class ListJobsTest {

    private static final UUID SMALL = UUID.fromString("0000000a-0000-4000-8000-000000000000");
    private static final UUID BIG = UUID.fromString("0000000b-0000-4000-8000-000000000000");
    private static final UUID USER = UUID.fromString("0000000b-0000-4000-8000-0000000000ad");

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    @BeforeEach
    void aSmallTenantBesideABigOne() {
        fill(SMALL, 30);
        fill(BIG, 20_000);
        // The user's few jobs lie deep below the others'.
        database.execute(
                "update app_jobs.jobs set actor_id = ? where id in"
                        + " (select id from app_jobs.jobs where database_id = ? order by id limit 20)",
                USER,
                BIG);
        database.execute("vacuum analyze app_jobs.jobs");
        database.execute("vacuum analyze app_jobs.job_history");
    }

    private void fill(UUID tenant, int jobs) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) select ?, 'ping' from generate_series(1, ?)",
                tenant,
                jobs);
        database.execute(
                "insert into app_jobs.job_history (id, database_id, task_identifier, payload, priority, run_at, attempts,"
                        + " max_attempts, infra_failures, errors, state, created_at, finished_at)"
                        + " select nextval('app_jobs.jobs_id_seq'), ?, 'ping', '{}', 0, now(), 1, 25, 0, '[]',"
                        + " case when n % 9 = 0 then 'cancelled' else 'succeeded' end, now(), now()"
                        + " from generate_series(1, ?) n",
                tenant, jobs);
    }

    @Test
    void aSmallTenantsListDoesNotReadABigOnes() {
        assertThat(pages("app_jobs.list_jobs(db_id => ?)", SMALL)).isLessThan(1500);
    }

    @Test
    void aPageOfABigTenantDoesNotReadAllOfIt() {
        // 40,000 rows and what belongs to them are some 1,000 pages of tables, and reading each by an index 40,000.
        assertThat(pages("app_jobs.list_jobs(db_id => ?, before_id => 1000000, scan => 100)", BIG))
                .isLessThan(1500);
        assertThat(pages("app_jobs.list_jobs(db_id => ?, task => 'rare', before_id => 1000000, scan => 100)", BIG))
                .isLessThan(1500);
    }

    @Test
    void aUsersFewJobsAreFoundBelowManyOfOthers() {
        assertThat(pages("app_jobs.list_jobs(db_id => ?, actor => '" + USER + "', scan => 100)", BIG))
                .isLessThan(1500);
        assertThat(database.number("select matching from app_jobs.list_jobs(?, actor => ?, scan => 100)", BIG, USER))
                .isEqualTo(20);
    }

    @Test
    void aListGoesOnWhereTheLookEnded() {
        database.execute(
                "update app_jobs.jobs set task_identifier = 'rare' where id in"
                        + " (select id from app_jobs.jobs where database_id = ? order by id limit 7)",
                BIG);
        int found = 0;
        Object before = null;
        int pages = 0;
        do {
            var page = database.rows(
                            "select json_array_length(documents) as found, next_before from"
                                    + " app_jobs.list_jobs(?, task => 'rare', before_id => ?::bigint, scan => 10000)",
                            BIG,
                            before)
                    .getFirst();
            found += Integer.parseInt(String.valueOf(page.get("found")));
            before = page.get("next_before");
            pages++;
        } while (before != null && pages < 100);
        assertThat(found).isEqualTo(7);
        assertThat(pages).isBetween(2, 6);
    }

    private long pages(String list, UUID tenant) {
        // Once before: what the catalogue's pages cost comes only with a session's first call.
        try (Session session = Session.autoCommit(database)) {
            session.rows("select * from " + list, tenant);
            var plan = session.rows("explain (analyze, buffers, format json) select * from " + list, tenant);
            var top = new JsonArray(String.valueOf(plan.getFirst().get("QUERY PLAN")))
                    .getJsonObject(0)
                    .getJsonObject("Plan");
            return top.getLong("Shared Hit Blocks") + top.getLong("Shared Read Blocks");
        }
    }
}
