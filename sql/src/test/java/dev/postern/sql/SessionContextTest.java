package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a session says about whom it works for reaches its jobs; and what hostile names and settings do to triggers. */
class SessionContextTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private static final String TENANT = JobDatabase.TENANT.toString();
    private static final String ACTOR = "00000000-0000-0000-0000-00000000000a";
    private static final String CLAIMED = "00000000-0000-0000-0000-00000000000c";
    private static final String ENTITY = "00000000-0000-0000-0000-00000000000e";

    private Session session;

    @BeforeEach
    void connect() {
        session = Session.transaction(database);
    }

    @AfterEach
    void disconnect() {
        session.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "add_job('TENANT', 't')",
                "add_job('TENANT', 't', job_key => 'k')",
                "add_jobs('TENANT', '[{\"task\": \"t\"}]')",
                "add_jobs('TENANT', '[{\"task\": \"t\", \"key\": \"k\", \"request_id\": null}]')"
            })
    void comesFromTheSettingsOfTheTransaction(String call) {
        set("postern.actor_id", ACTOR);
        set("postern.entity_id", ENTITY);
        set("postern.request_id", "r'1");
        set("postern.traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        set("jwt.claims.user_id", CLAIMED);
        session.rows("select app_jobs." + call.replace("TENANT", TENANT));
        session.commit();
        assertThat(contexts())
                .containsExactly(ACTOR + " " + ENTITY + " r'1 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

        database.execute("truncate app_jobs.jobs");
        session.rows("select app_jobs." + call.replace("TENANT", TENANT));
        session.commit();
        assertThat(contexts()).as("after the transaction").containsExactly("- - - -");
    }

    @Test
    void whatIsGivenStandsBeforeTheSettings() {
        set("postern.actor_id", ACTOR);
        set("postern.entity_id", ACTOR);
        set("postern.request_id", "r1");
        set("postern.traceparent", "t1");
        session.rows("select app_jobs.add_job('" + TENANT + "', 't', actor_id => '" + CLAIMED + "', entity_id => '"
                + ENTITY + "', request_id => 'r2', traceparent => 't2')");
        session.rows("select app_jobs.add_jobs('" + TENANT + "', '[{\"task\": \"t\", \"actor_id\": \"" + CLAIMED
                + "\", \"entity_id\": \"" + ENTITY + "\", \"request_id\": \"r2\", \"traceparent\": \"t2\"}]')");
        session.commit();
        assertThat(contexts()).hasSize(2).containsOnly(CLAIMED + " " + ENTITY + " r2 t2");
    }

    @Test
    void theActorComesFromTheClaimsWhereNothingElseSays() {
        set("jwt.claims.user_id", CLAIMED);
        session.rows("select app_jobs.add_job('" + TENANT + "', 't')");
        set("jwt.claims.user_id", "auth0|7");
        session.rows("select app_jobs.add_job('" + TENANT + "', 't')");
        set("postern.actor_id", "");
        session.rows("select app_jobs.add_job('" + TENANT + "', 't')");
        session.commit();
        assertThat(contexts()).containsExactly(CLAIMED + " - - -", "- - - -", "- - - -");
    }

    @ParameterizedTest
    @ValueSource(strings = {"postern.actor_id", "postern.entity_id"})
    void aSettingThatIsNoUuidIsRefusedByItsName(String setting) {
        for (String call :
                List.of("add_job('" + TENANT + "', 't')", "add_jobs('" + TENANT + "', '[{\"task\": \"t\"}]')")) {
            set(setting, "o'neill %s");
            assertThatThrownBy(() -> session.rows("select app_jobs." + call))
                    .hasMessageContaining("PJ003 ERROR: INVALID_ARGUMENT")
                    .hasMessageContaining("The setting " + setting + " is no uuid: 'o''neill %s'.");
            rollback();
        }
        assertThat(contexts()).isEmpty();
    }

    @Test
    void aScheduledJobWorksForNobody() {
        set("postern.actor_id", ACTOR);
        set("postern.request_id", "r1");
        for (String key : List.of("null", "'k'")) {
            session.rows("select app_jobs.run_scheduled_job((select id from app_jobs.add_scheduled_job('" + TENANT
                    + "', 't', job_key => " + key + ")))");
        }
        session.commit();
        assertThat(contexts()).containsExactly("- - - -", "- - - -");
    }

    @Test
    void aFollowUpJobInheritsFromItsJobAndNotFromTheSessionThatEndsIt() {
        session.rows("select app_jobs.add_job('" + TENANT + "', 't', actor_id => '" + ACTOR + "', request_id => 'r1')");
        session.commit();
        set("postern.actor_id", CLAIMED);
        set("postern.entity_id", ENTITY);
        session.rows("select app_jobs.finish_jobs(array[id], array[attempt], array[lease_token], '{complete}', '{200}',"
                + " '{null}', '{0}', '{null}', array['[{\"task\": \"next\"}, {\"task\": \"last\", \"key\": \"k\","
                + " \"key_mode\": \"unsafe_dedupe\"}]']) from app_jobs.claim_jobs('worker-1', null, 1, '1 min')");
        session.commit();
        assertThat(contexts()).containsExactly(ACTOR + " - r1 -", ACTOR + " - r1 -");
    }

    // --- triggers
    // ------------------------------------------------------------------------------------------------------

    @Test
    void flowsThroughTriggers() {
        things("id int");
        trigger("tg_add_job_with_row('row')");
        trigger("tg_add_job_with_row_id('row-id')");
        trigger("trigger_job_with_fields('fields', 'id')");
        set("jwt.claims.database_id", TENANT);
        set("jwt.claims.user_id", CLAIMED);
        set("postern.entity_id", ENTITY);
        session.rows("insert into things values (1)");
        session.commit();
        assertThat(contexts()).hasSize(3).containsOnly(CLAIMED + " " + ENTITY + " - -");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tg_add_job_with_row('t')", "tg_add_job_with_row_id('t')", "trigger_job_with_fields('t', 'id')"})
    void aTriggerSaysWhatToSetWhereThereIsNoTenant(String function) {
        things("id int");
        trigger(function);
        session.commit();
        assertTriggerRefused("select set_config('jwt.claims.database_id', <database id>, true)");
        set("jwt.claims.database_id", "no uuid");
        assertTriggerRefused("The setting jwt.claims.database_id is no uuid: 'no uuid'.");

        session.rows("create schema jwt_private");
        session.rows(
                "create function jwt_private.current_database_id() returns uuid language sql as 'select null::uuid'");
        session.commit();
        assertTriggerRefused("jwt_private.current_database_id() answers null here");
        assertThat(contexts()).isEmpty();
    }

    private void assertTriggerRefused(String reason) {
        assertThatThrownBy(() -> session.rows("insert into things values (1)"))
                .hasMessageContaining("PJ003 ERROR: INVALID_ARGUMENT")
                .hasMessageContaining(reason);
        rollback();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a'b",
                "a\"b",
                "a\\b",
                "a%sb",
                "a%Lb",
                "a$1b",
                "a b",
                "a;drop table things;--",
                "A",
                "select",
                "\u00e9",
                "a)::text, ($1",
                "$$",
                "a.b",
                "\"a\""
            })
    void hostileNamesAndValuesAreData(String hostile) {
        String column = "\"" + hostile.replace("\"", "\"\"") + "\"";
        String literal = "E'" + hostile.replace("\\", "\\\\").replace("'", "\\'") + "'";
        things("id text, " + column + " text");
        trigger("tg_add_job_with_row(" + literal + ")");
        trigger("tg_add_job_with_row_id(" + literal + ")");
        trigger("trigger_job_with_fields(" + literal + ", " + literal + ", 'id')");
        set("jwt.claims.database_id", TENANT);
        session.rows("insert into things values (?, ?)", hostile, hostile);
        session.commit();

        assertThat(database.rows(
                        "select task_identifier, payload ->> 'id' as id, payload ->> ? as field from app_jobs.jobs"
                                + " order by id",
                        hostile))
                .hasSize(3)
                .allSatisfy(row -> assertThat(row)
                        .containsEntry("task_identifier", hostile)
                        .containsEntry("id", hostile))
                .extracting(row -> row.get("field"))
                .containsExactly(hostile, null, hostile);
        assertThat(database.number("select count(*) from things")).isOne();
    }

    @Test
    void aFieldThatIsNoColumnByLetterIsReadAsSqlReadsNames() {
        session.rows("create type place as (\"City\" text, zip int)");
        things("id int, \"camelCase\" text, home place");
        trigger("trigger_job_with_fields('t', 'ID', '\"camelCase\"', 'home.zip', 'home.\"City\"')");
        set("jwt.claims.database_id", TENANT);
        session.rows("insert into things values (1, 'x', ('Ulm', 89073))");
        session.commit();
        assertThat(database.value("select payload::jsonb::text from app_jobs.jobs"))
                .isEqualTo("{\"ID\": \"1\", \"home.zip\": \"89073\", \"\\\"camelCase\\\"\": \"x\","
                        + " \"home.\\\"City\\\"\": \"Ulm\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "id::int, pg_sleep(1)", "id) from pg_authid --", "", "id.", "1"})
    void aFieldThatIsNoNameFailsTheStatement(String field) {
        things("id int");
        trigger("trigger_job_with_fields('t', '" + field + "')");
        session.commit();
        set("jwt.claims.database_id", TENANT);
        assertThatThrownBy(() -> session.rows("insert into things values (1)"))
                .hasMessageMatching("(?s).*(42703|22023|42602).*(not found in data type|is not a valid identifier).*");
        rollback();
        assertThat(contexts()).isEmpty();
    }

    private void things(String columns) {
        session.rows("create table things (" + columns + ")");
    }

    private void trigger(String function) {
        String name = "t" + function.replaceAll("\\(.*", "");
        session.rows("create trigger " + name + " after insert on things for each row execute function app_jobs."
                + function);
    }

    private void set(String setting, String value) {
        session.rows("select set_config(?, ?, true)", setting, value);
    }

    private void rollback() {
        try {
            session.connection().rollback();
        } catch (java.sql.SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
    }

    private List<String> contexts() {
        return database
                .rows(
                        "select concat_ws(' ', coalesce(actor_id::text, '-'), coalesce(entity_id::text, '-'),"
                                + " coalesce(request_id, '-'), coalesce(traceparent, '-')) as context from app_jobs.jobs order by id")
                .stream()
                .map((Map<String, ?> row) -> String.valueOf(row.get("context")))
                .toList();
    }
}
