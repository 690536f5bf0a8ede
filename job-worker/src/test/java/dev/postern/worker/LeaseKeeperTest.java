package dev.postern.worker;

import static dev.postern.worker.FakeFunction.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class LeaseKeeperTest {

    private static final Duration LEASE = Duration.ofSeconds(30);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private final List<InFlight.Entry> lost = new ArrayList<>();

    private InFlight.Entry claimed(InFlight inFlight, JobStore store, long trustedUntil) {
        database.addJob("ping", "{}");
        ClaimedJob job = await(store.claim("worker-1", Optional.empty(), 1, LEASE, Map.of(), null, null))
                .getFirst();
        return inFlight.add(job, trustedUntil);
    }

    @Test
    void losesWhatTheDatabaseNoLongerKnowsUnlessItsOutcomeIsWhyItDoesNot() {
        JobStore store = fixture.store();
        InFlight inFlight = new InFlight();
        InFlight.Entry running = claimed(inFlight, store, Long.MAX_VALUE);
        InFlight.Entry answered = claimed(inFlight, store, Long.MAX_VALUE);
        answered.answered = true;
        database.execute("truncate app_jobs.jobs");

        await(new LeaseKeeper(fixture.vertx, store, inFlight, LEASE, lost::add).tick());

        assertThat(lost).containsExactly(running);
        assertThat(inFlight.held()).containsExactly(answered);
    }

    @Test
    void tellsAJobThatWasCancelledFromALeaseThatIsLost() {
        JobStore store = fixture.store();
        InFlight inFlight = new InFlight();
        InFlight.Entry cancelled = claimed(inFlight, store, Long.MAX_VALUE);
        InFlight.Entry expired = claimed(inFlight, store, Long.MAX_VALUE);
        database.execute(
                "select app_jobs.cancel_job(?)", cancelled.job.attempt().jobId());
        database.execute("update app_jobs.jobs set lease_expires_at = now()");

        await(new LeaseKeeper(fixture.vertx, store, inFlight, LEASE, lost::add).tick());

        assertThat(lost).containsExactly(cancelled, expired);
        assertThat(cancelled.cancelled).isTrue();
        assertThat(expired.cancelled).isFalse();
    }

    @Test
    void renewsAnAnsweredJobUntilItsOutcomeIsStored() {
        JobStore store = fixture.store();
        InFlight inFlight = new InFlight();
        claimed(inFlight, store, Long.MAX_VALUE).answered = true;
        database.execute("update app_jobs.jobs set lease_expires_at = now() + interval '5 s'");

        await(new LeaseKeeper(fixture.vertx, store, inFlight, LEASE, lost::add).tick());

        assertThat(database.value("select lease_expires_at > now() + interval '20 s' from app_jobs.jobs"))
                .isEqualTo(true);
        assertThat(lost).isEmpty();
    }
}
