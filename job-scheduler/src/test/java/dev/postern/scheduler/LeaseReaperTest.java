package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.OfferedOutcome;
import dev.postern.sql.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Leases that nobody renews. */
@Timeout(120)
class LeaseReaperTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final SchedulerFixture scheduler = new SchedulerFixture(database);

    @Test
    void reapsTheLeaseOfALostWorkerAsAnInfrastructureFailure() {
        long id = database.addJob("system-ping", "{}");
        scheduler.claim(Duration.ofMillis(100));
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> !scheduler.listener.reaped.isEmpty());

        assertThat(scheduler.listener.reaped).singleElement().satisfies(lease -> {
            assertThat(lease.jobId()).isEqualTo(id);
            assertThat(lease.task()).isEqualTo("system-ping");
            assertThat(lease.attempt()).isOne();
            assertThat(lease.workerId()).isEqualTo("lost-worker");
            assertThat(lease.waited()).isFalse();
            assertThat(lease.dead()).isFalse();
        });
        assertThat(database.rows("select infra_failures, locked_by, run_at <= now() as ready from app_jobs.jobs"))
                .singleElement()
                .satisfies(job -> {
                    assertThat(job.get("infra_failures")).isEqualTo(1);
                    assertThat(job.get("locked_by")).isNull();
                    assertThat(job.get("ready")).isEqualTo(true);
                });
    }

    @Test
    void reapsAJobWhoseCallbackNeverCameAndChargesTheAttempt() {
        database.addJob("system-ping", "{}");
        ClaimedJob job = scheduler.claim(Duration.ofMillis(100));
        scheduler
                .jobs
                .finish(List.of(new OfferedOutcome(job.attempt(), new Outcome.Wait(Duration.ofMillis(100)))))
                .await();
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> !scheduler.listener.reaped.isEmpty());

        assertThat(scheduler.listener.reaped)
                .singleElement()
                .satisfies(lease -> assertThat(lease.waited()).isTrue());
        assertThat(database.rows("select attempts, infra_failures, last_error from app_jobs.jobs"))
                .containsExactly(Map.of(
                        "attempts", 1,
                        "infra_failures", 0,
                        "last_error", "no callback came before the lease expired"));
    }

    @Test
    void reapsMoreLeasesThanOneBatchHolds() {
        for (int n = 0; n < 7; n++) {
            database.addJob("system-ping", "{}");
        }
        scheduler
                .jobs
                .claim("lost-worker", Optional.empty(), 7, Duration.ofMillis(1), Map.of(), null, null)
                .await();
        scheduler.deploy(
                new SchedulerConfig(Duration.ofHours(1), Duration.ofHours(1), Retention.defaults(), Duration.ZERO, 3));

        await().until(() -> scheduler.listener.reaped.size() == 7);
    }

    @Test
    void leavesALeaseAloneThatHasNotExpired() {
        database.addJob("system-ping", "{}");
        scheduler.claim(Duration.ofHours(1));
        database.addJob("system-ping", "{}");
        scheduler.claim(Duration.ofMillis(1));
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> !scheduler.listener.reaped.isEmpty());

        assertThat(scheduler.listener.reaped).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_at is not null"))
                .isOne();
    }
}
