package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** What becomes of jobs that will not be tried any more: seen in the view, replayed, purged. */
class DeadLettersTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String FINISH = "select app_jobs.finish_jobs(array[j.id], array[j.attempts],"
            + " array[j.lease_token], '{%s}', '{500}', '{broken}', '{0}', '{null}', '{null}')"
            + " from app_jobs.jobs j where j.locked_at is not null";

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    /** Ways to die: what is done to a leased job with the key 'k' that has one attempt. */
    static Stream<Arguments> deaths() {
        String supersede = "select app_jobs.add_job(database_id, 'newer', job_key => 'k') from app_jobs.jobs";
        String expire = "update app_jobs.jobs set lease_expires_at = now() where locked_at is not null";
        return Stream.of(
                Arguments.of("outcome dead", List.of(FINISH.formatted("dead"))),
                Arguments.of(
                        "last attempt failed",
                        List.of("update app_jobs.jobs set max_attempts = 1", FINISH.formatted("retry"))),
                Arguments.of(
                        "fail_job",
                        List.of(
                                "update app_jobs.jobs set max_attempts = 1",
                                "select app_jobs.fail_job('worker-1', id, 'broken') from app_jobs.jobs")),
                Arguments.of(
                        "reaped",
                        List.of("update app_jobs.jobs set max_attempts = 1", expire, "select app_jobs.reap_leases()")),
                Arguments.of(
                        "permanently_fail_jobs",
                        List.of(expire, "select app_jobs.permanently_fail_jobs(array[id]) from app_jobs.jobs")),
                Arguments.of("superseded, then failed", List.of(supersede, FINISH.formatted("retry"))),
                Arguments.of("superseded, then snoozed", List.of(supersede, FINISH.formatted("snooze"))),
                Arguments.of(
                        "superseded, then released", List.of(supersede, "select app_jobs.release_jobs('worker-1')")),
                Arguments.of("superseded, then reaped", List.of(supersede, expire, "select app_jobs.reap_leases()")),
                Arguments.of(
                        "somebody's own update",
                        List.of("update app_jobs.jobs set locked_at = null, attempts = max_attempts,"
                                + " last_error = 'by hand'")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("deaths")
    void aJobIsADeadLetterFromTheMomentItDiesAndSaysWhy(String way, List<String> steps) {
        long id = database.number("select id from app_jobs.add_job(?, 'ping', job_key => 'k')", JobDatabase.TENANT);
        claim();
        steps.subList(0, steps.size() - 1).forEach(database::execute);
        assertThat(deadLetters()).as("before").isEmpty();
        Object before = database.value("select clock_timestamp()::text");

        database.execute(steps.getLast());

        assertThat(deadLetters()).containsExactly(id);
        Map<String, @Nullable Object> letter = database.rows(
                        "select died_at between ?::timestamptz and clock_timestamp() as exact, last_error, errors::text"
                                + " from app_jobs.dead_letters",
                        before)
                .getFirst();
        assertThat(letter).containsEntry("exact", true);
        assertThat(letter.get("last_error")).as(way).isNotNull();

        database.execute("update app_jobs.jobs set priority = 7 where id = ?", id);
        database.execute("select app_jobs.permanently_fail_jobs(array[?]::bigint[])", id);
        assertThat(database.value(
                        "select died_at between ?::timestamptz and updated_at - interval '1 microsecond'"
                                + " from app_jobs.jobs where died_at is not null",
                        before))
                .as("a later change is not a later death")
                .isEqualTo(true);
    }

    @Test
    void aRowThatIsInsertedDeadIsADeadLetterToo() {
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier, attempts) values (?, 'ping', 25)",
                JobDatabase.TENANT);
        assertThat(deadLetters()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select app_jobs.reschedule_jobs(array[?]::bigint[], attempts => 0)",
                "select app_jobs.replay_jobs(array[?]::bigint[], 'ada')",
                "select app_jobs.add_job(database_id, 'ping', job_key => 'k') from app_jobs.jobs where id = ?",
                "update app_jobs.jobs set max_attempts = 30 where id = ?"
            })
    void aJobThatMayRunAgainIsADeadLetterNoMore(String revival) {
        long id = dead("ping", "broken");
        database.execute("update app_jobs.jobs set key = 'k' where id = ?", id);
        assertThat(deadLetters()).containsExactly(id);

        database.execute(revival, id);

        assertThat(deadLetters()).isEmpty();
        database.execute("update app_jobs.jobs set run_at = now()");
        assertThat(claim()).containsExactly(id);
    }

    @Test
    void liveJobsAreNotInTheIndexOfDeadLetters() {
        dead("ping", "broken");
        database.execute(
                "select app_jobs.add_job(?, 'ping', run_at => now() + n * interval '1 hour')"
                        + " from generate_series(-100, 100) n",
                JobDatabase.TENANT);
        claim();

        database.execute("analyze app_jobs.jobs");
        assertThat(database.rows("select c.reltuples::int as entries, pg_get_expr(i.indpred, i.indrelid) as which"
                        + " from pg_index i join pg_class c on c.oid = i.indexrelid"
                        + " where i.indrelid = 'app_jobs.jobs'::regclass and c.relname = 'jobs_dead_idx'"))
                .containsExactly(Map.of("entries", 1, "which", "(died_at IS NOT NULL)"));
    }

    @Test
    void aReplayStartsOverAndKeepsTheErrors() {
        long id = dead("ping", "broken");
        database.execute("update app_jobs.jobs set infra_failures = 3 where id = ?", id);

        assertThat(replay(id)).containsExactly(id);

        assertThat(job(id))
                .containsEntry("attempts", 0)
                .containsEntry("infra_failures", 0)
                .containsEntry("state", "ready")
                .containsEntry("last_error", "broken")
                .containsEntry("replayed_by", "ada");
        assertThat(database.rows("select e ->> 'outcome' as outcome, e ->> 'error' as error,"
                        + " (e ->> 'at')::timestamptz = j.replayed_at as at_replay"
                        + " from app_jobs.jobs j, jsonb_array_elements(j.errors) e"))
                .containsExactly(
                        Map.of("outcome", "dead", "error", "broken", "at_replay", false),
                        Map.of("outcome", "replayed", "error", "replayed by ada", "at_replay", true));

        die("broken again");
        assertThat(database.rows("select last_error, replayed_by, jsonb_array_length(errors) as errors"
                        + " from app_jobs.dead_letters"))
                .containsExactly(Map.of("last_error", "broken again", "replayed_by", "ada", "errors", 3));

        replay(id);
        claim();
        database.execute(FINISH.formatted("complete"));
        assertThat(database.value("select replayed_by from app_jobs.job_history where replayed_at is not null"))
                .isEqualTo("ada");
    }

    @Test
    void theErrorsOfAJobThatIsReplayedAgainAndAgainStayBounded() {
        long id = dead("ping", "broken");
        for (int n = 0; n < 15; n++) {
            replay(id);
            die("broken " + n);
        }
        assertThat(database.rows("select jsonb_array_length(errors) as n, errors -> -1 ->> 'error' as last"
                        + " from app_jobs.jobs"))
                .containsExactly(Map.of("n", 20, "last", "broken 14"));
    }

    @Test
    void aReplayBeginsTheCountOfMissingFunctionsAnew() {
        long id = database.addJob("ping", "{}");
        assertThat(claimsUntilDead(id)).isEqualTo(6);
        replay(id);
        assertThat(claimsUntilDead(id)).isEqualTo(6);
    }

    private static int claimsUntilDead(long id) {
        for (int claims = 1; ; claims++) {
            database.execute("update app_jobs.jobs set run_at = now() where id = ?", id);
            claim();
            database.execute(FINISH.formatted("missing"));
            if (deadLetters().contains(id)) {
                return claims;
            }
        }
    }

    @Test
    void onlyDeadLettersAreReplayed() {
        long ready = database.addJob("ping", "{}");
        long letter = dead("pong", "broken");
        long running = database.addJob("run", "{}");
        assertThat(claimOf("run")).containsExactly(running);
        Map<String, @Nullable Object> before = job(running);

        assertThat(replay(ready, running, letter, 4711)).containsExactly(letter);

        assertThat(job(running)).isEqualTo(before);
        assertThat(job(ready)).containsEntry("replayed_by", null);
    }

    @Test
    void aReplayWithoutANameIsRefused() {
        long id = dead("ping", "broken");
        for (String call : List.of(
                "app_jobs.replay_jobs(array[%d]::bigint[], null)".formatted(id),
                "app_jobs.replay_jobs('{}', ' ')",
                "app_jobs.replay_dead_letters()",
                "app_jobs.replay_dead_letters(replayed_by => '')")) {
            assertThatThrownBy(() -> database.execute("select " + call))
                    .as(call)
                    .isInstanceOfSatisfying(
                            JobDatabase.SqlFailure.class,
                            failure -> assertThat(failure.state()).isEqualTo("PJ003"))
                    .hasMessageContaining("INVALID_ARGUMENT");
        }
        assertThat(deadLetters()).containsExactly(id);
        assertThat(database.rows("select job_id from app_jobs.replay_dead_letters(dry_run => true)"))
                .hasSize(1);
    }

    @Test
    void workersHearOfAReplayThatIsDueSoonAndOfNoOther() throws SQLException {
        long id = dead("ping", "broken");
        try (Connection listener = database.connect()) {
            JobDatabase.rows(listener, "listen \"jobs:insert\"");
            JobDatabase.rows(listener, "listen \"end\"");
            assertThat(heard(listener, "select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id))
                    .containsExactly("jobs:insert");
            assertThat(heard(listener, "select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id))
                    .as("no dead letter any more")
                    .isEmpty();
            die("broken");
            heard(listener, "select 1");
            assertThat(heard(
                            listener,
                            "select app_jobs.replay_jobs(array[?]::bigint[], 'ada', now() + interval '1 hour')",
                            id))
                    .isEmpty();
        }
        assertThat(job(id)).containsEntry("state", "scheduled");
    }

    private static List<String> heard(Connection listener, String sql, @Nullable Object... arguments)
            throws SQLException {
        database.execute(sql, arguments);
        database.execute("select pg_notify('end', '')");
        List<String> heard = new ArrayList<>();
        while (true) {
            PGNotification @Nullable [] arrived =
                    listener.unwrap(PGConnection.class).getNotifications(30_000);
            if (arrived == null || arrived.length == 0) {
                throw new AssertionError("the last notification did not come");
            }
            for (PGNotification one : arrived) {
                if (one.getName().equals("end")) {
                    return heard;
                }
                heard.add(one.getName());
            }
        }
    }

    /** Each filter names the second of three dead letters. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "db_id => '00000000-0000-0000-0000-000000000002'",
                "task => 'pong'",
                "error_like => '%time-out%'",
                "died_after => '2026-01-02', died_before => '2026-01-03'",
                "job_ids => array[2]",
                "task => 'pong', error_like => 'a %', died_before => '2026-02-01'"
            })
    void filtersNameDeadLetters(String filter) {
        threeDeadLetters();
        for (String function : List.of("replay_dead_letters", "purge_dead_letters")) {
            assertThat(ids("select d from app_jobs." + function + "(" + filter + ", dry_run => true) d"))
                    .as(function)
                    .containsExactly(2L);
        }
        assertThat(ids("select job_id from app_jobs.replay_dead_letters(" + filter + ", replayed_by => 'ada')"))
                .containsExactly(2L);
        assertThat(deadLetters()).containsExactly(1L, 3L);
    }

    @Test
    void aDryRunChangesNothing() {
        threeDeadLetters();
        List<Map<String, @Nullable Object>> before = database.rows("select *, xmin, xmax from app_jobs.jobs");
        assertThat(ids("select job_id from app_jobs.replay_dead_letters(dry_run => true)"))
                .containsExactly(1L, 2L, 3L);
        assertThat(ids("select id from app_jobs.purge_dead_letters(dry_run => true)"))
                .containsExactly(1L, 2L, 3L);
        assertThat(database.rows("select *, xmin, xmax from app_jobs.jobs"))
                .usingRecursiveComparison()
                .isEqualTo(before);
    }

    @Test
    void batchesTakeThoseThatDiedFirstAndEndWithAShortOne() {
        threeDeadLetters();
        assertThat(ids("select id from app_jobs.purge_dead_letters(max_jobs => 2)"))
                .containsExactly(1L, 2L);
        assertThat(ids("select job_id from app_jobs.replay_dead_letters(max_jobs => 2, replayed_by => 'ada')"))
                .containsExactly(3L);
        assertThat(ids("select id from app_jobs.purge_dead_letters()")).isEmpty();
    }

    @Test
    void aSupersededJobIsReplayedOnlyByItsId() {
        long old = database.number("select id from app_jobs.add_job(?, 'ping', job_key => 'k')", JobDatabase.TENANT);
        claim();
        long newer = database.number("select id from app_jobs.add_job(?, 'ping', job_key => 'k')", JobDatabase.TENANT);
        database.execute(FINISH.formatted("retry"));
        assertThat(deadLetters()).containsExactly(old);

        assertThat(ids("select job_id from app_jobs.replay_dead_letters(replayed_by => 'ada')"))
                .isEmpty();
        assertThat(ids("select job_id from app_jobs.replay_dead_letters(replayed_by => 'ada', job_ids => array[" + old
                        + "])"))
                .containsExactly(old);
        assertThat(database.rows("select superseded_at is null as free, key from app_jobs.jobs where id = ?", old))
                .singleElement()
                .satisfies(row -> assertThat(row).containsEntry("free", true).containsEntry("key", null));
        assertThat(claim()).containsExactlyInAnyOrder(old, newer);
        database.execute("update app_jobs.jobs set lease_expires_at = now()");
        database.execute("select app_jobs.reap_leases()");
        assertThat(deadLetters()).as("it is tried again like any other").isEmpty();
    }

    @Test
    void aPurgedDeadLetterIsReturnedAndGone() {
        long id = dead("ping", "broken");
        long live = database.addJob("ping", "{}");
        assertThat(database.rows(
                        "select id, task_identifier, payload::text, last_error, jsonb_array_length(errors) as n"
                                + " from app_jobs.purge_dead_letters()"))
                .containsExactly(
                        Map.of("id", id, "task_identifier", "ping", "payload", "{}", "last_error", "broken", "n", 1));
        assertThat(ids("select id from app_jobs.jobs")).containsExactly(live);
        assertThat(database.number("select count(*) from app_jobs.job_history")).isZero();
    }

    @Test
    void aPoisonJobEndsAsADeadLetterThatNamesTheLostWorkers() {
        long id = database.addJob("poison", "{}");
        for (int n = 1; n <= 20; n++) {
            assertThat(deadLetters()).as("before worker %d is lost", n).isEmpty();
            assertThat(claim()).containsExactly(id);
            database.execute("update app_jobs.jobs set lease_expires_at = now()");
            database.execute("select app_jobs.reap_leases()");
        }
        assertThat(claim()).isEmpty();
        assertThat(database.rows("select infra_failures, attempts = max_attempts as used_up, last_error,"
                        + " jsonb_array_length(errors) as errors from app_jobs.dead_letters"))
                .containsExactly(Map.of(
                        "infra_failures",
                        20,
                        "used_up",
                        true,
                        "last_error",
                        "lease expired: worker worker-1 did not renew it; given up after 20 failures of the"
                                + " infrastructure (lost workers, no connection to the function): does this job"
                                + " kill its workers?",
                        "errors",
                        20));
    }

    @Test
    void ofTwoReplaysOfAJobOneRevivesIt() {
        long id = dead("ping", "broken");
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows("select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id);
            var sent = b.send("select app_jobs.replay_jobs(array[?]::bigint[], 'bob')", id);
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThat(Session.answer(sent)).isEmpty();
        }
        assertThat(job(id)).containsEntry("replayed_by", "ada").containsEntry("errors", 2);
    }

    @Test
    void replaysAndPurgesSideBySideShareTheDeadLetters() {
        threeDeadLetters();
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            assertThat(a.rows("select job_id from app_jobs.replay_dead_letters(max_jobs => 1, replayed_by => 'ada')"))
                    .containsExactly(Map.of("job_id", 1L));
            assertThat(b.rows("select job_id from app_jobs.replay_dead_letters(max_jobs => 1, replayed_by => 'bob')"))
                    .containsExactly(Map.of("job_id", 2L));
            assertThat(b.rows("select id from app_jobs.purge_dead_letters()")).containsExactly(Map.of("id", 3L));
            a.commit();
        }
        assertThat(database.rows("select id, replayed_by from app_jobs.jobs order by id"))
                .containsExactly(Map.of("id", 1L, "replayed_by", "ada"), Map.of("id", 2L, "replayed_by", "bob"));
    }

    @Test
    void aReplayThatMeetsACancelOrAPurgeFindsNothing() {
        for (String end : List.of("cancel_job(%d)", "purge_dead_letters(job_ids => array[%d])")) {
            long id = dead("ping", "broken");
            try (Session a = Session.transaction(database);
                    Session b = Session.autoCommit(database)) {
                a.rows("select app_jobs." + end.formatted(id));
                var sent = b.send("select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id);
                assertThat(b.waitsForLock(sent)).isTrue();
                a.commit();
                assertThat(Session.answer(sent)).as(end).isEmpty();
            }
            assertThat(ids("select id from app_jobs.jobs")).isEmpty();
        }
        assertThat(database.rows("select state from app_jobs.job_history"))
                .containsExactly(Map.of("state", "cancelled"));
    }

    @Test
    void aCancelThatMeetsAReplayCancelsTheRevivedJob() {
        long id = dead("ping", "broken");
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows("select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id);
            var sent = b.send("select id from app_jobs.cancel_job(?)", id);
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();
            assertThat(Session.answer(sent)).containsExactly(Map.of("id", id));
        }
        assertThat(claim()).isEmpty();
        assertThat(database.rows("select state, replayed_by from app_jobs.job_history"))
                .containsExactly(Map.of("state", "cancelled", "replayed_by", "ada"));
    }

    @Test
    void aPurgeThatMeetsAReplayDeletesNothing() {
        long id = dead("ping", "broken");
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows("select app_jobs.replay_jobs(array[?]::bigint[], 'ada')", id);
            assertThat(b.rows("select id from app_jobs.purge_dead_letters()")).isEmpty();
            a.commit();
            assertThat(b.rows("select id from app_jobs.purge_dead_letters()")).isEmpty();
        }
        assertThat(claim()).containsExactly(id);
    }

    private static void threeDeadLetters() {
        dead("ping", "broken");
        dead("pong", "a time-out of 5 s");
        dead("ping", "broken");
        database.execute("update app_jobs.jobs set died_at = '2026-01-01'::timestamptz + (id - 1) * interval '1 day',"
                + " database_id = ('00000000-0000-0000-0000-00000000000' || id)::uuid");
    }

    private static long dead(String task, String error) {
        long id = database.addJob(task, "{}");
        assertThat(claimOf(task)).containsExactly(id);
        die(error);
        return id;
    }

    /** Lets the one leased job die; claims first when none is. */
    private static void die(String error) {
        if (database.number("select count(*) from app_jobs.jobs where locked_at is not null") == 0) {
            claim();
        }
        database.execute(FINISH.formatted("dead").replace("{broken}", "{\"" + error + "\"}"));
    }

    private static List<Long> replay(long... ids) {
        String list =
                java.util.Arrays.stream(ids).mapToObj(Long::toString).collect(java.util.stream.Collectors.joining(","));
        return ids("select r from app_jobs.replay_jobs('{" + list + "}', 'ada') r");
    }

    private static List<Long> claim() {
        return ids("select id from app_jobs.claim_jobs('worker-1', null, 100, '1 min')");
    }

    private static List<Long> claimOf(String task) {
        return ids("select id from app_jobs.claim_jobs('worker-1', array['" + task + "'], 100, '1 min')");
    }

    private static List<Long> deadLetters() {
        return ids("select id from app_jobs.dead_letters order by id");
    }

    private static List<Long> ids(String sql) {
        return database.rows(sql).stream()
                .map(row -> String.valueOf(row.values().iterator().next()))
                .map(text -> Long.valueOf(text.replaceAll("^\\(?(\\d+).*", "$1")))
                .toList();
    }

    private static Map<String, @Nullable Object> job(long id) {
        return database.rows(
                        "select app_jobs.job_state(j) as state, attempts, infra_failures, last_error, replayed_by,"
                                + " locked_by, run_at, jsonb_array_length(errors) as errors"
                                + " from app_jobs.jobs j where id = ?",
                        id)
                .getFirst();
    }
}
