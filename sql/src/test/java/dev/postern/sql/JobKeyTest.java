package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A key that is added again: each mode against each state of the key's job, alone and in a race. */
class JobKeyTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String FAR = "2031-01-31 08:00:00+00";
    private static final String CLAIM =
            "select id, attempt, lease_token from app_jobs.claim_jobs('worker-1', null, 5, '1 min')";

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history restart identity");
    }

    enum Mode {
        REPLACE,
        PRESERVE_RUN_AT,
        UNSAFE_DEDUPE;

        String sql() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** What the job of the key is doing when it is added again. */
    enum State {
        SCHEDULED,
        READY,
        RETRYING,
        RETRIED_READY,
        RUNNING,
        WAITING,
        DEAD,
        SUCCEEDED,
        CANCELLED;

        boolean held() {
            return this == RUNNING || this == WAITING;
        }

        boolean ended() {
            return this == SUCCEEDED || this == CANCELLED;
        }

        boolean tried() {
            return this == RETRYING || this == RETRIED_READY || this == DEAD;
        }

        String shown() {
            return this == RETRIED_READY ? "ready" : name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    static Stream<Arguments> modesAndStates() {
        return Arrays.stream(Mode.values())
                .flatMap(mode -> Arrays.stream(State.values()).map(state -> Arguments.of(mode, state)));
    }

    @ParameterizedTest
    @MethodSource("modesAndStates")
    void aModeDoesWithEachStateWhatTheTableSays(Mode mode, State state) {
        long old = keyed(state);
        assertThat(database.value(
                        "select coalesce((select app_jobs.job_state(j) from app_jobs.jobs j), (select state from"
                                + " app_jobs.job_history))"))
                .isEqualTo(state.shown());
        String before = row(old);

        long answered = database.number(addAgain(mode));

        if (state.ended()) {
            assertThat(answered).isNotEqualTo(old);
            assertThat(again(answered)).isEqualTo("again k 0 " + FAR);
        } else if (mode == Mode.UNSAFE_DEDUPE) {
            assertThat(answered).isEqualTo(old);
            assertThat(row(old)).isEqualTo(before);
            assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
        } else if (state.held()) {
            assertThat(answered).isNotEqualTo(old);
            assertThat(again(answered)).isEqualTo("again k 0 " + FAR);
            assertThat(database.rows(
                            "select key, superseded_at is not null as superseded, attempts from app_jobs.jobs"
                                    + " where id = ?",
                            old))
                    .singleElement()
                    .satisfies(row -> assertThat(row)
                            .containsEntry("key", null)
                            .containsEntry("superseded", true)
                            .containsEntry("attempts", 1));
        } else {
            assertThat(answered).isEqualTo(old);
            boolean preserved = mode == Mode.PRESERVE_RUN_AT && !state.tried();
            assertThat(again(old))
                    .isEqualTo("again k 0 "
                            + (!preserved
                                    ? FAR
                                    : state == State.READY ? "2020-01-31 08:00:00+00" : "2030-01-31 08:00:00+00"));
            assertThat(database.rows(
                            "select errors::text as errors, last_error, infra_failures, progress, payload::text as payload"
                                    + " from app_jobs.jobs"))
                    .singleElement()
                    .satisfies(row -> assertThat(row)
                            .containsEntry("errors", "[]")
                            .containsEntry("last_error", null)
                            .containsEntry("infra_failures", 0)
                            .containsEntry("progress", null)
                            .containsEntry("payload", "{\"again\":  true}"));
        }
        assertThat(database.number("select count(*) from app_jobs.jobs where key = 'k'"))
                .isOne();
    }

    @Test
    void aJobThatOnlyMetTroubleOnItsWayCountsAsTried() {
        long id = keyed(State.SCHEDULED);
        database.execute("update app_jobs.jobs set infra_failures = 1");
        database.execute(addAgain(Mode.PRESERVE_RUN_AT));
        assertThat(again(id)).isEqualTo("again k 0 " + FAR);
    }

    @Test
    void aKeyOfAnotherTenantIsAnotherKey() {
        long id = keyed(State.READY);
        for (Mode mode : Mode.values()) {
            assertThat(database.number(
                            "select id from app_jobs.add_job(gen_random_uuid(), 't', job_key => 'k', job_key_mode => ?)",
                            mode.sql()))
                    .isGreaterThan(id);
        }
    }

    @Test
    void nullIsReplaceAndAnythingElseIsRefused() {
        long id = keyed(State.READY);
        assertThat(database.number(
                        "select id from app_jobs.add_job(?, 't', job_key => 'k', job_key_mode => null)",
                        JobDatabase.TENANT))
                .isEqualTo(id);
        assertThat(database.value("select task_identifier from app_jobs.jobs")).isEqualTo("t");
        for (String unknown : List.of("", "Replace", "dedupe", "preserve_run_at ")) {
            assertThatThrownBy(() -> database.execute(
                            "select app_jobs.add_job(?, 't', job_key => 'k', job_key_mode => ?)",
                            JobDatabase.TENANT,
                            unknown))
                    .isInstanceOfSatisfying(
                            JobDatabase.SqlFailure.class,
                            e -> assertThat(e.state()).isEqualTo("PJ003"))
                    .hasMessageContaining(
                            "job_key_mode is '" + unknown + "'; it is one of replace, preserve_run_at, unsafe_dedupe");
        }
    }

    @Test
    void thereIsOneAddJobAndItsFirstEightArgumentsAreThoseOf0Point15() {
        assertThat(database.rows("select array_to_string(proargnames, ' ') as names from pg_proc"
                        + " where pronamespace = 'app_jobs'::regnamespace and proname = 'add_job'"))
                .containsExactly(Map.of(
                        "names",
                        "db_id identifier payload job_key queue_name run_at max_attempts priority actor_id entity_id"
                                + " request_id traceparent job_key_mode"));
    }

    // --- races: a holds its transaction open, b adds the key
    // -------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Mode.class)
    void ofTwoThatAddANewKeyTheLaterMeetsTheJobOfTheEarlier(Mode mode) {
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            long first = JobDatabase.number(a.rows(addFirst()), "a");
            var sent = b.send(addAgain(mode));
            assertThat(b.waitsForLock(sent)).isTrue();
            a.commit();

            assertThat(id(sent)).isEqualTo(first);
            assertThat(again(first))
                    .isEqualTo(
                            switch (mode) {
                                case REPLACE -> "again k 0 " + FAR;
                                case PRESERVE_RUN_AT -> "again k 0 2030-01-31 08:00:00+00";
                                case UNSAFE_DEDUPE -> "first k 0 2030-01-31 08:00:00+00";
                            });
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void ofTwoThatAddANewKeyTheLaterInsertsWhenTheEarlierRollsBack(Mode mode) throws Exception {
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            long first = JobDatabase.number(a.rows(addFirst()), "a");
            var sent = b.send(addAgain(mode));
            assertThat(b.waitsForLock(sent)).isTrue();
            a.connection().rollback();

            long second = id(sent);
            assertThat(second).isNotEqualTo(first);
            assertThat(again(second)).isEqualTo("again k 0 " + FAR);
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCallerThatMeetsAReplacementWaitsForItUnlessItDeduplicates(Mode mode) {
        long old = keyed(State.SCHEDULED);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(addAgain(Mode.REPLACE));
            var sent = b.send(
                    "select id from app_jobs.add_job(?, 'third', job_key => 'k', job_key_mode => ?)",
                    JobDatabase.TENANT,
                    mode.sql());
            assertThat(b.waitsForLock(sent)).isEqualTo(mode != Mode.UNSAFE_DEDUPE);
            a.commit();

            assertThat(id(sent)).isEqualTo(old);
            assertThat(database.value("select task_identifier from app_jobs.jobs"))
                    .isEqualTo(mode == Mode.UNSAFE_DEDUPE ? "again" : "third");
            assertThat(database.value("select run_at = ?::timestamptz from app_jobs.jobs", FAR))
                    .as("the replacement's time, which it is for the mode to keep")
                    .isEqualTo(mode != Mode.REPLACE);
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aClaimThatComesBetweenIsSeenAndKeepsItsAttempt(Mode mode) {
        long old = keyed(State.READY);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            var claimed = a.rows(CLAIM);
            assertThat(claimed).hasSize(1);
            var sent = b.send(addAgain(mode));
            // What deduplicates reads the row as it was before the claim, which is just as good.
            assertThat(b.waitsForLock(sent)).isEqualTo(mode != Mode.UNSAFE_DEDUPE);
            a.commit();

            assertThat(id(sent)).isEqualTo(mode == Mode.UNSAFE_DEDUPE ? old : other(old));
            assertThat(finish(claimed, "complete")).isEqualTo("accepted");
            assertThat(database.number("select count(*) from app_jobs.jobs where key = 'k' and locked_at is null"))
                    .isEqualTo(mode == Mode.UNSAFE_DEDUPE ? 0 : 1);
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aClaimerPassesOverAJobThatIsBeingReplacedAndTakesOneThatIsDeduplicated(Mode mode) {
        long old = keyed(State.READY);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(addAgain(mode));
            var claimed = b.rows(CLAIM);
            assertThat(claimed).hasSize(mode == Mode.UNSAFE_DEDUPE ? 1 : 0);
            a.commit();
        }
        // Replaced, it is due when the replacement said so, or still now.
        assertThat(database.rows(CLAIM)).hasSize(mode == Mode.PRESERVE_RUN_AT ? 1 : 0);
        assertThat(database.number("select id from app_jobs.jobs")).isEqualTo(old);
    }

    static Stream<Arguments> modesAndOutcomes() {
        return Arrays.stream(Mode.values())
                .flatMap(mode -> Stream.of("complete", "retry", "dead").map(outcome -> Arguments.of(mode, outcome)));
    }

    @ParameterizedTest
    @MethodSource("modesAndOutcomes")
    void anOutcomeThatComesBetweenIsSeen(Mode mode, String outcome) {
        long old = keyed(State.READY);
        var claimed = database.rows(CLAIM);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            assertThat(finish(a, claimed, outcome)).isEqualTo("accepted");
            var sent = b.send(addAgain(mode));
            assertThat(b.waitsForLock(sent)).isEqualTo(mode != Mode.UNSAFE_DEDUPE);
            a.commit();

            long answered = id(sent);
            if (mode == Mode.UNSAFE_DEDUPE) {
                // True at the moment of the call: the job was running.
                assertThat(answered).isEqualTo(old);
                assertThat(database.number("select count(*) from app_jobs.jobs where task_identifier = 'again'"))
                        .isZero();
            } else {
                assertThat(answered).isEqualTo(outcome.equals("complete") ? other(old) : old);
                assertThat(again(answered)).isEqualTo("again k 0 " + FAR);
            }
        }
        assertThat(database.number("select count(*) from app_jobs.jobs"))
                .isEqualTo(mode == Mode.UNSAFE_DEDUPE && outcome.equals("complete") ? 0 : 1);
    }

    @ParameterizedTest
    @MethodSource("modesAndOutcomes")
    void anOutcomeWaitsForWhoeverTakesItsKeyAndIsAccepted(Mode mode, String outcome) {
        long old = keyed(State.READY);
        var claimed = database.rows(CLAIM);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(addAgain(mode));
            CompletableFuture<?> sent = CompletableFuture.supplyAsync(() -> finish(b, claimed, outcome));
            assertThat(b.waitsForLock(sent)).isEqualTo(mode != Mode.UNSAFE_DEDUPE);
            a.commit();
            assertThat(Session.answer(sent)).isEqualTo("accepted");
        }
        String left =
                database
                        .rows("select id, app_jobs.job_state(j) as state, key from app_jobs.jobs j order by id")
                        .stream()
                        .map(row -> (Objects.equals(row.get("id"), old) ? "old " : "new ") + row.get("state") + " "
                                + row.get("key"))
                        .toList()
                        .toString();
        boolean dedupe = mode == Mode.UNSAFE_DEDUPE;
        assertThat(left)
                .isEqualTo(
                        switch (outcome) {
                            case "complete" -> dedupe ? "[]" : "[new scheduled k]";
                            case "retry" -> dedupe ? "[old retrying k]" : "[old dead null, new scheduled k]";
                            default -> dedupe ? "[old dead k]" : "[old dead null, new scheduled k]";
                        });
    }

    @Test
    void deduplicatingAgainstARunningJobHoldsNobodyUp() {
        keyed(State.READY);
        var claimed = database.rows(CLAIM);
        try (Session a = Session.transaction(database);
                Session b = Session.autoCommit(database)) {
            a.rows(addAgain(Mode.UNSAFE_DEDUPE));
            assertThat(finish(b, claimed, "complete")).isEqualTo("accepted");
            a.commit();
        }
    }

    @Test
    void listsThatOverlapInAnyOrderWaitInsteadOfDeadlocking() {
        String add = "select outcome from app_jobs.add_jobs(?, (select json_agg(json_build_object('task', 't', 'key',"
                + " 'k' || n, 'key_mode', ?::text) order by random()) from generate_series(1, 10) n))";
        for (Mode mode : Mode.values()) {
            for (int round = 0; round < 3; round++) {
                // Some are there, some run and lose their key to the first list, some are new.
                database.execute("delete from app_jobs.jobs where id % 3 = 0");
                database.execute("select app_jobs.claim_jobs('worker-1', null, 5, '1 min')");
                List<Session> sessions = Stream.generate(() -> Session.autoCommit(database))
                        .limit(5)
                        .toList();
                var sent = sessions.stream()
                        .map(session -> session.send(add, JobDatabase.TENANT, mode.sql()))
                        .toList();
                assertThat(sent)
                        .allSatisfy(list -> assertThat(Session.answer(list)).hasSize(10));
                sessions.forEach(Session::close);
            }
        }
        assertThat(database.number("select count(*) from app_jobs.jobs where key is not null"))
                .isEqualTo(10);
    }

    /**
     * The first list begins on jobs that are then superseded, so it meets their successors only later and by key, while the
     * second meets them by id. Held up at the right places, each would have what the other wants.
     */
    @Test
    void aListThatIsOvertakenByASuccessorDoesNotDeadlockWithTheNextList() {
        database.execute(
                "select app_jobs.add_job(?, 't', job_key => 'k' || n) from generate_series(1, 2) n",
                JobDatabase.TENANT);
        database.rows(CLAIM);
        long last = database.number("select id from app_jobs.add_job(?, 't', job_key => 'k3')", JobDatabase.TENANT);
        String add = "select app_jobs.add_job('" + JobDatabase.TENANT + "', 'successor', job_key => ?)";
        String addAll = "select outcome from app_jobs.add_jobs('" + JobDatabase.TENANT + "', ?::json)";
        String lock = "select id from app_jobs.jobs where id = ? for update";
        try (Session superseding = Session.transaction(database);
                Session holdsLast = Session.transaction(database);
                Session holdsSuccessor = Session.transaction(database);
                Session first = Session.autoCommit(database);
                Session second = Session.autoCommit(database)) {
            superseding.rows(add, "k2");
            superseding.rows(add, "k1");
            holdsLast.rows(lock, last);
            var all = first.send(
                    addAll,
                    "[{\"task\":\"a\",\"key\":\"k1\"},{\"task\":\"a\",\"key\":\"k2\"},{\"task\":\"a\",\"key\":\"k3\"}]");
            assertThat(first.waitsForLock(all)).isTrue();
            superseding.commit();
            holdsSuccessor.rows(lock, database.number("select id from app_jobs.jobs where key = 'k2'"));
            var two = second.send(addAll, "[{\"task\":\"b\",\"key\":\"k1\"},{\"task\":\"b\",\"key\":\"k2\"}]");
            assertThat(second.waitsForLock(two)).isTrue();
            holdsLast.commit();
            assertThat(first.waitsForLock(all)).isTrue();
            holdsSuccessor.commit();

            assertThat(Session.answer(all)).hasSize(3).containsOnly(Map.of("outcome", "replaced"));
            assertThat(Session.answer(two)).hasSize(2).containsOnly(Map.of("outcome", "replaced"));
        }
    }

    // --- making and looking
    // --------------------------------------------------------------------------------------------

    /** The tenant's job 'first' with key 'k', in a state. */
    private static long keyed(State state) {
        long id = database.number(addFirst());
        database.execute("update app_jobs.jobs set updated_at = now() - interval '1 hour'");
        switch (state) {
            case SCHEDULED -> {}
            case READY -> due(id);
            case RETRYING, RETRIED_READY -> {
                due(id);
                finish(database.rows(CLAIM), "retry");
                database.execute(
                        "update app_jobs.jobs set run_at = now() + ?::interval",
                        state == State.RETRYING ? "1 hour" : "-1 s");
            }
            case RUNNING -> {
                due(id);
                database.rows(CLAIM);
            }
            case WAITING -> {
                due(id);
                finish(database.rows(CLAIM), "wait");
            }
            case DEAD -> {
                due(id);
                finish(database.rows(CLAIM), "dead");
            }
            case SUCCEEDED -> {
                due(id);
                finish(database.rows(CLAIM), "complete");
            }
            case CANCELLED -> database.execute("select app_jobs.cancel_job(?)", id);
        }
        return id;
    }

    private static void due(long id) {
        database.execute("update app_jobs.jobs set run_at = '2020-01-31T08:00:00Z' where id = ?", id);
    }

    private static String addFirst() {
        return "select id from app_jobs.add_job('" + JobDatabase.TENANT
                + "', 'first', job_key => 'k', run_at => '2030-01-31T08:00:00Z')";
    }

    private static String addAgain(Mode mode) {
        return "select id from app_jobs.add_job('" + JobDatabase.TENANT + "', 'again', '{\"again\":  true}', 'k',"
                + " run_at => '" + FAR + "', job_key_mode => '" + mode.sql() + "')";
    }

    private static String again(long id) {
        return String.valueOf(database.value(
                "select concat_ws(' ', task_identifier, key, attempts, to_char(run_at at time zone 'utc',"
                        + " 'YYYY-MM-DD HH24:MI:SS+00')) from app_jobs.jobs where id = ?",
                id));
    }

    private static String row(long id) {
        return database.rows("select j::text as row from app_jobs.jobs j where id = ?", id)
                .toString();
    }

    private static long id(CompletableFuture<List<Map<String, @Nullable Object>>> sent) {
        return JobDatabase.number(Session.answer(sent), "add");
    }

    private static long other(long old) {
        return database.number("select id from app_jobs.jobs where id <> ?", old);
    }

    private static @Nullable Object finish(List<Map<String, @Nullable Object>> claimed, String outcome) {
        try (Session session = Session.autoCommit(database)) {
            return finish(session, claimed, outcome);
        }
    }

    private static @Nullable Object finish(
            Session session, List<Map<String, @Nullable Object>> claimed, String outcome) {
        Map<String, @Nullable Object> attempt = claimed.getFirst();
        return JobDatabase.value(
                session.rows(
                        "select verdict from app_jobs.finish_jobs(array[?::bigint], array[?::int], array[?::uuid],"
                                + " array[?], '{500}', '{broken}', '{60}', '{null}', '{null}')",
                        attempt.get("id"),
                        attempt.get("attempt"),
                        attempt.get("lease_token") instanceof UUID lease ? lease : null,
                        outcome),
                "finish");
    }
}
