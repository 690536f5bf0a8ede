package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What {@code finish_jobs} says to an outcome that comes after its attempt has ended. */
class RefusedOutcomeTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private final long job = database.addJob("refused-outcome", "{}");

    @Test
    void isAReplayAlsoAfterALaterAttemptHasCompletedTheJob() {
        UUID first = claim();
        assertThat(finish(1, first, "retry")).isEqualTo("accepted");
        database.execute("update app_jobs.jobs set run_at = now() where id = ?", job);
        UUID second = claim();
        assertThat(finish(2, second, "complete")).isEqualTo("accepted");

        assertThat(finish(1, first, "retry")).isEqualTo("replay");
        assertThat(finish(1, first, "complete")).isEqualTo("conflict");
        assertThat(finish(2, second, "complete")).isEqualTo("replay");
        assertThat(finish(2, second, "retry")).isEqualTo("conflict");
        assertThat(finish(2, UUID.randomUUID(), "complete")).isEqualTo("stale");
    }

    private UUID claim() {
        Map<String, @Nullable Object> row = database.rows(
                        "select id, lease_token from app_jobs.claim_jobs('worker-1', array['refused-outcome'], 1, '30 s')")
                .getFirst();
        assertThat(row).containsEntry("id", job);
        return UUID.fromString(String.valueOf(row.get("lease_token")));
    }

    private @Nullable Object finish(int attempt, UUID lease, String outcome) {
        return database.value(
                "select verdict from app_jobs.finish_jobs(array[?]::bigint[], array[?]::int[], array[?]::uuid[],"
                        + " array[?], array[null]::int[], array['x'], array[0]::float8[], array[null]::text[],"
                        + " array[null]::text[])",
                job,
                attempt,
                lease,
                outcome);
    }
}
