package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.sql.JobDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What people and the database do to schedules while they run. */
@Timeout(120)
class ScheduleChangesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final SchedulerFixture scheduler = new SchedulerFixture(database);

    @Test
    void restsWhilePausedAndGoesOnFromTheMomentItIsResumed() {
        scheduler.deploy(SchedulerFixture.RARELY_POLLING);
        await().until(() -> scheduler.listeners() == 1);
        long id = scheduler.schedule("\"* * * * * *\"");
        long other = scheduler.schedule("\"* * * * * *\"");
        await().until(() -> !scheduler.listener.madeBy(id).isEmpty());

        database.execute("select app_jobs.pause_schedule(?, 'ada')", id);
        int before = scheduler.listener.madeBy(id).size();
        int othersBefore = scheduler.listener.madeBy(other).size();
        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(other)).hasSizeGreaterThan(othersBefore + 2);
        });
        // The pause waited for a tick that was being taken.
        assertThat(scheduler.listener.madeBy(id)).hasSizeLessThanOrEqualTo(before + 1);
        assertThat(scheduler.nextTick(id)).isNull();

        database.execute("select app_jobs.resume_schedule(?)", id);
        Instant resumed = Instant.ofEpochSecond(database.number("select extract(epoch from now())::bigint"));
        int paused = scheduler.listener.madeBy(id).size();
        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(id)).hasSizeGreaterThan(paused);
        });
        assertThat(scheduler.listener.madeBy(id).get(paused).at()).isAfter(resumed.minusSeconds(1));
        assertThat(scheduler.listener.passedOver).hasValue(0);
    }

    @Test
    void goesByTheNewRuleFromTheMomentItIsEdited() {
        scheduler.deploy(SchedulerFixture.RARELY_POLLING);
        await().until(() -> scheduler.listeners() == 1);
        String add = "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{}', ?::json, 'a-key')";
        long id = database.number(add, JobDatabase.TENANT, "\"* * * * * *\"");
        await().until(() -> !scheduler.listener.madeBy(id).isEmpty());

        assertThat(database.number(add, JobDatabase.TENANT, "\"0 0 1 1 *\"")).isEqualTo(id);

        await().untilAsserted(() -> assertThat(database.value(
                        "select extract(month from next_tick_at at time zone 'UTC') = 1 from app_jobs.scheduled_jobs"))
                .isEqualTo(true));
        int made = scheduler.listener.madeBy(id).size();
        assertThat(database.number(add, JobDatabase.TENANT, "\"* * * * * *\"")).isEqualTo(id);
        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(id)).hasSizeGreaterThan(made);
        });
    }

    @Test
    void parksABadRuleAndGoesOnWithTheOthers() {
        long bad = scheduler.unchecked("\"61 * * * *\"");
        long worse = scheduler.unchecked("\"\\u0000\"");
        long never = scheduler.schedule("\"0 0 30 2 *\"");
        long empty = scheduler.schedule("{}");
        long good = scheduler.schedule("\"* * * * * *\"");
        scheduler.deploy(SchedulerFixture.CONFIG);

        await().until(() -> !scheduler.listener.madeBy(good).isEmpty());

        assertThat(scheduler.listener.parked)
                .extracting(RecordingListener.Parked::schedule)
                .containsExactlyInAnyOrder(bad, worse, never, empty);
        assertThat(database.value("select last_error from app_jobs.scheduled_jobs where id = ?", bad))
                .asString()
                .contains("'61 * * * *'", "61 not in range [0, 59]", "expected 5 fields");
    }

    @Test
    void revivesAParkedScheduleWhenItsRuleIsEdited() {
        long id = scheduler.unchecked("\"61 * * * *\"");
        scheduler.deploy(SchedulerFixture.RARELY_POLLING);
        await().until(() -> !scheduler.listener.parked.isEmpty() && scheduler.listeners() == 1);

        database.execute("update app_jobs.scheduled_jobs set schedule_info = '\"* * * * * *\"'");

        await().until(() -> !scheduler.listener.madeBy(id).isEmpty());
        assertThat(database.value("select last_error from app_jobs.scheduled_jobs"))
                .isNull();
    }

    @Test
    void letsAScheduleBeDeletedWhileItRuns() {
        scheduler.deploy(SchedulerFixture.CONFIG);
        long deleted = scheduler.schedule("\"* * * * * *\"");
        long other = scheduler.schedule("\"* * * * * *\"");
        await().until(() -> !scheduler.listener.madeBy(deleted).isEmpty());

        database.execute("delete from app_jobs.scheduled_jobs where id = ?", deleted);
        int before = scheduler.listener.madeBy(other).size();

        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(other).size()).isGreaterThan(before + 1);
        });
        assertThat(database.number("select count(*) from app_jobs.schedule_ticks where schedule_id = ?", deleted))
                .isZero();
    }

    @Test
    void goesOnWithTheOthersWhileSomebodyHoldsASchedule() throws Exception {
        long held = scheduler.schedule("\"* * * * * *\"");
        long other = scheduler.schedule("\"* * * * * *\"");
        scheduler.deploy(SchedulerFixture.CONFIG);
        await().until(() -> !scheduler.listener.madeBy(held).isEmpty());

        try (Connection person = database.connect()) {
            person.setAutoCommit(false);
            JobDatabase.rows(person, "select 1 from app_jobs.scheduled_jobs where id = ? for update", held);
            int before = scheduler.listener.madeBy(other).size();
            int heldBefore = scheduler.listener.madeBy(held).size();
            // Shorter than the time limit of a statement that waits for the lock.
            await().atMost(Duration.ofSeconds(9)).untilAsserted(() -> {
                scheduler.completeJobs();
                assertThat(scheduler.listener.madeBy(other).size()).isGreaterThan(before + 2);
            });
            assertThat(scheduler.listener.madeBy(held).size()).isLessThanOrEqualTo(heldBefore + 1);
            person.rollback();
        }
        int after = scheduler.listener.madeBy(held).size();
        await().untilAsserted(() -> {
            scheduler.completeJobs();
            assertThat(scheduler.listener.madeBy(held).size()).isGreaterThan(after);
        });
    }

    @Test
    void goesOnWithTheOthersWhenTheDatabaseRefusesAJob() {
        database.execute(
                "alter table app_jobs.jobs add constraint refused check (task_identifier <> 'refused') not valid");
        try {
            long refused = database.number(
                    "select id from app_jobs.add_scheduled_job(?, 'refused', '{}', '\"* * * * * *\"')",
                    JobDatabase.TENANT);
            long other = scheduler.schedule("\"* * * * * *\"");
            scheduler.deploy(SchedulerFixture.CONFIG);
            await().untilAsserted(() -> {
                scheduler.completeJobs();
                assertThat(scheduler.listener.madeBy(other)).hasSizeGreaterThan(2);
            });
            assertThat(scheduler.listener.madeBy(refused)).isEmpty();
        } finally {
            database.execute("alter table app_jobs.jobs drop constraint refused");
        }
    }
}
