package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import io.vertx.core.http.HttpServerRequest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ReadAheadTest {

    private static final int QUICK = 100;
    private static final int SLOTS = 8;

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private static long ms(int ms) {
        return Duration.ofMillis(ms).toNanos();
    }

    private static int after(ReadAhead ahead, int answers, int atMs) {
        for (int i = 0; i < answers; i++) {
            ahead.answered(ms(atMs));
        }
        return ahead.jobs(ms(atMs));
    }

    @Test
    void claimsAheadWhatIsAnsweredInFortyMilliseconds() {
        ReadAhead ahead = new ReadAhead();
        assertThat(ahead.jobs(ms(1_000))).isZero();
        assertThat(after(ahead, 3, 1_000)).isEqualTo(3);
        assertThat(after(ahead, 2, 1_030)).isEqualTo(5);
        assertThat(after(ahead, 1, 1_041)).isEqualTo(5);
    }

    @Test
    void claimsNoneAheadWhenFunctionsHaveBecomeSlow() {
        ReadAhead ahead = new ReadAhead();
        after(ahead, 30, 1_000);
        assertThat(ahead.jobs(ms(1_079))).isEqualTo(30);
        assertThat(ahead.jobs(ms(1_200))).isZero();
    }

    @Test
    void holdsABoundedNumberWhateverThePace() {
        assertThat(after(new ReadAhead(), 5_000, 1_000)).isEqualTo(512);
    }

    @Test
    void aSlotIsFreeWhileTheOutcomeIsOnItsWay() throws SQLException {
        long first = database.addJob("ping", "{}");
        database.addJob("ping", "{}");
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        fixture.start(config -> config.withConcurrency(1));
        fixture.eventually(() -> held.size() == 1);
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            try (var statement = other.prepareStatement("select 1 from app_jobs.jobs where id = ? for update")) {
                statement.setLong(1, first);
                statement.execute();
            }
            held.getFirst().response().end();
            fixture.eventually(() -> held.size() == 2);
            other.rollback();
        }
        held.get(1).response().end();
        fixture.eventually(2, "select count(*) from app_jobs.job_history where state = 'succeeded'");
    }

    @Test
    void aDrainGivesBackAtOnceWhatWaitsForASlot() {
        database.execute("insert into app_jobs.jobs (database_id, task_identifier)"
                + " select '00000000-0000-0000-0000-000000000001', 'ping' from generate_series(1, 400)");
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(request -> {
            if (fixture.function.calls.size() <= QUICK) {
                request.response().end();
            } else {
                held.add(request);
            }
        });
        WorkerFixture.Running worker = fixture.start(config -> config.withConcurrency(SLOTS));
        fixture.eventually(() -> held.size() == SLOTS);
        // The last quick answer had the worker claim for its slot and for what comes after.
        fixture.eventually(
                () -> database.number("select count(*) from app_jobs.jobs where locked_at is not null") > SLOTS);

        // Said every ten seconds; what waits for a slot takes none.
        fixture.eventually(() -> fixture.reported != null && fixture.reported.running() == SLOTS);

        var drained = worker.worker().drain(Duration.ofSeconds(20));

        fixture.eventually(SLOTS, "select count(*) from app_jobs.jobs where locked_at is not null");
        assertThat(drained.isComplete()).isFalse();
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_at is null and attempts > 0"))
                .isZero();
        held.forEach(request -> request.response().end());
        assertThat(await(drained)).isNotEmpty();
        fixture.eventually(0, "select count(*) from app_jobs.jobs where locked_at is not null");
        assertThat(fixture.function.calls).hasSize(QUICK + SLOTS);
    }
}
