package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import dev.postern.sql.TcpProxy;
import dev.postern.sql.Verdict;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Promise 6 on the worker's side: a cancelled job's exchange is broken off at once, and nothing else is. */
class CancelWatchTest {

    /** So long that no renewal comes within a test: what is noticed here is not noticed by one. */
    private static final Duration LEASE = Duration.ofMinutes(30);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    /** What the function was sent and has not answered, by the job's id. */
    private final Map<Long, HttpServerRequest> held = new ConcurrentHashMap<>();

    /** Jobs whose function saw its connection close. */
    private final List<Long> closed = new CopyOnWriteArrayList<>();

    @BeforeEach
    void hang() {
        fixture.function.answers(request -> {
            long id = Long.parseLong(request.getHeader("X-Job-Id"));
            request.response().closeHandler(ignored -> closed.add(id));
            held.put(id, request);
        });
    }

    @Test
    void promise6BreaksOffACancelledJobAndFreesItsSlot() {
        fixture.start(config -> config.withLease(LEASE).withConcurrency(1));
        breaksOffAndGoesOn();
    }

    @Test
    void promise6BreaksOffACancelledJobWithoutListening() {
        fixture.start(
                database.config(),
                Optional.empty(),
                config -> config.withLease(LEASE).withConcurrency(1));
        breaksOffAndGoesOn();
    }

    @Test
    void promise6BreaksOffACancelledJobWhileTheListeningConnectionIsDown() {
        try (TcpProxy line = line()) {
            fixture.start(
                    database.config(),
                    Optional.of(over(line)),
                    config -> config.withLease(LEASE).withConcurrency(1));
            long job = database.addJob("first", "{}");
            fixture.eventually(() -> held.containsKey(job));
            line.cut();
            database.execute("select app_jobs.cancel_job(?)", job);
            fixture.eventually(() -> closed.contains(job));

            line.resume();
            breaksOffAndGoesOn();
        }
    }

    private void breaksOffAndGoesOn() {
        long first = database.addJob("first", "{}");
        fixture.eventually(() -> held.containsKey(first));
        long second = database.addJob("second", "{}");

        database.execute("select app_jobs.cancel_job(?)", first);

        fixture.eventually(() -> closed.contains(first) && held.containsKey(second));
        assertThat(fixture.events).contains("cancelled " + first);
        answer(second);
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", second);
        assertThat(fixture.events).noneMatch(event -> event.startsWith("lost"));
        assertThat(fixture.events).noneMatch(event -> event.startsWith("ended " + first));
        assertThat(database.value("select state from app_jobs.job_history where id = ?", first))
                .isEqualTo("cancelled");
    }

    @Test
    void promise6BreaksOffWhatIsCancelledOnEachOfTwoWorkersAndNothingElse() {
        fixture.start(config -> config.withLease(LEASE).withConcurrency(3));
        fixture.start(config -> config.withLease(LEASE).withConcurrency(3));
        List<Long> jobs = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            jobs.add(database.addJob("job-" + i, "{}"));
        }
        fixture.eventually(() -> held.keySet().containsAll(jobs));
        List<Long> cancelled = List.of(jobs.get(0), jobs.get(2), jobs.get(3), jobs.get(5));
        assertThat(database.number("select count(distinct locked_by) from app_jobs.jobs"))
                .isEqualTo(2);

        database.execute("select app_jobs.cancel_jobs(array[?, ?, ?, ?]::bigint[], 'enough')", cancelled.toArray());

        fixture.eventually(() -> closed.containsAll(cancelled));
        for (long id : List.of(jobs.get(1), jobs.get(4))) {
            answer(id);
            fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", id);
        }
        assertThat(closed).containsExactlyInAnyOrderElementsOf(cancelled);
        assertThat(database.number("select count(*) from app_jobs.job_history where state = 'cancelled'"))
                .isEqualTo(4);
    }

    @Test
    void aNotificationOfAJobThatWasNotCancelledBreaksNothingOff() {
        fixture.start(config -> config.withLease(LEASE));
        long spared = database.addJob("spared", "{}");
        long cancelled = database.addJob("cancelled", "{}");
        fixture.eventually(() -> held.size() == 2);
        database.execute("select pg_notify('jobs:cancel', 'nonsense'), pg_notify('jobs:cancel', ?)", "" + spared);
        database.execute("select app_jobs.cancel_job(?)", cancelled);
        fixture.eventually(() -> closed.contains(cancelled));
        answer(spared);
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and state = 'succeeded'", spared);
    }

    @Test
    void breaksOffAJobThatSomebodyElseReleased() {
        WorkerFixture.Running worker =
                fixture.start(config -> config.withLease(LEASE).withConcurrency(1));
        long id = database.addJob("released", "{}");
        fixture.eventually(() -> held.containsKey(id));
        HttpServerRequest first = Objects.requireNonNull(held.get(id));
        database.execute("select app_jobs.release_jobs(?)", worker.id());
        // The slot is free again and the same job comes back.
        fixture.eventually(() -> closed.contains(id) && held.get(id) != first);
        assertThat(fixture.events).contains("lost " + id);
        answer(id);
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", id);
    }

    @Test
    void asksOfAllItHoldsWhenNobodyListensAndOfNoneWhileSomebodyDoes() {
        Watched w = new Watched(fixture.store());
        InFlight.Entry entry = w.claimed();
        database.execute("select app_jobs.cancel_job(?)", entry.job.attempt().jobId());

        w.listening = true;
        w.tick();
        assertThat(w.taken).isEmpty();

        w.listening = false;
        w.tick();
        assertThat(w.taken).containsExactly(Map.entry(entry, Verdict.CANCELLED));
    }

    @Test
    void asksOfAllItHoldsWhenTheListeningConnectionIsNew() {
        Watched w = new Watched(fixture.store());
        InFlight.Entry entry = w.claimed();
        w.claimed();
        database.execute("select app_jobs.cancel_job(?)", entry.job.attempt().jobId());
        w.on(() -> w.watch.missed());
        fixture.eventually(() -> w.taken.equals(List.of(Map.entry(entry, Verdict.CANCELLED))));
    }

    @Test
    void aCancelThatIsHeardBeforeTheClaimIsAnsweredIsNotLost() {
        JobStore store = fixture.store();
        Watched w = new Watched(store);
        database.addJob("ping", "{}");
        long sentAt = System.nanoTime();
        ClaimedJob job = await(store.claim("worker-1", Optional.empty(), 1, LEASE, Map.of(), null, null))
                .getFirst();
        database.execute("select app_jobs.cancel_job(?)", job.attempt().jobId());
        w.on(() -> w.watch.heard(Long.toString(job.attempt().jobId())));

        InFlight.Entry entry = w.inFlight.add(job, Long.MAX_VALUE);
        w.on(() -> w.watch.claimed(entry, sentAt));

        fixture.eventually(() -> w.taken.equals(List.of(Map.entry(entry, Verdict.CANCELLED))));
    }

    @Test
    void asksAgainWhatItCouldNotAsk() {
        try (TcpProxy line = line()) {
            Watched w = new Watched(fixture.store(over(line)));
            InFlight.Entry entry = w.claimed();
            database.execute(
                    "select app_jobs.cancel_job(?)", entry.job.attempt().jobId());
            line.cut();
            w.listening = false;
            // Ends when the question has failed.
            w.tick();
            assertThat(w.taken).isEmpty();
            w.listening = true;
            line.resume();
            fixture.eventually(() -> {
                w.tick();
                return w.taken.equals(List.of(Map.entry(entry, Verdict.CANCELLED)));
            });
        }
    }

    private void answer(long id) {
        Objects.requireNonNull(held.get(id)).response().end();
    }

    /** A watch without a worker, of jobs that are claimed by hand. */
    private final class Watched {

        final InFlight inFlight = new InFlight();
        final List<Map.Entry<InFlight.Entry, Verdict>> taken = new CopyOnWriteArrayList<>();
        volatile boolean listening = true;
        final CancelWatch watch;
        private final Context context = fixture.vertx.getOrCreateContext();

        Watched(JobStore store) {
            watch = new CancelWatch(fixture.vertx, store, inFlight, () -> listening, (entry, verdict) -> {
                entry.lost = true;
                taken.add(Map.entry(entry, verdict));
            });
        }

        InFlight.Entry claimed() {
            database.addJob("ping", "{}");
            return inFlight.add(
                    await(fixture.store().claim("worker-1", Optional.empty(), 1, LEASE, Map.of(), null, null))
                            .getFirst(),
                    Long.MAX_VALUE);
        }

        void tick() {
            await(on(watch::tick));
        }

        void on(Runnable call) {
            await(on(() -> {
                call.run();
                return Future.succeededFuture();
            }));
        }

        private <T> Future<T> on(Supplier<Future<T>> call) {
            Promise<T> done = Promise.promise();
            fixture.vertx
                    .getOrCreateContext()
                    .runOnContext(ignored -> call.get().onComplete(done));
            return done.future();
        }
    }

    private TcpProxy line() {
        return TcpProxy.start(
                fixture.vertx, database.config().host(), database.config().port());
    }

    private static DatabaseConfig over(TcpProxy line) {
        DatabaseConfig direct = database.config();
        return new DatabaseConfig(
                "127.0.0.1",
                line.port(),
                direct.database(),
                direct.user(),
                direct.password(),
                direct.schema(),
                direct.poolSize(),
                direct.tls());
    }
}
