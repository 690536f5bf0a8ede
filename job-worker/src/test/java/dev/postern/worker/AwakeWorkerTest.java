package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import io.vertx.core.Context;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A worker that finds a crowd of jobs promises to look by itself. */
class AwakeWorkerTest {

    private static final String PROMISED = "select last_value from app_jobs.awake_until";

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private final List<Long> taken = new CopyOnWriteArrayList<>();
    private final AtomicInteger woken = new AtomicInteger();
    private volatile IntSupplier room = () -> 64;

    @BeforeEach
    void nobodyPromised() {
        database.execute("select setval('app_jobs.awake_until', 0)");
    }

    private void silence() {
        database.execute("select setval('app_jobs.awake_until',"
                + " (extract(epoch from clock_timestamp() + interval '1 h') * 1000000)::bigint)");
    }

    /** A claim loop that nobody notifies and that polls once a minute. */
    private final class Loop {

        private final Context context = fixture.vertx.getOrCreateContext();
        private final PollPace pace = new PollPace(60_000, () -> true, new Random(7), 0);
        private final ClaimLoop loop;

        Loop(UnaryOperator<WorkerConfig> change) {
            WorkerConfig config = change.apply(
                    WorkerConfig.defaults("worker-1", WorkerFixture.CALLBACK).withPoll(Duration.ofMinutes(1)));
            loop = new ClaimLoop(
                    fixture.vertx,
                    fixture.store(),
                    config,
                    WorkerListener.NONE,
                    new Random(7),
                    pace,
                    new Targets(config, WorkerListener.NONE, InstantSource.system(), new Random(7), () -> {}),
                    new ClaimLoop.Slots() {
                        @Override
                        public int room() {
                            return room.getAsInt();
                        }

                        @Override
                        public boolean low() {
                            return room() > 0;
                        }

                        @Override
                        public Future<?> take(List<ClaimedJob> jobs, long sentAtNanos) {
                            jobs.forEach(job -> taken.add(job.attempt().jobId()));
                            return Future.succeededFuture();
                        }
                    });
        }

        void lookInACrowd() {
            context.runOnContext(ignored -> {
                pace.found(PollPace.CROWD, System.nanoTime());
                loop.wake();
            });
        }
    }

    @Test
    void findsWhatNobodyWasNotifiedOfBecauseOfItsPromise() {
        Loop loop = new Loop(config -> config);
        fixture.eventually(() -> {
            loop.lookInACrowd();
            return database.number(PROMISED) > 0;
        });
        silence();
        long id = database.addJob("late", "{}");
        fixture.eventually(() -> taken.contains(id));
    }

    /** A transaction that was open for long commits before the place from which claims go on in a steady crowd. */
    @Test
    void findsInACrowdWhatWasDueLongBeforeTheLastJob() {
        Loop loop = new Loop(config -> config);
        for (int i = 0; i < 3; i++) {
            long id = database.addJob("crowd", "{}");
            loop.lookInACrowd();
            fixture.eventually(() -> taken.contains(id));
        }
        long late = database.number(
                "select id from app_jobs.add_job(?, 'crowd', run_at => now() - interval '1 min')", JobDatabase.TENANT);
        fixture.eventually(() -> {
            database.addJob("crowd", "{}");
            loop.lookInACrowd();
            return taken.contains(late);
        });
    }

    /** The crowd ends with a claim that goes on from a place; the looks that follow meet what lies before it. */
    @Test
    void findsWhatWasDueLongBeforeTheLastJobWhenTheCrowdHasGone() {
        Loop loop = new Loop(config -> config);
        fixture.eventually(() -> {
            database.addJob("crowd", "{}");
            loop.lookInACrowd();
            return database.number(PROMISED) > 0;
        });
        silence();
        long late = database.number(
                "select id from app_jobs.add_job(?, 'crowd', run_at => now() - interval '1 min')", JobDatabase.TENANT);
        fixture.eventually(() -> taken.contains(late));
    }

    @Test
    void promisesNothingForTasksThatItDoesNotTake() {
        Loop loop = new Loop(config -> config.withTasks(List.of("crowd")));
        for (int i = 0; i < 10; i++) {
            long id = database.addJob("crowd", "{}");
            loop.lookInACrowd();
            fixture.eventually(() -> taken.contains(id));
        }
        assertThat(database.number(PROMISED)).isZero();
    }

    /** Ten jobs of which another worker, which is asleep, has not heard. */
    private JobNotifications otherWorkerAndTenJobs() {
        JobNotifications other = new JobNotifications(
                fixture.vertx,
                database.config(),
                fixture.pool(database.config()),
                JobNotifications.JOBS_CHANNEL,
                "another worker",
                woken::incrementAndGet,
                told -> {});
        other.start();
        fixture.eventually(() -> woken.get() == 1);
        silence();
        for (int i = 0; i < 10; i++) {
            database.addJob("crowd", "{}");
        }
        assertThat(woken).hasValue(1);
        return other;
    }

    /** Inserts tell nobody, so the worker has to, again and again, that there is more than it takes. */
    @Test
    void wakesOthersWhileItHasNoRoomForWhatItPromisedToLookFor() {
        JobNotifications other = otherWorkerAndTenJobs();
        room = () -> 5 - taken.size();
        new Loop(config -> config).lookInACrowd();
        fixture.eventually(() -> woken.get() > 3);
        assertThat(taken).hasSize(5);
        await(other.close());
    }

    @Test
    void wakesOthersWhenItsClaimComesBackFull() {
        JobNotifications other = otherWorkerAndTenJobs();
        room = () -> 5;
        new Loop(config -> config).lookInACrowd();
        fixture.eventually(() -> woken.get() > 1);
        await(other.close());
    }

    @Test
    void takesItsPromiseBackWhenItDrains() {
        WorkerFixture.Running worker = fixture.start();
        silence();
        await(worker.worker().drain(Duration.ofSeconds(20)));
        assertThat(database.number(PROMISED)).isZero();
    }
}
