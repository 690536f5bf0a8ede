package dev.postern.functions.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.Job;
import dev.postern.functions.runtime.RetryLater;
import dev.postern.functions.runtime.Settings;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class FunctionDatabaseTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final UUID OTHER = UUID.fromString("00000000-0000-0000-0000-000000000002");

    @Test
    void readsAsTheTenantAndNothingElse() throws Exception {
        database.addJob("of-the-tenant", "{}");
        database.execute("select app_jobs.add_job(?, 'of-another')", OTHER);

        String seen = on(database.config().port())
                .readAs(
                        "postern_tenant",
                        JobDatabase.TENANT,
                        job(null),
                        connection -> text(
                                connection,
                                "select string_agg(task_identifier, ',') || ' by ' || current_user from app_jobs.jobs"));

        assertThat(seen).isEqualTo("of-the-tenant by postern_tenant");
    }

    @Test
    void doesNotWriteWhenItReads() {
        assertThatThrownBy(() -> on(database.config().port())
                        .readAs(
                                "postern_tenant",
                                JobDatabase.TENANT,
                                job(null),
                                connection -> text(
                                        connection,
                                        "select id::text from app_jobs.add_job('" + JobDatabase.TENANT + "', 'x')")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("read-only transaction");
    }

    @Test
    void commitsWhatSucceedsAndRollsBackWhatFails() throws Exception {
        database.execute("create table if not exists public.kept (n int)");
        FunctionDatabase functions = on(database.config().port());

        functions.write(job(null), connection -> execute(connection, "insert into public.kept values (1)"));
        assertThatThrownBy(() -> functions.write(job(null), connection -> {
                    execute(connection, "insert into public.kept values (2)");
                    throw new BadPayload("n", "is two");
                }))
                .isInstanceOf(BadPayload.class);

        assertThat(database.value("select array_agg(n)::text from public.kept")).isEqualTo("{1}");
    }

    @Test
    void endsStatementsAtTheDeadlineOfTheAttempt() {
        Job late = job(Instant.now().plusMillis(50));
        assertThatThrownBy(() -> on(database.config().port())
                        .write(late, connection -> execute(connection, "select pg_sleep(60)")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("statement timeout");
    }

    @Test
    void takesADeadlineThatIsFarAway() throws Exception {
        Job patient = job(Instant.now().plus(Duration.ofDays(400)));
        assertThat(on(database.config().port())
                        .<String>write(patient, connection -> text(connection, "show statement_timeout")))
                .isEqualTo("2147483647ms");
    }

    @Test
    void comesBackLaterWhenTheDatabaseIsAwayOrGoes() {
        assertThatThrownBy(() -> on(database.config().port()).write(job(null), connection -> {
                    database.execute(
                            "select pg_terminate_backend(?::int)", text(connection, "select pg_backend_pid()::text"));
                    return text(connection, "select 'unheard'");
                }))
                .isInstanceOf(RetryLater.class)
                .hasMessageStartingWith("the database does not answer now: ");
        assertThatThrownBy(() -> on(1).write(job(null), connection -> true)).isInstanceOf(RetryLater.class);
    }

    @Test
    void keepsValuesOfRowsOutOfMessages() {
        database.execute("create table if not exists public.once (n text primary key)");
        database.execute("insert into public.once values ('secret') on conflict do nothing");
        assertThatThrownBy(() -> on(database.config().port())
                        .write(
                                job(null),
                                connection -> execute(connection, "insert into public.once values ('secret')")))
                .hasMessageContaining("duplicate key")
                .message()
                .doesNotContain("secret");
    }

    @Test
    void saysAllThatIsWrongWithItsSettings() {
        assertThat(mistakes(Map.of())).singleElement().asString().startsWith("no database is named");
        assertThat(mistakes(Map.of("DATABASE_URL", "mysql://a:hidden@b/c")))
                .singleElement()
                .asString()
                .startsWith("DATABASE_URL must be postgres://")
                .doesNotContain("hidden");
        assertThat(mistakes(Map.of("DATABASE_URL", "postgres://a@b/c?sslmode=some&x=1", "PGPORT", "0")))
                .hasSize(3);
        assertThat(mistakes(Map.of("DATABASE_URL", "postgres://a%40b:p@h:6432/c?sslmode=require&pgbouncer=true")))
                .isEmpty();
    }

    @Test
    void asksForATenant() {
        assertThat(FunctionDatabase.tenant(job(null))).isEqualTo(JobDatabase.TENANT);
        assertThatThrownBy(() -> FunctionDatabase.tenant(job(null, "tenant-a"))).isInstanceOf(BadPayload.class);
        assertThatThrownBy(() -> FunctionDatabase.tenant(job(null, null))).isInstanceOf(BadPayload.class);
    }

    private static List<String> mistakes(Map<String, String> environment) {
        Settings settings = new Settings(environment);
        FunctionDatabase.from("tested", settings, Clock.systemUTC());
        try {
            settings.refuseMistakes();
            return List.of();
        } catch (ConfigurationMistakes e) {
            return e.lines();
        }
    }

    private static FunctionDatabase on(int port) {
        DatabaseConfig config = database.config();
        Settings settings = new Settings(Map.of(
                "PGHOST", config.host(),
                "PGPORT", Integer.toString(port),
                "PGUSER", config.user(),
                "PGPASSWORD", config.password(),
                "PGDATABASE", config.database()));
        return FunctionDatabase.from("tested", settings, Clock.systemUTC());
    }

    private static Job job(@Nullable Instant deadline) {
        return job(deadline, JobDatabase.TENANT.toString());
    }

    private static Job job(@Nullable Instant deadline, @Nullable String tenant) {
        return new Job("812", "tested", 1, 25, deadline, tenant, null, null, null, null, null, null);
    }

    private static boolean execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }
}
