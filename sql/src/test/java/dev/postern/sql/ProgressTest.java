package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code report_progress} keeps; that it is fenced is {@link FenceTest}'s. */
class ProgressTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String REPORT = "select verdict from app_jobs.report_progress(?, ?, ?, '1 h', ?::jsonb)";

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    @Test
    void isKeptWithItsTimeAndNothingElse() {
        Attempt attempt = claimed();
        report(attempt, "{\"percent\": 40.5, \"step\": 2, \"steps\": 6, \"message\": \"rows\", \"rows\": 17}");
        assertThat(progress(attempt))
                .isEqualTo("{\"step\": 2, \"steps\": 6, \"message\": \"rows\", \"percent\": 40.5}");
        assertThat(database.value("select (progress ->> 'at')::timestamptz between locked_at and clock_timestamp()"
                        + " from app_jobs.jobs"))
                .isEqualTo(true);
    }

    @Test
    void goesForwardsOnlyButEveryReportIsASignOfLife() {
        Attempt attempt = claimed();
        report(attempt, "{\"percent\": 40, \"step\": 2, \"steps\": 6, \"message\": \"here\"}");
        String stored = progress(attempt);
        for (String late : new String[] {
            "{\"percent\": 39.9, \"message\": \"late\"}",
            "{\"percent\": 60, \"step\": 1, \"steps\": 6}",
            "{\"step\": 1, \"steps\": 6, \"message\": \"late\"}"
        }) {
            database.execute("update app_jobs.jobs set lease_expires_at = now() + interval '1 min'");
            report(attempt, late);
            assertThat(progress(attempt)).as(late).isEqualTo(stored);
            assertThat(database.value("select lease_expires_at > now() + interval '30 min' from app_jobs.jobs"))
                    .as(late)
                    .isEqualTo(true);
        }
        report(attempt, "{\"percent\": 40, \"message\": \"still here\"}");
        assertThat(progress(attempt))
                .isEqualTo("{\"step\": 2, \"steps\": 6, \"message\": \"still here\", \"percent\": 40}");
    }

    @Test
    void keepsWhatAReportLeavesOut() {
        Attempt attempt = claimed();
        report(attempt, "{\"percent\": 40}");
        report(attempt, "{\"step\": 2, \"steps\": 6, \"percent\": null}");
        report(attempt, "{\"message\": \"rows\"}");
        report(attempt, null);
        assertThat(progress(attempt)).isEqualTo("{\"step\": 2, \"steps\": 6, \"message\": \"rows\", \"percent\": 40}");
    }

    @Test
    void aNewAttemptStartsAfreshEvenUnderTheSameNumber() {
        Attempt first = claimed();
        report(first, "{\"percent\": 90, \"message\": \"nearly\"}");
        // Given back uncharged, so that the number repeats.
        database.execute("select app_jobs.release_jobs('worker-1')");
        Attempt second = claim();
        assertThat(second.number()).isEqualTo(first.number());
        report(second, "{\"percent\": 10}");
        assertThat(progress(second)).isEqualTo("{\"percent\": 10}");
    }

    @Test
    void ofTwoReportsAtOnceTheFurtherOneStays() {
        Attempt attempt = claimed();
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(REPORT, attempt.jobId(), attempt.number(), attempt.lease(), "{\"percent\": 60}");
            var sent = b.send(REPORT, attempt.jobId(), attempt.number(), attempt.lease(), "{\"percent\": 40}");
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThat(Session.answer(sent)).containsExactly(Map.of("verdict", "accepted"));
        }
        assertThat(progress(attempt)).isEqualTo("{\"percent\": 60}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [1]                              | progress must be an object
            {"percent": 100.5}               | percent must be from 0 to 100
            {"percent": -1}                  | percent must be from 0 to 100
            {"percent": "40"}                | percent must be a number
            {"step": 1}                      | step and steps must come together
            {"steps": 1}                     | step and steps must come together
            {"step": "1", "steps": 2}        | step and steps must be numbers
            {"step": 1.5, "steps": 2}        | step and steps must be whole
            {"step": 0, "steps": 0}          | steps must be at least 1
            {"step": 3, "steps": 2}          | step must be from 0 to steps
            {"step": -1, "steps": 2}         | step must be from 0 to steps
            {"message": 3}                   | message must be a string
            """)
    void isRefusedWhenItCannotBe(String progress, String why) {
        Attempt attempt = claimed();
        assertThatThrownBy(() -> report(attempt, progress))
                .isInstanceOf(JobDatabase.SqlFailure.class)
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining(why)
                .extracting(e -> ((JobDatabase.SqlFailure) e).state())
                .isEqualTo("PJ003");
        assertThat(database.value("select progress from app_jobs.jobs")).isNull();
    }

    @Test
    void boundsTheMessage() {
        Attempt attempt = claimed();
        report(attempt, new JsonObject().put("message", "é".repeat(2000)).encode());
        assertThatThrownBy(() -> report(
                        attempt,
                        new JsonObject().put("message", "é".repeat(2001)).encode()))
                .hasMessageContaining("at most 2000 characters");
    }

    @Test
    void mergesReportsAsTheDatabaseWouldStoreThemOneAfterTheOther() {
        Progress[] reports = {
            new Progress(40.0, null, null, "a"),
            new Progress(null, 2, 6, null),
            new Progress(39.0, 3, 6, "late"),
            new Progress(50.0, 1, 6, "late"),
            new Progress(60.25, null, null, null),
            new Progress(null, null, null, "b")
        };
        Attempt attempt = claimed();
        Progress merged = reports[0];
        report(attempt, reports[0].toJson().encode());
        for (int i = 1; i < reports.length; i++) {
            merged = merged.then(reports[i]);
            report(attempt, reports[i].toJson().encode());
        }
        assertThat(new JsonObject(progress(attempt))).isEqualTo(merged.toJson());
        assertThat(merged).isEqualTo(new Progress(60.25, 2, 6, "b"));
    }

    private static void report(Attempt attempt, @Nullable String progress) {
        assertThat(database.value(REPORT, attempt.jobId(), attempt.number(), attempt.lease(), progress))
                .isEqualTo("accepted");
    }

    private static String progress(Attempt attempt) {
        return String.valueOf(
                database.value("select (progress - 'at')::text from app_jobs.jobs where id = ?", attempt.jobId()));
    }

    private static Attempt claimed() {
        database.addJob("ping", "{}");
        return claim();
    }

    private static Attempt claim() {
        Map<String, @Nullable Object> row = database.rows(
                        "select id, attempt, lease_token from app_jobs.claim_jobs('worker-1', null, 1, '60 s')")
                .getFirst();
        return new Attempt(
                Long.parseLong(String.valueOf(row.get("id"))),
                Integer.parseInt(String.valueOf(row.get("attempt"))),
                UUID.fromString(String.valueOf(row.get("lease_token"))));
    }
}
