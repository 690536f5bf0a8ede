package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.LogLines;
import dev.postern.sql.PgBouncer;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Workers whose statements share two sessions behind a pooler in transaction mode. */
class PoolerTest {

    private static final String ADD =
            "select app_jobs.add_job(?, 'pooled', '{}'::json, queue_name => case when n % 5 = 0 then 'queue' end)"
                    + " from generate_series(1, ?) n";
    private static final String ENDED = "select count(*) from app_jobs.job_history where state = 'succeeded'";

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private static PgBouncer bouncer;

    @BeforeAll
    static void pool() {
        bouncer = PgBouncer.inTransactionMode(database.config(), 2);
    }

    @AfterAll
    static void takeDown() {
        if (bouncer != null) {
            bouncer.close();
        }
    }

    @Test
    void workersThatListenDirectlyAreWokenAndShareTheWork() {
        for (int n = 0; n < 4; n++) {
            fixture.start(
                    bouncer.to(database.config()),
                    Optional.of(database.config()),
                    config -> config.withConcurrency(8).withPoll(Duration.ofMinutes(1)));
        }
        fixture.eventually(
                () -> fixture.events.stream().filter("listening"::equals).count() == 4);
        database.execute(ADD, JobDatabase.TENANT, 200);

        fixture.eventually(200, ENDED);
        assertThat(fixture.function.calls).hasSize(200);
        database.addJob("pooled", "{}");
        fixture.eventually(201, ENDED);
    }

    @Test
    void aWorkerWithoutADirectConnectionSaysSoAndPollsAtThePaceOfItsWork() {
        try (LogLines log = LogLines.of(JobNotifications.class)) {
            fixture.start(
                    bouncer.to(database.config()),
                    config -> config.withConcurrency(1).withPoll(Duration.ofMinutes(1)));
            // Added one after the other: nobody wakes the worker, and with the poll interval each would take half a
            // minute.
            for (int n = 1; n <= 20; n++) {
                database.addJob("pooled", "{}");
                fixture.eventually(n, ENDED);
            }
            fixture.eventually(() -> log.errors("Set DATABASE_LISTEN_URL to a direct connection") == 1);
            for (int n = 21; n <= 25; n++) {
                database.addJob("pooled", "{}");
                fixture.eventually(n, ENDED);
            }
            assertThat(fixture.events).doesNotContain("listening");
        }
    }
}
