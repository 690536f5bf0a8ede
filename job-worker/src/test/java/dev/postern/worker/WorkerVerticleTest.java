package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.JobDatabase;
import io.vertx.core.http.HttpServerRequest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class WorkerVerticleTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    @Test
    void dispatchesTheStoredBytesToTheTasksUrl() {
        fixture.start();
        long id = database.addJob("send-email-link", "{ \"a\" : 1.10,\"a\":2 }");
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);

        FakeFunction.Call call = fixture.function.calls.getFirst();
        assertThat(call.path()).isEqualTo("/send-email-link");
        assertThat(call.body()).isEqualTo("{ \"a\" : 1.10,\"a\":2 }");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
    }

    @Test
    void tellsTheFunctionWhoItWorksFor() {
        WorkerFixture.Running worker = fixture.start();
        long id = database.number(
                "select id from app_jobs.add_job(?, 'trace', actor_id => ?::uuid, entity_id => ?::uuid,"
                        + " request_id => 'req-1', traceparent => ?, max_attempts => 3)",
                JobDatabase.TENANT,
                "00000000-0000-0000-0000-00000000000a",
                "00000000-0000-0000-0000-00000000000e",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        fixture.eventually(() -> !fixture.function.calls.isEmpty());

        FakeFunction.Call call = fixture.function.calls.getFirst();
        assertThat(call.header("X-Job-Id")).isEqualTo(Long.toString(id));
        assertThat(call.header("X-Database-Id")).isEqualTo(JobDatabase.TENANT.toString());
        assertThat(call.header("X-Worker-Id")).isEqualTo(worker.id());
        assertThat(call.header("X-Actor-Id")).isEqualTo("00000000-0000-0000-0000-00000000000a");
        assertThat(call.header("X-Entity-Id")).isEqualTo("00000000-0000-0000-0000-00000000000e");
        assertThat(call.header("X-Request-Id")).isEqualTo("req-1");
        assertThat(call.header("X-Job-Task")).isEqualTo("trace");
        assertThat(call.header("X-Job-Attempt")).isEqualTo("1");
        assertThat(call.header("X-Job-Max-Attempts")).isEqualTo("3");
        assertThat(call.header("X-Job-Lease-Seconds")).isEqualTo("300");
        assertThat(call.header("Idempotency-Key")).isEqualTo(JobDatabase.TENANT + ":" + id);
        assertThat(call.header("traceparent")).isEqualTo("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assertThat(Instant.parse(call.header("X-Job-Deadline"))).isAfter(Instant.now());
        String prefix = WorkerFixture.CALLBACK + "/";
        assertThat(call.header(JobHeaders.CALLBACK_URL)).startsWith(prefix);
        AttemptToken token =
                AttemptToken.decode(call.header(JobHeaders.CALLBACK_URL).substring(prefix.length()));
        assertThat(token.jobId()).isEqualTo(id);
        assertThat(token.attempt()).isOne();
    }

    @Test
    void tellsFollowUpJobsWhatTheAddingSessionSaidAndScheduledJobsNothing() throws SQLException {
        fixture.function.answers(request -> FakeFunction.answering(
                        200, request.path().equals("/first") ? "{\"jobs\":[{\"task\":\"next\",\"key\":\"k\"}]}" : "{}")
                .accept(request));
        fixture.start();
        Map<String, String> context = Map.of(
                "X-Actor-Id", "00000000-0000-0000-0000-00000000000a",
                "X-Entity-Id", "00000000-0000-0000-0000-00000000000e",
                "X-Request-Id", "req-1",
                "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        try (Connection session = database.connect()) {
            session.setAutoCommit(false);
            context.forEach((header, value) -> JobDatabase.rows(
                    session,
                    "select set_config(?, ?, true)",
                    "postern."
                            + header.toLowerCase(Locale.ROOT)
                                    .replaceFirst("^x-", "")
                                    .replace('-', '_'),
                    value));
            JobDatabase.rows(session, "select app_jobs.add_job(?, 'first')", JobDatabase.TENANT);
            JobDatabase.rows(session, "select app_jobs.add_jobs(?, '[{\"task\": \"many\"}]')", JobDatabase.TENANT);
            JobDatabase.rows(
                    session,
                    "select app_jobs.run_scheduled_job((select id from app_jobs.add_scheduled_job(?, 'scheduled')))",
                    JobDatabase.TENANT);
            session.commit();
        }
        fixture.eventually(4, "select count(*) from app_jobs.job_history");

        Map<String, FakeFunction.Call> calls =
                fixture.function.calls.stream().collect(Collectors.toMap(FakeFunction.Call::path, call -> call));
        for (String path : List.of("/first", "/next", "/many", "/scheduled")) {
            FakeFunction.Call call = Objects.requireNonNull(calls.get(path), path);
            context.forEach((header, value) -> assertThat(call.header(header))
                    .as("%s of %s", header, path)
                    .isEqualTo(path.equals("/scheduled") ? "" : value));
        }
    }

    @Test
    void sendsAPayloadWithNulAsItIs() {
        fixture.function.answers(400, "{}");
        fixture.start();
        database.addJob("nul", "{\"a\\u0000\": \"\\u0000\\ud800\"}");
        fixture.eventually(1, "select count(*) from app_jobs.jobs j where app_jobs.job_state(j) = 'dead'");
        assertThat(fixture.function.calls.getFirst().body()).isEqualTo("{\"a\\u0000\": \"\\u0000\\ud800\"}");
        fixture.function.answers(200, "{}");
        database.execute("select app_jobs.reschedule_jobs(array_agg(id), now(), attempts => 0) from app_jobs.jobs");
        // An update notifies nobody; the next job does.
        database.addJob("ping", "{}");
        fixture.eventually(2, "select count(*) from app_jobs.job_history where state = 'succeeded'");
    }

    @Test
    void startsADelayedJobWhenItIsDueAndNotBefore() {
        fixture.start();
        long id = database.number(
                "select id from app_jobs.add_job(?, 'later', run_at => now() + interval '1.5 s')", JobDatabase.TENANT);
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", id);
        assertThat(
                        database.value(
                                "select started_at >= run_at and started_at < run_at + interval '5 s' from app_jobs.job_history"))
                .isEqualTo(true);
    }

    @Test
    void takesOnlyItsOwnTasks() {
        fixture.start(config -> config.withTasks(List.of("mine")));
        database.addJob("theirs", "{}");
        long mine = database.addJob("mine", "{}");
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", mine);
        assertThat(database.number("select count(*) from app_jobs.jobs where attempts = 0"))
                .isOne();
    }

    @Test
    void runsAsManyAtOnceAsItHasSlots() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        fixture.start(config -> config.withConcurrency(5));
        database.execute("select app_jobs.add_job(?, 'slow') from generate_series(1, 8)", JobDatabase.TENANT);
        fixture.eventually(() -> held.size() == 5);
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_at is not null"))
                .isEqualTo(5);
        fixture.function.answers(200, "");
        held.forEach(request -> request.response().end());
        fixture.eventually(8, "select count(*) from app_jobs.job_history");
    }

    @Test
    void aCommittedJobIsNeverLostWhenTenWorkersShareAHundred() {
        fixture.function.answers(
                request -> fixture.vertx.setTimer(20, t -> request.response().end()));
        for (int i = 0; i < 10; i++) {
            fixture.start(config -> config.withConcurrency(2));
        }
        database.execute("select app_jobs.add_job(?, 'share') from generate_series(1, 100)", JobDatabase.TENANT);
        fixture.eventually(100, "select count(*) from app_jobs.job_history where state = 'succeeded'");

        Map<String, Long> perJob = fixture.function.calls.stream()
                .collect(Collectors.groupingBy(call -> call.header("X-Job-Id"), Collectors.counting()));
        assertThat(perJob)
                .hasSize(100)
                .allSatisfy((job, times) -> assertThat(times).isOne());
        Set<String> workers = fixture.function.calls.stream()
                .map(call -> call.header("X-Worker-Id"))
                .collect(Collectors.toSet());
        assertThat(workers).hasSize(10);
    }

    @Test
    void queueJobsRunOneAtATimeInOrder() {
        List<String> running = new CopyOnWriteArrayList<>();
        List<String> overlaps = new CopyOnWriteArrayList<>();
        fixture.function.answers(request -> {
            String job = request.getHeader("X-Job-Id");
            running.add(job);
            if (running.size() > 1) {
                overlaps.add(running.toString());
            }
            fixture.vertx.setTimer(5, t -> {
                running.remove(job);
                request.response().end();
            });
        });
        for (int i = 0; i < 3; i++) {
            fixture.start();
        }
        database.execute(
                "select app_jobs.add_job(?, 'in-order', queue_name => 'one') from generate_series(1, 40)",
                JobDatabase.TENANT);
        fixture.eventually(40, "select count(*) from app_jobs.job_history");
        assertThat(overlaps).isEmpty();
        assertThat(fixture.function.calls.stream()
                        .map(call -> Long.parseLong(call.header("X-Job-Id")))
                        .toList())
                .isSorted();
    }

    @Test
    void keepsTheResultAndAddsFollowUpJobsInOneTransaction() {
        fixture.function.answers(request -> {
            if (request.path().equals("/first")) {
                FakeFunction.answering(
                                200,
                                "{\"done\":true,\"jobs\":[{\"task\":\"second\",\"payload\":{\"n\":2},\"priority\":3}]}")
                        .accept(request);
            } else {
                request.response().setStatusCode(204).end();
            }
        });
        fixture.start();
        long id = database.addJob("first", "{}");
        fixture.eventually(2, "select count(*) from app_jobs.job_history");
        assertThat(database.value("select result ->> 'done' from app_jobs.job_history where id = ?", id))
                .isEqualTo("true");
        assertThat(database.value(
                        "select payload::text || priority from app_jobs.job_history where task_identifier = 'second'"))
                .isEqualTo("{\"n\":2}3");
    }

    @Test
    void handsTheLeaseToAFunctionThatAnswers202() {
        fixture.function.answers(request -> request.response()
                .setStatusCode(202)
                .putHeader("X-Job-Lease-Seconds", "900")
                .end());
        fixture.start();
        long id = database.addJob("long", "{}");
        fixture.eventually(1, "select count(*) from app_jobs.jobs where id = ? and waiting_since is not null", id);
        assertThat(database.value(
                        "select lease_expires_at - waiting_since between '890 s' and '910 s' from app_jobs.jobs"))
                .isEqualTo(true);
    }

    @Test
    void aListenerThatThrowsCostsNoJob() {
        fixture.throwing = true;
        fixture.start();
        database.execute("select app_jobs.add_job(?, 'ping') from generate_series(1, 5)", JobDatabase.TENANT);
        fixture.eventually(5, "select count(*) from app_jobs.job_history where attempts = 1");
    }

    @Test
    void renewsItsLeasesWhileTheFunctionWorks() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        fixture.start(config -> config.withLease(Duration.ofSeconds(1)));
        long id = database.addJob("slow", "{}");
        fixture.eventually(() -> !held.isEmpty());
        fixture.eventually(
                1,
                "select count(*) from app_jobs.jobs where id = ? and lease_expires_at > locked_at + interval '2.5 s'",
                id);
        held.getFirst().response().end();
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and attempts = 1", id);
    }

    @Test
    void givesBackUnchargedWhatItCannotFinishWhileDraining() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        WorkerFixture.Running worker = fixture.start();
        long id = database.addJob("slow", "{}");
        fixture.eventually(() -> !held.isEmpty());

        List<Long> left = await(worker.worker().drain(Duration.ofMillis(50)));

        assertThat(left).containsExactly(id);
        assertThat(database.number(
                        "select count(*) from app_jobs.jobs where id = ? and attempts = 0 and locked_at is null", id))
                .isOne();
    }

    @Test
    void finishesWhatRunsAndCallsNothingWhileDraining() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        WorkerFixture.Running worker = fixture.start();
        long id = database.addJob("slow", "{}");
        fixture.eventually(() -> !held.isEmpty());
        var drained = worker.worker().drain(Duration.ofSeconds(15));
        long late = database.addJob("too-late", "{}");
        held.getFirst().response().end();

        // A claim that was under way may have met the late job; then it was given back.
        assertThat(await(drained)).isSubsetOf(late);
        assertThat(database.number("select count(*) from app_jobs.job_history where id = ?", id))
                .isOne();
        assertThat(database.number("select count(*) from app_jobs.jobs where attempts = 0 and locked_at is null"))
                .isOne();
        await(fixture.vertx.undeploy(worker.deployment()));
        assertThat(held).hasSize(1);
    }

    @Test
    void givesBackWhatAClaimBringsThatWasUnderWayWhenTheDrainBegan() throws SQLException {
        try (Connection lock = database.connect()) {
            lock.setAutoCommit(false);
            JobDatabase.rows(lock, "lock table app_jobs.jobs in access exclusive mode");
            WorkerFixture.Running worker = fixture.start();
            fixture.eventually(
                    1,
                    "select count(*) from pg_stat_activity where datname = current_database()"
                            + " and wait_event_type = 'Lock' and query ~ 'claim_jobs'");
            Object id = JobDatabase.rows(lock, "select id from app_jobs.add_job(?, 'late')", JobDatabase.TENANT)
                    .getFirst()
                    .get("id");
            var drained = worker.worker().drain(Duration.ofSeconds(15));
            lock.commit();

            assertThat(await(drained))
                    .asInstanceOf(InstanceOfAssertFactories.LIST)
                    .containsExactly(id);
        }
        assertThat(fixture.function.calls).isEmpty();
    }
}
