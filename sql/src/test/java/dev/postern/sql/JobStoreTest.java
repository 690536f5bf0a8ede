package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JobStoreTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final Vertx vertx = Vertx.vertx();
    private final JobStore store = new JobStore(JobStore.pool(vertx, database.config(), "store test"), "app_jobs");

    @AfterEach
    void stop() {
        vertx.close().await();
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.25S", "PT30S", "PT90S", "PT5H", "P2DT3H4M5.000006S"})
    void leasesAJobForTheTimeAskedFor(Duration lease) {
        database.execute("truncate app_jobs.jobs");
        database.addJob("system-ping", "{}");

        store.claim("worker-1", Optional.empty(), 1, lease, Map.of(), null, null)
                .await();

        // locked_at is the beginning of the statement, the lease begins within it.
        assertThat(database.value(
                        "select lease_expires_at - locked_at between ?::interval and ?::interval + interval '5 s'"
                                + " from app_jobs.jobs",
                        lease.toString(),
                        lease.toString()))
                .isEqualTo(true);
    }

    @Test
    void readsADatabaseWhoseSessionsSpeakAnotherEncodingByDefault() {
        database.execute("truncate app_jobs.jobs");
        database.addJob("grüße", "{}");
        database.alter("set client_encoding = 'LATIN1'");

        assertThat(store.claim("worker-1", Optional.empty(), 1, Duration.ofSeconds(30), Map.of(), null, null)
                        .await())
                .extracting(ClaimedJob::task)
                .containsExactly("grüße");
    }
}
