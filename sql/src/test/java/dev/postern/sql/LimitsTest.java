package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Fairness between tenants, caps, rates, priority classes and pauses: what a claim leaves although it is due. */
class LimitsTest {

    private static final UUID A = UUID.fromString("0000000a-0000-4000-8000-000000000000");
    private static final UUID B = UUID.fromString("0000000b-0000-4000-8000-000000000000");
    private static final UUID EVERYBODY = new UUID(0, 0);

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    @Test
    void aTenantThatFloodsDoesNotHoldUpAnotherOnesJob() {
        add(100_000, A, "flood");
        database.execute("update app_jobs.jobs set priority = -5 where id % 2 = 0");
        add(1, B, "single");

        assertThat(claim(10)).containsEntry("single", 1).containsEntry("flood", 9);
    }

    @Test
    void aSingleFreeSlotGoesToTheTenantWithFewerRunningJobs() {
        add(50, A, "a");
        assertThat(claim(10)).containsEntry("a", 10);
        add(50, B, "b");
        for (int i = 0; i < 10; i++) {
            assertThat(claim(1)).containsExactly(Map.entry("b", 1));
        }
        assertThat(claim(10)).containsEntry("a", 5).containsEntry("b", 5);
    }

    @Test
    void weightsShareTheRunningJobsAndWhatOneDoesNotUseGoesToTheOthers() {
        database.execute("insert into app_jobs.tenant_settings (database_id, weight) values (?, 3)", A);
        add(100, A, "a");
        add(100, B, "b");
        assertThat(claim(40)).containsEntry("a", 30).containsEntry("b", 10);

        database.execute("delete from app_jobs.jobs");
        add(100, A, "a");
        add(2, B, "b");
        assertThat(claim(40)).containsEntry("a", 38).containsEntry("b", 2);
    }

    @Test
    void eachOfManyTenantsIsServedInTheNextClaims() {
        for (int tenant = 0; tenant < 200; tenant++) {
            add(3, UUID.randomUUID(), "t");
        }
        Map<String, Integer> claimed = claim(200);
        assertThat(claimed).containsEntry("t", 200);
        assertThat(database.number("select count(distinct database_id) from app_jobs.jobs where locked_at is not null"))
                .isEqualTo(200);
    }

    @Test
    void aTenantNeverHasMoreRunningJobsThanItsCap() {
        database.execute("insert into app_jobs.tenant_settings (database_id, max_running) values (?, 5)", EVERYBODY);
        database.execute("insert into app_jobs.tenant_settings (database_id, max_running) values (?, 2)", B);
        add(20, A, "a");
        add(20, B, "b");

        assertThat(claim(100)).isEqualTo(Map.of("a", 5, "b", 2));
        assertThat(claim(100)).isEmpty();
        database.execute("select app_jobs.complete_job('worker-1', id) from app_jobs.jobs where locked_at is not null"
                + " and task_identifier = 'a' limit 3");
        assertThat(claim(100)).isEqualTo(Map.of("a", 3));
    }

    @Test
    void twoClaimsAtOnceKeepACapTogether() {
        database.execute("insert into app_jobs.tenant_settings (database_id, max_running) values (?, 5)", A);
        database.execute("insert into app_jobs.task_settings (task_identifier, max_running) values ('b', 3)");
        add(20, A, "a");
        add(20, B, "b");
        String claim = "select task_identifier, count(*) as n from app_jobs.claim_jobs('worker-2', null, 4, '30 s')"
                + " group by 1";
        try (Session first = Session.transaction(database);
                Session second = Session.autoCommit(database)) {
            first.rows(claim);
            var sent = second.send(claim.replace(" 4,", " 50,"));
            assertThat(second.waitsForLock(sent))
                    .as("limits are counted one after the other")
                    .isTrue();
            first.commit();
            Session.answer(sent);
        }
        assertThat(running()).isEqualTo(Map.of("a", 5, "b", 3));
    }

    @Test
    void claimsDoNotWaitForEachOtherWithoutLimits() {
        add(20, A, "a");
        try (Session first = Session.transaction(database)) {
            first.rows("select * from app_jobs.claim_jobs('worker-2', null, 4, '30 s')");
            assertThat(claim(50)).containsEntry("a", 16);
        }
    }

    @Test
    void aTaskNeverHasMoreRunningJobsThanItsCapAndHoldsUpNoOtherTask() {
        database.execute("insert into app_jobs.task_settings (task_identifier, max_running) values ('slow', 3)");
        add(1000, A, "slow");
        add(5, A, "slow", "q1");
        add(5, B, "slow");
        database.execute("update app_jobs.jobs set priority = -1");
        add(5, A, "quick");

        assertThat(claim(100)).isEqualTo(Map.of("slow", 3, "quick", 5));
        assertThat(claim(100)).isEmpty();
    }

    @Test
    void aJobThatEndsWakesWorkersWhenThereAreCaps() {
        database.execute("insert into app_jobs.task_settings (task_identifier, max_running) values ('slow', 1)");
        add(2, A, "slow");
        claim(10);
        try (Session listener = Session.autoCommit(database)) {
            listener.rows("listen \"jobs:insert\"");
            database.execute(
                    "select app_jobs.finish_jobs(array[id], array[attempts], array[lease_token], '{complete}',"
                            + " '{200}', '{null}', '{null}', '{null}', '{null}') from app_jobs.jobs where locked_at is not null");
            assertThat(listener.notified()).isTrue();
        }
    }

    @Test
    void aRateIsABucketThatIsRefilledInTime() {
        database.execute("insert into app_jobs.task_settings (task_identifier, rate_per_second, rate_burst)"
                + " values ('mail', 0.001, 4)");
        database.execute(
                "insert into app_jobs.tenant_settings (database_id, rate_per_second, rate_burst)"
                        + " values (?, 0.001, 7)",
                EVERYBODY);
        add(20, A, "mail");
        add(20, B, "other");

        assertThat(claim(50)).isEqualTo(Map.of("mail", 4, "other", 7));
        assertThat(claim(50)).isEmpty();
        assertThat((Double) database.value("select app_jobs.next_due()"))
                .as("when the next token comes")
                .isBetween(1.0, 1000.0);

        database.execute("update app_jobs.task_settings set tokens_at = tokens_at - interval '1001 s'");
        database.execute("update app_jobs.tenant_settings set tokens_at = tokens_at - interval '1001 s'");
        assertThat(claim(50)).isEqualTo(Map.of("mail", 1, "other", 1));
        database.execute("update app_jobs.task_settings set tokens_at = tokens_at - interval '10 days'");
        database.execute("update app_jobs.tenant_settings set tokens_at = tokens_at - interval '10 days'");
        assertThat(claim(50)).as("no fuller than full").isEqualTo(Map.of("mail", 4, "other", 7));
    }

    @Test
    void tasksThatTheWorkerHoldsBackGiveNoMoreThanTheirAllowance() {
        add(10, A, "open");
        add(10, A, "half");
        add(10, A, "free");
        add(3, A, "open", "q");
        assertThat(counts("select task_identifier from app_jobs.claim_jobs('worker-1', null, 50, '30 s',"
                        + " '{open,half}', '{0,4}')"))
                .isEqualTo(Map.of("half", 4, "free", 10));
        assertThat(database.number("select count(*) from app_jobs.jobs where task_identifier = 'open'"
                        + " and attempts = 0 and app_jobs.job_state(jobs) = 'ready'"))
                .isEqualTo(13);
    }

    @Test
    void priorityClassesShareAClaimByTheirWeights() {
        database.execute("insert into app_jobs.priority_classes (name, up_to, weight) values"
                + " ('critical', -20, 4), ('high', -1, 3), ('normal', 0, 2), ('low', 10, 1)");
        for (int priority : List.of(-30, -20, -5, 0, 5, 99)) {
            add(100, A, "p" + priority);
            database.execute(
                    "update app_jobs.jobs set priority = ? where task_identifier = ?", priority, "p" + priority);
        }
        Map<String, Integer> claimed = claim(100);
        assertThat(claimed.get("p-30")).isBetween(38, 42);
        assertThat(claimed.get("p-5")).isBetween(28, 32);
        assertThat(claimed.get("p0")).isBetween(18, 22);
        assertThat(claimed.get("p5")).isBetween(8, 12);
        assertThat(claimed).as("in order within a class").doesNotContainKeys("p-20", "p99");
    }

    @Test
    void noPriorityClassStarvesInClaimsOfOne() {
        database.execute("insert into app_jobs.priority_classes (name, up_to, weight) values"
                + " ('critical', -1, 4), ('low', 0, 1)");
        add(300, A, "critical");
        database.execute("update app_jobs.jobs set priority = -1");
        add(300, A, "low");
        int low = 0;
        for (int i = 0; i < 200; i++) {
            low += claim(1).getOrDefault("low", 0);
        }
        // Binomial with p = 0.2: beyond these bounds once in some billion runs.
        assertThat(low).isBetween(8, 80);
    }

    @Test
    void whatIsPausedIsNotClaimedUntilItIsResumed() {
        add(3, A, "mail");
        add(3, A, "ping", "q");
        add(3, B, "ping", "q");
        database.execute("select app_jobs.pause_jobs('anna', task => 'mail')");
        database.execute("select app_jobs.pause_jobs('anna', db_id => ?, queue => 'q')", A);
        database.execute("select app_jobs.pause_jobs('anna', db_id => ?)", B);
        database.execute("select app_jobs.pause_jobs('berta', db_id => ?)", B);
        assertThat(database.value("select paused_by from app_jobs.tenant_settings where database_id = ?", B))
                .as("the first pause stands")
                .isEqualTo("anna");
        assertThat(claim(50)).isEmpty();

        assertThat(database.value("select app_jobs.resume_jobs(task => 'mail')"))
                .isEqualTo(true);
        assertThat(database.value("select app_jobs.resume_jobs(task => 'mail')"))
                .isEqualTo(false);
        assertThat(claim(50)).isEqualTo(Map.of("mail", 3));
        assertThat(database.value("select app_jobs.resume_jobs(db_id => ?, queue => 'q')", A))
                .isEqualTo(true);
        assertThat(claim(50)).isEqualTo(Map.of("ping", 1));
        assertThat(database.value("select app_jobs.resume_jobs(db_id => ?)", B)).isEqualTo(true);
        assertThat(claim(50)).isEqualTo(Map.of("ping", 1));
    }

    @Test
    void resumingWakesWorkers() {
        for (String scope : List.of("task => 'mail'", "db_id => '" + A + "'", "db_id => '" + A + "', queue => 'q'")) {
            database.execute("select app_jobs.pause_jobs('anna', " + scope + ")");
            try (Session listener = Session.autoCommit(database)) {
                listener.rows("listen \"jobs:insert\"");
                database.execute("select app_jobs.resume_jobs(" + scope + ")");
                assertThat(listener.notified()).as(scope).isTrue();
            }
        }
    }

    @Test
    void aPauseNamesOneThingAndWhoPauses() {
        for (String wrong : List.of(
                "'anna'",
                "'anna', task => 't', db_id => '" + A + "'",
                "'anna', queue => 'q'",
                "'anna', task => 't', queue => 'q'",
                "null, task => 't'",
                "'', task => 't'")) {
            assertThatThrownBy(() -> database.execute("select app_jobs.pause_jobs(" + wrong + ")"))
                    .as(wrong)
                    .hasMessageContaining("INVALID_ARGUMENT");
        }
    }

    @Test
    void aTasksRetryPolicyStandsBeforeTheDefault() {
        database.execute("insert into app_jobs.task_settings (task_identifier, retry_first, retry_factor, retry_most,"
                + " retry_jitter) values ('exact', '10 s', 2, '1 min', 'none'), ('half', '10 s', 1, '1 h', 'half')");
        for (Map.Entry<Integer, Integer> delay :
                Map.of(1, 10, 2, 20, 3, 40, 4, 60, 5000, 60).entrySet()) {
            assertThat(database.value(
                            "select round(extract(epoch from app_jobs.retry_delay('exact', ?)))::int", delay.getKey()))
                    .isEqualTo(delay.getValue());
        }
        assertThat(database.value("select bool_and(app_jobs.retry_delay('half', 3) between '5 s' and '10 s')"
                        + " from generate_series(1, 100)"))
                .isEqualTo(true);
        assertThat(database.value("select bool_and(app_jobs.retry_delay('any', n) between '1 s' and '22027 s')"
                        + " and max(app_jobs.retry_delay('any', n)) > '1 h' from generate_series(1, 1000) n"))
                .isEqualTo(true);

        add(1, A, "exact");
        claim(1);
        database.execute("select app_jobs.fail_job('worker-1', id, 'no') from app_jobs.jobs");
        assertThat(database.value("select run_at - updated_at = '10 s' from app_jobs.jobs"))
                .isEqualTo(true);
    }

    private void add(int jobs, UUID tenant, String task) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) select ?, ? from generate_series(1, ?)",
                tenant,
                task,
                jobs);
    }

    private void add(int jobs, UUID tenant, String task, String queue) {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, queue_name)"
                        + " select ?, ?, ? from generate_series(1, ?)",
                tenant,
                task,
                queue,
                jobs);
    }

    /** How many jobs of which task a claim took. */
    private Map<String, Integer> claim(int most) {
        return counts("select task_identifier from app_jobs.claim_jobs('worker-1', null, " + most + ", '30 s')");
    }

    private Map<String, Integer> running() {
        return counts("select task_identifier from app_jobs.jobs where locked_at is not null");
    }

    private Map<String, Integer> counts(String query) {
        Map<String, Integer> counts = new HashMap<>();
        database.rows(query).forEach(row -> counts.merge(String.valueOf(row.get("task_identifier")), 1, Integer::sum));
        return counts;
    }
}
