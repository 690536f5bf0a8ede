package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.local.FreePort;
import dev.postern.sql.JobDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The promises of docs/, kept by real processes that are really killed. */
class PromisesTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final ScriptedFunction function = new ScriptedFunction();
    private final List<ServiceProcess> processes = new ArrayList<>();

    @BeforeEach
    void emptyTables() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history");
    }

    @AfterEach
    void stopAll() {
        processes.forEach(ServiceProcess::close);
        function.close();
    }

    private ServiceProcess service(String... settings) throws InterruptedException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "FUNCTION_URL",
                function.url(),
                "JOBS_CALLBACK_HOST",
                "127.0.0.1",
                "INTERNAL_JOBS_CALLBACK_PORT",
                Integer.toString(FreePort.any()),
                "POSTERN_LEASE_SECONDS",
                "2"));
        for (int i = 0; i < settings.length; i += 2) {
            environment.put(settings[i], settings[i + 1]);
        }
        ServiceProcess process = ServiceProcess.serve(database.config(), environment);
        processes.add(process);
        return process.awaitReady();
    }

    private static void eventually(long expected, String sql, @Nullable Object... arguments) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> database.number(sql, arguments) == expected);
    }

    @Test
    void promise7_aKilledWorkersJobIsDispatchedAgainAndItsOldOutcomeRefused() throws Exception {
        BlockingQueue<ScriptedFunction.Call> held = new LinkedBlockingQueue<>();
        function.does(held::add);
        ServiceProcess first = service();
        long id = database.addJob("slow", "{}");
        ScriptedFunction.Call stale = held.poll(60, TimeUnit.SECONDS);
        first.kill();

        function.does(call -> call.answer(200));
        service();
        eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);

        assertThat(database.rows(
                                "select attempts, infra_failures, errors -> 0 ->> 'outcome' as outcome from app_jobs.job_history")
                        .getFirst())
                .containsEntry("attempts", 2)
                .containsEntry("infra_failures", 1)
                .containsEntry("outcome", "expired");
        ScriptedFunction.Call again = function.calls.getLast();
        assertThat(again.header("X-Job-Attempt")).isEqualTo("2");
        assertThat(again.header("Idempotency-Key")).isEqualTo(stale.header("Idempotency-Key"));
        assertThat(again.header("X-Worker-Id")).isNotEqualTo(stale.header("X-Worker-Id"));
        assertThat(database.value(
                        "select app_jobs.refused_outcome(?, (errors -> 0 ->> 'lease')::uuid, 'complete')"
                                + " from app_jobs.job_history",
                        id))
                .isEqualTo("stale");
    }

    @Test
    void promise1_nothingIsLostWhenWorkersAreKilledInTheMiddleOfAHundredJobs() throws Exception {
        ServiceProcess first = service("POSTERN_CONCURRENCY", "4");
        service("POSTERN_CONCURRENCY", "4");
        database.execute("select app_jobs.add_job(?, 'many') from generate_series(1, 100)", JobDatabase.TENANT);
        Awaitility.await().until(() -> function.calls.size() > 20);
        first.kill();
        eventually(100, "select count(distinct id) from app_jobs.job_history where state = 'succeeded'");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
        assertThat(database.number("select count(*) from app_jobs.job_history")).isEqualTo(100);
    }

    @Test
    void promise2_aJobIsDispatchedAgainUnderTheSameIdempotencyKeyUntilItEnds() throws Exception {
        function.does(call -> call.answer(function.calls.size() < 3 ? 503 : 200));
        service();
        long id = database.addJob("unsteady", "{}");
        eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);
        assertThat(function.calls).hasSize(3);
        assertThat(function.calls.stream().map(call -> call.header("Idempotency-Key")))
                .containsOnly(JobDatabase.TENANT + ":" + id);
        assertThat(function.calls.stream().map(call -> call.header("X-Callback-Url")))
                .doesNotHaveDuplicates();
    }

    @Test
    void promise5_oneJobPerScheduleAndTickWhileSchedulersAreKilledOverAMonth() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        database.execute("create table month (at timestamptz not null)");
        database.execute("insert into month values ('2026-10-01 00:00Z')");
        database.execute(
                "create or replace function app_jobs.schedule_clock() returns timestamptz language sql volatile"
                        + " as 'select at from public.month'");
        try {
            for (int n = 0; n < 6; n++) {
                database.execute(
                        "select app_jobs.add_scheduled_job(?, 'hourly', '{}', '\"0 * * * *\"', missed_ticks => 'all',"
                                + " overlap => 'allow')",
                        JobDatabase.TENANT);
            }
            for (int n = 0; n < 3; n++) {
                scheduler();
            }
            eventually(0, "select count(*) from app_jobs.scheduled_jobs where next_tick_at is null");
            int days = 31;
            for (int day = 0; day < days; day++) {
                database.execute("update month set at = at + interval '1 day'");
                database.execute("select pg_notify('scheduled_jobs:insert', '')");
                if (day % 8 == 4) {
                    // Somewhere in the day's ticks.
                    long taken = day * 24L * 6 + random.nextInt(100);
                    Awaitility.await("seed " + seed)
                            .pollInterval(Duration.ofMillis(2))
                            .until(() -> database.number("select count(*) from app_jobs.schedule_ticks") >= taken);
                    processes.remove(random.nextInt(3)).kill();
                    scheduler();
                }
                eventually(
                        0, "select count(*) from app_jobs.scheduled_jobs where next_tick_at <= (select at from month)");
            }

            assertThat(database.rows(
                            "select count(*) as ticks, count(distinct job_id) as jobs from app_jobs.schedule_ticks"
                                    + " group by schedule_id"))
                    .as("seed %s", seed)
                    .hasSize(6)
                    .allSatisfy(row -> assertThat(row).isEqualTo(Map.of("ticks", days * 24L, "jobs", days * 24L)));
            assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(days * 24L * 6);
        } finally {
            processes.forEach(ServiceProcess::close);
            database.execute("truncate app_jobs.scheduled_jobs cascade");
            database.execute(
                    "create or replace function app_jobs.schedule_clock() returns timestamptz language sql volatile"
                            + " as 'select clock_timestamp()'");
            database.execute("drop table month");
        }
    }

    private void scheduler() throws InterruptedException {
        // Ticks are forgotten by the real clock, to which the month may be long ago.
        service("POSTERN_ROLES", "scheduler", "JOBS_HISTORY_RETENTION", "3650");
    }

    @Test
    void drainsOnSigtermAndGivesBackWhatItCannotFinish() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        function.does(call -> arrived.countDown());
        ServiceProcess process = service("POSTERN_DRAIN_SECONDS", "0", "POSTERN_LEASE_SECONDS", "600");
        long id = database.addJob("slow", "{}");
        assertThat(arrived.await(60, TimeUnit.SECONDS)).isTrue();

        assertThat(process.terminate(Duration.ofSeconds(60))).isEqualTo(143);

        assertThat(database.rows("select attempts, locked_at is null as free from app_jobs.jobs where id = ?", id))
                .containsExactly(Map.of("attempts", 0, "free", true));
    }

    @Test
    void promise3_oneOutcomeWhenAConstructiveFunctionAnswers200AndThenCallsBack() throws Exception {
        BlockingQueue<Integer> callbacks = new LinkedBlockingQueue<>();
        function.does(call -> {
            call.answer(200);
            callbacks.add(call.callBack(false));
        });
        service();
        long id = database.addJob("constructive", "{}");
        assertThat(callbacks.poll(60, TimeUnit.SECONDS)).isEqualTo(200);
        eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);
        assertThat(function.calls).hasSize(1);
    }

    @Test
    void promise3_oneOutcomeWhenAConstructiveFunctionCallsBackAndThenAnswers200() throws Exception {
        BlockingQueue<Integer> callbacks = new LinkedBlockingQueue<>();
        function.does(call -> {
            callbacks.add(call.callBack(false));
            call.answer(200);
        });
        service();
        long id = database.addJob("constructive", "{}");
        assertThat(callbacks.poll(60, TimeUnit.SECONDS)).isEqualTo(200);
        eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);
        assertThat(function.calls).hasSize(1);
    }

    @Test
    void promise3_anErrorOfAConstructiveFunctionIsChargedOnce() throws Exception {
        BlockingQueue<Integer> callbacks = new LinkedBlockingQueue<>();
        AtomicBoolean answered = new AtomicBoolean();
        function.does(call -> {
            // The next attempt may begin at once, by the jitter of its delay: it stays unanswered.
            if (answered.compareAndSet(false, true)) {
                callbacks.add(call.callBack(true));
                call.answer(200, "X-Job-Error", "true");
            }
        });
        service();
        long id = database.addJob("constructive", "{}");
        assertThat(callbacks.poll(60, TimeUnit.SECONDS)).isEqualTo(200);
        eventually(
                1,
                "select count(*) from app_jobs.jobs where id = ? and last_error is not null"
                        + " and attempts = 1 + (locked_at is not null)::int",
                id);
        assertThat(database.value("select last_error from app_jobs.jobs where id = ?", id))
                .isEqualTo("ERROR");
        assertThat(database.number("select jsonb_array_length(errors) from app_jobs.jobs where id = ?", id))
                .isOne();
    }

    @Test
    void aFunctionThatAnswers202EndsByItsCallback() throws Exception {
        BlockingQueue<ScriptedFunction.Call> held = new LinkedBlockingQueue<>();
        function.does(call -> {
            call.answer(202);
            held.add(call);
        });
        service();
        long id = database.addJob("long", "{}");
        ScriptedFunction.Call call = held.poll(60, TimeUnit.SECONDS);
        eventually(1, "select count(*) from app_jobs.jobs where id = ? and waiting_since is not null", id);
        assertThat(call.callBack("/progress", false, "{\"percent\":50}")).isEqualTo(200);
        assertThat(call.callBack("/heartbeat", false, "")).isEqualTo(200);
        assertThat(call.callBack("/complete", false, "{\"rows\":3}")).isEqualTo(200);
        assertThat(database.value("select result ->> 'rows' from app_jobs.job_history where id = ?", id))
                .isEqualTo("3");
        assertThat(call.callBack("/fail", false, "{\"error\":\"too late\"}")).isEqualTo(409);
    }
}
