package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaMigratorTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.empty();

    private DatabaseConfig inSchema(String schema) {
        DatabaseConfig c = database.config();
        return new DatabaseConfig(
                c.host(), c.port(), c.database(), c.user(), c.password(), schema, c.poolSize(), c.tls());
    }

    @Test
    void buildsAnEmptyDatabase() {
        SchemaMigrator.Report report = new SchemaMigrator(database.config()).migrate();

        assertThat(report.applied()).isPositive();
        assertThat(report.adopted()).isFalse();
        long id = database.addJob("system-ping", "{}");
        assertThat(database.number("select id from app_jobs.claim_jobs('worker-1', null, 10, '30 s')"))
                .isEqualTo(id);
    }

    @Test
    void findsNothingToDoTheSecondTime() {
        new SchemaMigrator(database.config()).migrate();

        assertThat(new SchemaMigrator(database.config()).migrate())
                .isEqualTo(new SchemaMigrator.Report(0, false, false));
    }

    @Test
    void servesAnotherSchemaFromEndToEndAndLeavesTheDefaultOneAlone() {
        new SchemaMigrator(inSchema("other_jobs")).migrate();

        long id = database.number(
                "select id from other_jobs.add_job(?, 'ping', '{}'::json, 'key', 'queue')", JobDatabase.TENANT);
        database.execute(
                "select other_jobs.add_scheduled_job(?, 'tick', '{}'::json, '\"* * * * *\"'::json)",
                JobDatabase.TENANT);
        database.execute("select other_jobs.run_scheduled_job(1)");
        database.execute("select other_jobs.prune_history('succeeded', '7 days')");
        var claimed = database.rows("select * from other_jobs.claim_jobs('worker-1', '{ping}', 10, '30 s')");
        assertThat(claimed)
                .singleElement()
                .satisfies(row -> assertThat(row.get("id")).isEqualTo(id));
        assertThat(database.value(
                        "select verdict from other_jobs.finish_jobs(array[?]::bigint[], '{1}', array[?]::uuid[],"
                                + " '{complete}', '{200}', '{null}', '{null}', '{\"{}\"}', '{null}')",
                        id, claimed.getFirst().get("lease_token")))
                .isEqualTo("accepted");
        assertThat(database.value("select task_identifier from other_jobs.get_job('worker-1')"))
                .isEqualTo("tick");
        assertThat(database.number("select count(*) from other_jobs.job_history where id = ?", id))
                .isOne();
        assertThat(database.value("select to_regnamespace('app_jobs')")).isNull();
    }

    @Test
    void letsOneOfSeveralMigratorsWorkWhileTheOthersWaitForIt() throws Exception {
        int migrators = 5;
        CyclicBarrier start = new CyclicBarrier(migrators);
        List<Integer> applied = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(migrators)) {
            Callable<Integer> migrate = () -> {
                start.await();
                return new SchemaMigrator(database.config()).migrate().applied();
            };
            List<Future<Integer>> running = new ArrayList<>();
            for (int i = 0; i < migrators; i++) {
                running.add(threads.submit(migrate));
            }
            for (Future<Integer> one : running) {
                applied.add(one.get());
            }
        }

        assertThat(applied).filteredOn(n -> n > 0).hasSize(1);
        assertThatCode(() -> new SchemaMigrator(database.config()).check()).doesNotThrowAnyException();
    }

    @Test
    void saysWhichMigrationIsMissing() {
        assertThatThrownBy(() -> new SchemaMigrator(database.config()).check())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("'app_jobs' of " + database.config().database())
                .hasMessageContaining("V0001__create_jobs.sql")
                .hasMessageContaining("run 'migrate'");

        new SchemaMigrator(database.config()).migrate();
        database.execute("delete from app_jobs.postern_migrations where script = 'R__get_job.sql'");

        assertThatThrownBy(() -> new SchemaMigrator(database.config()).check())
                .hasMessageContaining("lacks 1 migrations")
                .hasMessageContaining("R__get_job.sql");
    }

    @Test
    void acceptsAFunctionThatAnotherReleaseReplaced() {
        new SchemaMigrator(database.config()).migrate();
        database.execute("update app_jobs.postern_migrations set checksum = 1 where script = 'R__get_job.sql'");

        assertThatCode(() -> new SchemaMigrator(database.config()).check()).doesNotThrowAnyException();
        assertThat(new SchemaMigrator(database.config()).migrate().applied()).isOne();
    }

    private void migratedByANewerRelease(String... versionsAndDescriptions) {
        for (int i = 0; i < versionsAndDescriptions.length; i += 2) {
            database.execute(
                    "insert into app_jobs.postern_migrations (installed_rank, version, description, type, script,"
                            + " checksum, installed_by, execution_time, success)"
                            + " select max(installed_rank) + 1, ?, ?, 'SQL', 'V' || ? || '.sql', 1, 'somebody', 1, true"
                            + " from app_jobs.postern_migrations",
                    versionsAndDescriptions[i],
                    versionsAndDescriptions[i + 1],
                    versionsAndDescriptions[i]);
        }
    }

    /** A process of the release before that starts again during an upgrade. */
    @Test
    void livesWithASchemaToWhichANewerReleaseOnlyAdded() {
        new SchemaMigrator(database.config()).migrate();
        migratedByANewerRelease("9998", "add a column", "9999", "contract 0001 drop what nobody reads");

        assertThat(new SchemaMigrator(database.config()).check()).isTrue();
        assertThat(new SchemaMigrator(database.config()).migrate())
                .isEqualTo(new SchemaMigrator.Report(0, false, true));
    }

    @Test
    void leavesTheFunctionsOfANewerReleaseAlone() {
        new SchemaMigrator(database.config()).migrate();
        database.execute("update app_jobs.postern_migrations set checksum = 1 where script = 'R__get_job.sql'");
        migratedByANewerRelease("9999", "add a column");

        new SchemaMigrator(database.config()).migrate();

        assertThat(database.number("select count(*) from app_jobs.postern_migrations where script = 'R__get_job.sql'"))
                .isOne();
    }

    @Test
    void refusesASchemaThatANewerReleaseTookSomethingFrom() {
        new SchemaMigrator(database.config()).migrate();
        migratedByANewerRelease("9997", "contract 9996 drop a column", "9999", "add another");

        assertThatThrownBy(() -> new SchemaMigrator(database.config()).check())
                .isInstanceOf(SchemaException.class)
                .hasMessageMatching(
                        ".* is at version 9999, this release knows 00\\d\\d, and version 9997 took away what"
                                + " releases before 9996 need; run a release that knows 9996");
        assertThatThrownBy(() -> new SchemaMigrator(database.config()).migrate())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("9996");
    }

    @Test
    void leavesNothingBehindWhenAMigrationFails() {
        database.execute("create schema app_jobs");
        database.execute("create table app_jobs.job_history (mine int)");

        assertThatThrownBy(() -> new SchemaMigrator(database.config()).migrate())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("job_history");
        assertThat(database.value("select to_regclass('app_jobs.jobs')")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"SQL_ASCII", "LATIN1"})
    void refusesADatabaseOfAnotherEncodingAndSaysHowToMakeOne(String encoding) {
        DatabaseConfig mine = database.config();
        String name = mine.database() + "_" + encoding.toLowerCase(Locale.ROOT);
        database.execute("create database " + name + " encoding '" + encoding + "' locale 'C' template template0");
        try {
            SchemaMigrator migrator = new SchemaMigrator(new DatabaseConfig(
                    mine.host(), mine.port(), name, mine.user(), mine.password(), mine.schema(), 1, mine.tls()));
            for (ThrowingCallable start : List.<ThrowingCallable>of(migrator::migrate, migrator::check)) {
                assertThatThrownBy(start)
                        .isInstanceOf(SchemaException.class)
                        .satisfies(e ->
                                assertThat(((SchemaException) e).unreachable()).isFalse())
                        .message()
                        .contains(name, "its encoding is " + encoding, "UTF8 is needed", "encoding 'UTF8'")
                        .hasLineCount(1);
            }
        } finally {
            database.execute("drop database " + name + " with (force)");
        }
    }

    @Test
    void saysInOneLineThatTheDatabaseCannotBeReached() {
        DatabaseConfig nobody = new DatabaseConfig(
                "127.0.0.1", 1, "nowhere", "somebody", "secret", "app_jobs", 1, DatabaseConfig.Tls.PREFER);

        assertThatThrownBy(() -> new SchemaMigrator(nobody).migrate())
                .isInstanceOf(SchemaException.class)
                .message()
                .contains("somebody@127.0.0.1:1/nowhere", "refused", "run 'migrate' again")
                .doesNotContain("secret")
                .hasLineCount(1);
        assertThatThrownBy(() -> new SchemaMigrator(nobody).check())
                .isInstanceOf(SchemaException.class)
                .message()
                .contains("somebody@127.0.0.1:1/nowhere", "refused")
                .hasLineCount(1);
    }

    @Test
    void refusesASchemaNameThatIsNoPlainIdentifier() {
        assertThatThrownBy(() -> inSchema("jobs; drop table x"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("jobs; drop table x");
    }
}
