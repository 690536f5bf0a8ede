package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Many jobs in one statement, and what a job may not be, alone or among others. */
class AddJobsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String ACTOR = "00000000-0000-0000-0000-00000000000a";
    private static final String ENTITY = "00000000-0000-0000-0000-00000000000e";

    @BeforeEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void aJobIsAddedAsItsElementSays() {
        assertThat(add("""
                [{"task": "full", "payload": {"n": 1.10,  "n": 2}, "key": "k", "key_mode": "replace", "queue": "q",
                  "run_at": "2031-01-31T09:00:00.5+01:00", "max_attempts": 3, "priority": -2, "actor_id": "%s",
                  "entity_id": "%s", "request_id": "r1", "traceparent": "t1"},
                 {"task": "plain"},
                 {"task": "nulls", "payload": null, "key": null, "key_mode": null, "queue": null, "run_at": null,
                  "max_attempts": null, "priority": null, "actor_id": null, "entity_id": null, "request_id": null,
                  "traceparent": null}]""".formatted(ACTOR, ENTITY))).containsExactly("1 inserted", "2 inserted", "3 inserted");
        String defaults = " {} null null true 25 0 null null null null";
        assertThat(jobs("task_identifier, payload, key, queue_name, case when task_identifier = 'full' then run_at ="
                        + " '2031-01-31T08:00:00.5Z' else run_at = created_at end, max_attempts, priority, actor_id,"
                        + " entity_id, request_id, traceparent"))
                .containsExactly(
                        "full {\"n\": 1.10,  \"n\": 2} k q true 3 -2 " + ACTOR + " " + ENTITY + " r1 t1",
                        "plain" + defaults,
                        "nulls" + defaults);
    }

    @Test
    void everyElementIsAnsweredInItsPlaceWithTheJobThatStandsForIt() {
        long there =
                database.number("select id from app_jobs.add_job(?, 'there', job_key => 'there')", JobDatabase.TENANT);
        var answers = database.rows(
                "select element, job_id, outcome from app_jobs.add_jobs(?, ?::json)", JobDatabase.TENANT, """
                [{"task": "a"},
                 {"task": "b", "key": "there"},
                 {"task": "c", "key": "new"},
                 {"task": "d", "key": "new", "key_mode": "unsafe_dedupe"},
                 {"task": "e", "key": "new"},
                 {"task": "f"},
                 {"task": "g", "key": "a new one"}]""");
        assertThat(answers.stream().map(row -> row.get("element") + " " + row.get("outcome")))
                .containsExactly(
                        "1 inserted",
                        "2 replaced",
                        "3 inserted",
                        "4 deduplicated",
                        "5 replaced",
                        "6 inserted",
                        "7 inserted");
        List<Object> ids = answers.stream()
                .map(row -> row.get("job_id"))
                .map(Object.class::cast)
                .toList();
        assertThat(ids.get(1)).isEqualTo(there);
        assertThat(List.of(ids.get(3), ids.get(4))).containsOnly(ids.get(2));
        assertThat(List.of((Long) ids.get(0), (Long) ids.get(2), (Long) ids.get(5), (Long) ids.get(6)))
                .as("new ones, keyed or not, in the order of their elements")
                .isSorted();
        assertThat(jobs("task_identifier")).containsExactly("b", "a", "e", "f", "g");
    }

    @Test
    void twoElementsWithOneKeyAreAsTwoCalls() {
        assertThat(add("""
                [{"task": "a", "key": "k", "run_at": "2030-01-31T08:00:00Z"},
                 {"task": "b", "key": "k", "run_at": "2031-01-31T08:00:00Z", "key_mode": "preserve_run_at"}]""")).containsExactly("1 inserted", "2 replaced");
        assertThat(jobs("task_identifier, extract(year from run_at)")).containsExactly("b 2030");

        database.execute("update app_jobs.jobs set run_at = now()");
        database.execute("select app_jobs.claim_jobs('worker-1', null, 1, '1 min')");
        assertThat(add("[{\"task\": \"c\", \"key\": \"k\"}, {\"task\": \"d\", \"key\": \"k\"}]"))
                .containsExactly("1 inserted", "2 replaced");
        assertThat(jobs("task_identifier, key")).containsExactly("b null", "d k");
    }

    @Test
    void jobsOfAQueueRunInTheOrderOfTheirElements() {
        add("""
                [{"task": "z", "queue": "q"}, {"task": "y", "queue": "q", "key": "b"}, {"task": "x", "queue": "q"},
                 {"task": "w", "queue": "q", "key": "a"}]""");
        for (String task : List.of("z", "y", "x", "w")) {
            assertThat(database.rows("select task_identifier from app_jobs.get_job('old-worker')"))
                    .containsExactly(Map.of("task_identifier", task));
            database.execute("select app_jobs.complete_job('old-worker', id) from app_jobs.jobs");
        }
    }

    @Test
    void tensOfThousandsAreOneInsertAndOneNotification() throws SQLException {
        // A statement trigger fires once an insert, so what it writes down counts inserts.
        database.execute("create table inserts (jobs bigint)");
        database.execute("""
                create function count_insert() returns trigger language plpgsql as $$
                begin insert into public.inserts select count(*) from inserted; return null; end; $$""");
        database.execute("create trigger count_insert after insert on app_jobs.jobs referencing new table as inserted"
                + " for each statement execute function count_insert()");
        try (Connection listener = database.connect()) {
            JobDatabase.rows(listener, "listen \"jobs:insert\"");
            assertThat(database.number(
                            "select count(distinct job_id) from app_jobs.add_jobs(?, (select json_agg(json_build_object("
                                    + "'task', 't', 'payload', n) order by n) from generate_series(1, 30000) n))",
                            JobDatabase.TENANT))
                    .isEqualTo(30_000);
            PGNotification @Nullable [] heard =
                    listener.unwrap(PGConnection.class).getNotifications(30_000);
            assertThat(heard).hasSize(1);
        } finally {
            database.execute("drop trigger count_insert on app_jobs.jobs");
        }
        assertThat(database.rows("select jobs from inserts where jobs > 0")).containsExactly(Map.of("jobs", 30_000L));
        assertThat(database.number("select count(*) from (select payload::text::int - lag(payload::text::int) over"
                        + " (order by id) as step from app_jobs.jobs) s where step <> 1"))
                .as("ids out of order")
                .isZero();
    }

    @Test
    void anEmptyListAddsNothing() {
        assertThat(add("[]")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"task":"t"}                                                | jobs is no JSON array
            null                                                        | jobs is no JSON array
            [{"task":"t"},7]                                            | element 2 is no object but of type number
            [{"task":"t"},[]]                                           | element 2 is no object but of type array
            [{"task":"t"},{}]                                           | element 2: task is null or empty
            [{"task":"t"},{"task":""}]                                  | element 2: task is null or empty
            [{"task":"t"},{"task":null}]                                | element 2: task is null or empty
            [{"task":"t"},{"task":7}]                                   | element 2: task is no string
            [{"task":"t"},{"task":"t","tasks":null}]                    | element 2: tasks is not known; a job has task, payload
            [{"task":"t"},{"task":"t","Key":"k"}]                       | element 2: Key is not known
            [{"task":"t","key":{}}]                                     | element 1: key is no string
            [{"task":"t","queue":true}]                                 | element 1: queue is no string
            [{"task":"t","key_mode":1}]                                 | element 1: key_mode is no string
            [{"task":"t","key_mode":"dedupe"}]                          | element 1: key_mode is 'dedupe'; it is one of replace
            [{"task":"t","request_id":1}]                               | element 1: request_id is no string
            [{"task":"t","traceparent":[]}]                             | element 1: traceparent is no string
            [{"task":"t","actor_id":"a"}]                               | element 1: actor_id is no uuid
            [{"task":"t","entity_id":1}]                                | element 1: entity_id is no string
            [{"task":"t","entity_id":""}]                               | element 1: entity_id is no uuid
            [{"task":"t","max_attempts":0}]                             | element 1: max_attempts is 0, at least 1 is needed
            [{"task":"t","max_attempts":"3"}]                           | element 1: max_attempts is no integer
            [{"task":"t","max_attempts":2147483648}]                    | element 1: max_attempts is no integer of 32 bits
            [{"task":"t","priority":1.0}]                               | element 1: priority is no integer
            [{"task":"t","priority":1e2}]                               | element 1: priority is no integer
            [{"task":"t","priority":99999999999999999999}]              | element 1: priority is no integer
            [{"task":"t","run_at":1}]                                   | element 1: run_at is no string
            [{"task":"t","run_at":"tomorrow"}]                          | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"infinity"}]                          | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"2031-01-31T08:00:00"}]               | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"2031-01-31"}]                        | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"2031-01-31T24:00:00Z"}]              | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"2031-01-31T08:00:00+17:00"}]         | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"0000-01-31T08:00:00Z"}]              | element 1: run_at is no time with an offset
            [{"task":"t","run_at":"2031-02-29T08:00:00Z"}]              | element 1: run_at names a day that its month does not have
            [{"task":"t"},{"task":"t","payload":{"a":["\\u0000"]}}]     | element 2 has \\u0000 or half a surrogate pair in it
            [{"task":"t"},{"task":"t","payload":"\\ud800"}]             | element 2 has \\u0000 or half a surrogate pair in it
            [{"task":"t"},{"task":"t\\u0000"}]                          | element 2 has \\u0000 or half a surrogate pair in it
            [{"task":"t"},{"task":"t","\\u0000":1}]                     | element 2 has \\u0000 or half a surrogate pair in it
            """)
    void refusesAllOfThemForOneThatCannotBeNamingElementAndField(String jobs, String reason) {
        assertRefused(reason, () -> add(jobs));
    }

    @Test
    void keepsAPayloadThatJsonAllowsAndJsonbDoesNot() {
        add("[{\"task\":\"t\",\"payload\":{\"n\":1e999999}}]");
        assertThat(database.rows("select payload::text as payload from app_jobs.jobs"))
                .containsExactly(Map.of("payload", "{\"n\":1e999999}"));
    }

    @Test
    void refusesATenantThatIsNull() {
        assertRefused("db_id is null", () -> database.execute("select app_jobs.add_jobs(null, '[{\"task\": \"t\"}]')"));
    }

    @Test
    void takesTimesAsRfc3339AndPostgresWriteThem() {
        assertThat(database.number(
                        "select count(*) from app_jobs.add_jobs(?, (select json_agg(json_build_object('task', 't',"
                                + " 'run_at', v)) from (values ('2032-02-29T08:00:00Z'), ('2031-01-31t08:00:00.123456789z'),"
                                + " ('2031-01-31T08:00+14:00'), (to_json(now()) #>> '{}'), (now()::text),"
                                + " ('2031-12-31 23:59:59-1530')) as x (v)))",
                        JobDatabase.TENANT))
                .isEqualTo(6);
    }

    // What is refused only here takes the batch of outcomes with it that it travels in.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'task': 't', 'payload': {'a': [1e400, null]}, 'key': 'k', 'key_mode': 'unsafe_dedupe', 'queue': 'q'}",
                "{'task': 't', 'unknown': null}",
                "{'task': 't', 'key': '', 'queue': '', 'payload': null}",
                "{'task': 't', 'max_attempts': 1, 'priority': -2147483648}",
                "{'task': 't', 'max_attempts': 2147483647, 'priority': -0}",
                "{'task': 't', 'max_attempts': 1.0}",
                "{'task': 't', 'max_attempts': 1e1}",
                "{'task': 't', 'run_at': '2032-02-29t08:00:00.123456789z'}",
                "{'task': 't', 'run_at': '2032-02-29T08:00Z'}",
                "{'task': 't', 'run_at': '2031-02-29T08:00:00Z'}",
                "{'task': 't', 'run_at': '2031-01-31T24:00:00Z'}",
                "{'task': 't', 'run_at': '2031-01-31T08:00:00.Z'}",
                "{'task': 't', 'run_at': '2031-01-31T08:00:00+15:59'}",
                "{'task': 't', 'run_at': '2031-01-31T08:00:00+18:00'}",
                "{'task': 't', 'run_at': '2031-01-31T08:00:00+08:00:30'}",
                "{'task': 't', 'run_at': '0000-01-31T08:00:00Z'}",
                "{'task': 't', 'run_at': '0001-01-01T00:00:00Z'}",
                "{'task': 't', 'run_at': '9999-12-31T23:59:59-15:59'}",
                "{'task': 't', 'run_at': '+12031-01-31T08:00:00Z'}"
            })
    void takesWhateverTheReaderOfFollowUpJobsTakes(String job) throws IOException {
        String read;
        try {
            read = FollowUpJobs.read(new ObjectMapper().readTree("[" + job.replace('\'', '"') + "]"));
        } catch (IllegalArgumentException e) {
            return;
        }
        assertThat(add(read)).containsExactly("1 inserted");
    }

    @Test
    void saysWhichArgumentIsTooLongAndHowLongItMayBe() {
        for (String[] limit : List.of(
                new String[] {"task", "identifier", "126"},
                new String[] {"key", "job_key", "512"},
                new String[] {"queue", "queue_name", "126"})) {
            int most = Integer.parseInt(limit[2]);
            // Characters, not bytes: what fits is taken.
            String fits = "\u00e9".repeat(most);
            String reason = " has " + (most + 1) + " characters, at most " + most + " are allowed";
            boolean task = limit[0].equals("task");
            String call = (task ? "" : "identifier => 't', ") + limit[1] + " => ?";
            String element = "select app_jobs.add_jobs(?, json_build_array(json_build_object("
                    + (task ? "" : "'task', 't', ") + "'" + limit[0] + "', ?::text)))";

            database.execute("select app_jobs.add_job(?, " + call + ")", JobDatabase.TENANT, fits);
            database.execute("select app_jobs.add_scheduled_job(?, " + call + ")", JobDatabase.TENANT, fits);
            database.execute(element, JobDatabase.TENANT, fits);
            noJobs();
            for (String function : List.of("add_job", "add_scheduled_job")) {
                assertRefused(
                        limit[1] + reason,
                        () -> database.execute(
                                "select app_jobs." + function + "(?, " + call + ")", JobDatabase.TENANT, fits + "x"));
            }
            assertRefused(
                    "element 1: " + limit[0] + reason, () -> database.execute(element, JobDatabase.TENANT, fits + "x"));
        }
    }

    @Test
    void aPayloadWithNulIsClaimedAsItIsStored() {
        String payload = "{\"a\\u0000\": [\"\\u0000\", \"\\ud800\"]}";
        long id = database.addJob("t", payload);
        database.execute(
                "select app_jobs.add_job(?, 't', ?::json, 'k') from generate_series(1, 2)",
                JobDatabase.TENANT,
                payload);
        assertThat(database.rows("select payload from app_jobs.claim_jobs('worker-1', null, 5, '1 min')"))
                .hasSize(2)
                .containsOnly(Map.of("payload", payload));
        assertThat(database.value("select payload::text from app_jobs.complete_job('worker-1', ?)", id))
                .isEqualTo(payload);
        database.execute("select app_jobs.fail_job('worker-1', j.id, 'x') from app_jobs.jobs j");
        assertThat(database.number("select count(*) from app_jobs.run_scheduled_job((select id from"
                        + " app_jobs.add_scheduled_job('" + JobDatabase.TENANT + "', 't', '" + payload + "')))"))
                .isOne();
    }

    @Test
    void theDirectorySaysWhatBecameOfAJobAndWhatIsWrongWithIt() {
        Vertx vertx = Vertx.vertx();
        try {
            JobDirectory directory = new JobDirectory(JobStore.pool(vertx, database.config(), "add test"), "app_jobs");
            JobDirectory.NewJob job = new JobDirectory.NewJob(
                    JobDatabase.TENANT, "t", "{\"a\":  1.10}", "k", "preserve_run_at", "q", null, 3, -1);
            JobDirectory.Added added = directory.add(job).await();
            assertThat(added.outcome()).isEqualTo("inserted");
            assertThat(directory.add(job).await()).isEqualTo(new JobDirectory.Added(added.id(), "replaced"));
            assertThat(jobs("payload, queue_name, max_attempts, priority")).containsExactly("{\"a\":  1.10} q 3 -1");
            assertThat(directory
                            .addAll(
                                    JobDatabase.TENANT,
                                    "[{\"task\":\"u\",\"key\":\"k\",\"key_mode\":\"unsafe_dedupe\"},{\"task\":\"v\"}]")
                            .await())
                    .extracting(JobDirectory.Added::outcome)
                    .containsExactly("deduplicated", "inserted");
            assertThatThrownBy(() -> directory
                            .addAll(JobDatabase.TENANT, "[{\"task\":\"u\"},{\"task\":1}]")
                            .await())
                    .isInstanceOfSatisfying(
                            StoreException.class, e -> assertThat(e.error()).isEqualTo(StoreError.INVALID))
                    .hasMessage("cannot add jobs: INVALID_ARGUMENT: element 2: task is no string.");
        } finally {
            vertx.close().await();
        }
    }

    private static List<String> add(String jobs) {
        return database
                .rows("select element, outcome from app_jobs.add_jobs(?, ?::json)", JobDatabase.TENANT, jobs)
                .stream()
                .map(row -> row.get("element") + " " + row.get("outcome"))
                .toList();
    }

    private static void assertRefused(String reason, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        JobDatabase.SqlFailure.class, e -> assertThat(e.state()).isEqualTo("PJ003"))
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining("Detail: " + reason);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isZero();
    }

    // A line for each job, by id; null is written out.
    private static List<String> jobs(String columns) {
        String texts = String.join(
                ", ' ', ",
                Arrays.stream(columns.split(", (?![^(]*\\))"))
                        .map(column -> "coalesce((" + column + ")::text, 'null')")
                        .toList());
        return database.rows("select concat(" + texts + ") as line from app_jobs.jobs order by id").stream()
                .map(row -> String.valueOf(row.get("line")))
                .toList();
    }
}
