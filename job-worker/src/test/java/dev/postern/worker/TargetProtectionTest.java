package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import dev.postern.sql.WorkerReport;
import dev.postern.sql.WorkerReport.Breaker;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A target that is down, overloaded or slow gets no more jobs than it can bear; theirs wait uncharged, others' go on. */
class TargetProtectionTest {

    /** Longer than a test may take: what is claimed in time was not found by the poll. */
    private static final Duration NEVER = Duration.ofMinutes(1);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private final SettableClock clock = new SettableClock();

    /** What the function does with the jobs of the task 'weak'; all others it completes. */
    private volatile Consumer<HttpServerRequest> weak = FakeFunction.answering(200, "");

    @BeforeEach
    void setUp() {
        fixture.clock = clock;
        fixture.function.answers(
                request -> (request.path().equals("/weak") ? weak : FakeFunction.answering(200, "")).accept(request));
    }

    private static void dies(HttpServerRequest request) {
        request.connection().close();
    }

    private static void add(int jobs, String task) {
        database.execute("select app_jobs.add_job(?, ?) from generate_series(1, ?)", JobDatabase.TENANT, task, jobs);
    }

    private static final String UNTOUCHED =
            "select count(*) from app_jobs.jobs j where j.task_identifier = 'weak' and j.attempts = 0"
                    + " and j.infra_failures = 0 and app_jobs.job_state(j) = 'ready'";

    private static final String COMPLETED =
            "select count(*) from app_jobs.job_history where task_identifier = ? and state = 'succeeded'";

    private long weakCalls() {
        return fixture.function.calls.stream()
                .filter(call -> call.path().equals("/weak"))
                .count();
    }

    private Optional<WorkerReport.Target> reported() {
        return Optional.ofNullable(fixture.reported).stream()
                .flatMap(report -> report.targets().stream())
                .filter(target -> target.tasks().contains("weak"))
                .findFirst();
    }

    private WorkerReport.Target seen() {
        return reported().orElseThrow();
    }

    private void awaitBreaker(Breaker breaker) {
        fixture.eventually(
                () -> reported().filter(target -> target.breaker() == breaker).isPresent());
    }

    /** Waits until the breaker is open and everything that was sent before has been answered. */
    private void awaitDown() {
        awaitBreaker(Breaker.OPEN);
        fixture.eventually(0, "select count(*) from app_jobs.jobs where locked_at is not null");
    }

    private boolean opened(long times) {
        return fixture.events.stream().filter("opened weak"::equals).count() == times;
    }

    /** Makes the worker look again, as a notification does. */
    private void nudge() {
        add(1, "nudge");
    }

    @Test
    void jobsOfADeadTargetWaitUnchargedWhileOthersCompleteAndCompleteWhenItIsBack() {
        weak = TargetProtectionTest::dies;
        fixture.start(config -> config.withConcurrency(32));
        add(100, "weak");
        awaitBreaker(Breaker.OPEN);
        add(100, "fine");
        fixture.eventually(100, COMPLETED, "fine");

        assertThat(database.number(UNTOUCHED)).isBetween(30L, 80L);
        assertThat(database.number("select count(*) from app_jobs.jobs where attempts > 0"))
                .isZero();
        assertThat(seen().breaker()).isEqualTo(Breaker.OPEN);
        assertThat(seen().failures()).isGreaterThanOrEqualTo(20);

        weak = FakeFunction.answering(200, "");
        clock.move(Duration.ofSeconds(5));
        nudge();
        fixture.eventually(100, COMPLETED, "weak");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
        assertThat(database.number("select max(attempts) from app_jobs.job_history"))
                .isOne();
    }

    @Test
    void letsExactlyOneJobThroughWhenTheCoolDownIsOver() {
        weak = TargetProtectionTest::dies;
        fixture.start(config -> config.withConcurrency(32));
        add(100, "weak");
        awaitDown();
        nudge();
        fixture.eventually(1, COMPLETED, "nudge");
        long untouched = database.number(UNTOUCHED);
        long calls = weakCalls();

        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        weak = held::add;
        clock.move(Duration.ofSeconds(5));
        nudge();
        fixture.eventually(() -> held.size() == 1);
        nudge();
        fixture.eventually(3, COMPLETED, "nudge");
        assertThat(weakCalls()).isEqualTo(calls + 1);
        assertThat(database.number("select count(*) from app_jobs.jobs where locked_at is not null"))
                .isOne();

        held.getFirst().connection().close();
        fixture.eventually(() -> opened(2));
        nudge();
        fixture.eventually(4, COMPLETED, "nudge");
        assertThat(weakCalls()).isEqualTo(calls + 1);
        assertThat(database.number(UNTOUCHED)).isBetween(untouched - 1, untouched);
        clock.move(Duration.ofSeconds(4));
        nudge();
        fixture.eventually(5, COMPLETED, "nudge");
        assertThat(seen().breaker()).as("open for longer than at first").isEqualTo(Breaker.OPEN);
    }

    @Test
    void ofTwoTasksWithOneUrlOneJobGoesThroughAndTheOtherIsGivenBackUncharged() {
        fixture.functions.put("weak", fixture.function.url() + "/weak");
        fixture.functions.put("twin", fixture.function.url() + "/weak");
        fixture.start(config -> config.withConcurrency(32));
        add(1, "weak");
        add(1, "twin");
        fixture.eventually(2, "select count(*) from app_jobs.job_history");
        weak = TargetProtectionTest::dies;
        add(50, "weak");
        add(50, "twin");
        awaitDown();
        assertThat(seen().tasks()).containsExactlyInAnyOrder("weak", "twin");
        fixture.events.clear();

        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        weak = held::add;
        clock.move(Duration.ofSeconds(5));
        nudge();
        fixture.eventually(
                () -> held.size() == 1 && fixture.events.stream().anyMatch(event -> event.startsWith("released ")));
        nudge();
        fixture.eventually(2, COMPLETED, "nudge");
        assertThat(held).hasSize(1);
        assertThat(database.number("select count(*) from app_jobs.jobs where attempts > 0"))
                .isOne();
    }

    @Test
    void retryAfterPausesItsTargetWhileAnothersJobsGoOn() {
        weak = request -> request.response()
                .setStatusCode(429)
                .putHeader("Retry-After", "30")
                .end();
        fixture.start(config -> config.withConcurrency(8));
        add(1, "weak");
        fixture.eventually(() -> fixture.events.contains("paused weak"));
        add(50, "weak");
        add(50, "fine");
        fixture.eventually(50, COMPLETED, "fine");
        assertThat(weakCalls()).isOne();
        assertThat(database.number(UNTOUCHED)).isEqualTo(50);
        assertThat(seen().pausedFor()).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(33));

        weak = FakeFunction.answering(200, "");
        clock.move(Duration.ofSeconds(33));
        nudge();
        fixture.eventually(50, COMPLETED, "weak");
    }

    @Test
    void whatAPauseHeldBackGoesOutWhenItEndsAndNotAtTheNextPoll() {
        fixture.clock = InstantSource.system();
        weak = request -> request.response()
                .setStatusCode(503)
                .putHeader("Retry-After", "1")
                .end();
        fixture.start(config -> config.withPoll(NEVER));
        add(1, "weak");
        fixture.eventually(() -> fixture.events.contains("paused weak"));
        fixture.eventually(0, "select count(*) from app_jobs.jobs where locked_at is not null");
        // Its own return would wake the worker.
        database.execute("delete from app_jobs.jobs");
        weak = FakeFunction.answering(200, "");
        add(10, "weak");
        fixture.eventually(10, COMPLETED, "weak");
    }

    @Test
    void halvesOnceForABurstAndComesBackToFull() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        weak = held::add;
        fixture.start(config -> config.withConcurrency(8).withPoll(NEVER));
        add(8, "weak");
        fixture.eventually(() -> held.size() == 8);
        weak = held::add;
        held.forEach(request -> request.response().setStatusCode(429).end());
        fixture.eventually(8, "select count(*) from app_jobs.jobs where locked_at is null");
        held.clear();
        add(40, "weak");
        fixture.eventually(() -> held.size() == 4);
        nudge();
        fixture.eventually(1, COMPLETED, "nudge");
        assertThat(held).as("in flight at half of the worker's slots").hasSize(4);

        weak = FakeFunction.answering(200, "");
        held.forEach(request -> request.response().end());
        fixture.eventually(40, COMPLETED, "weak");
        held.clear();
        weak = held::add;
        add(8, "weak");
        fixture.eventually(() -> held.size() == 8);
    }

    @Test
    void aColdStartIsNotPunished() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        weak = held::add;
        fixture.start(config -> config.withConcurrency(8));
        add(8, "weak");
        fixture.eventually(() -> held.size() == 8);
        clock.move(Duration.ofMinutes(4));
        weak = FakeFunction.answering(200, "");
        held.forEach(request -> request.response().end());
        fixture.eventually(8, COMPLETED, "weak");
        fixture.eventually(0, "select jsonb_array_length(targets) from app_jobs.workers");
        List<HttpServerRequest> next = new CopyOnWriteArrayList<>();
        weak = next::add;
        add(8, "weak");
        fixture.eventually(() -> next.size() == 8);
    }

    @Test
    void jobsThatAreHeldBackDoNotKeepTheWorkerLooking() {
        weak = TargetProtectionTest::dies;
        fixture.start(config -> config.withConcurrency(32));
        add(200, "weak");
        awaitDown();
        database.execute(
                "select app_jobs.add_job(?, 'weak', run_at => now() + n * interval '2 ms') from generate_series(1, 1000) n",
                JobDatabase.TENANT);
        database.execute("select app_jobs.add_job(?, 'last', run_at => now() + interval '2 s')", JobDatabase.TENANT);
        fixture.claims.set(0);
        fixture.eventually(1, COMPLETED, "last");
        assertThat(fixture.claims.get()).isLessThan(100);
    }

    @Test
    void sendsWhateverComesWhenTargetsAreNotProtected() {
        weak = TargetProtectionTest::dies;
        fixture.start(config -> config.withProtectTargets(false));
        add(100, "weak");
        fixture.eventually(100, "select count(*) from app_jobs.jobs where infra_failures > 0");
        assertThat(fixture.events).noneMatch(event -> event.startsWith("opened"));
    }

    @Test
    void tellsTheDatabaseWhichTargetsAreRestrictedAndTakesItsLeave() {
        weak = TargetProtectionTest::dies;
        WorkerFixture.Running worker = fixture.start(config -> config.withConcurrency(32));
        fixture.eventually(1, "select count(*) from app_jobs.workers where worker_id = ? and slots = 32", worker.id());
        add(1, "fine");
        add(40, "weak");
        fixture.eventually(
                1,
                "select count(*) from app_jobs.workers where targets -> 0 ->> 'breaker' = 'open'"
                        + " and targets -> 0 -> 'tasks' = '[\"weak\"]' and jsonb_array_length(targets) = 1");
        await(fixture.vertx.undeploy(worker.deployment()));
        assertThat(database.number("select count(*) from app_jobs.workers")).isZero();
    }

    @Test
    void aReportThatCannotBeWrittenCostsNoJob() {
        database.execute("alter table app_jobs.workers rename to away");
        try {
            WorkerFixture.Running worker = fixture.start();
            add(50, "fine");
            fixture.eventually(50, COMPLETED, "fine");
            await(fixture.vertx.undeploy(worker.deployment()));
        } finally {
            database.execute("alter table app_jobs.away rename to workers");
        }
    }
}
