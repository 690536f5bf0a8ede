package dev.postern.chaos;

import dev.postern.chaos.Event.Journalled;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/** The witness in the database: journal.sql installs it, this reads it. */
final class Journal {

    private static final String STEPS = """
            select seq, at, began, job, step, attempts, token, worker, load_number, parent_offer, queue, priority, run_at
            from chaos.journal
            order by seq""";
    private static final String LEFT = """
            select j.id, app_jobs.job_state(j) as state, j.locked_at is not null as leased, 0 as offer
            from app_jobs.jobs j
            union all
            select h.id, h.state, false, coalesce(chaos.number(h.result, 'offer'), 0)
            from app_jobs.job_history h""";

    private Journal() {}

    /** Into a database that has the schema and no jobs. */
    static void install(ChaosPostgres postgres) throws SQLException {
        try (Connection connection = postgres.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(script());
        }
    }

    private static String script() {
        try (InputStream file = Journal.class.getResourceAsStream("journal.sql")) {
            if (file == null) {
                throw new IllegalStateException("journal.sql is missing");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Journalled> steps(SqlSession sql) throws SQLException {
        return sql.rows(Journal::step, STEPS);
    }

    static List<Left> left(SqlSession sql) throws SQLException {
        return sql.rows(row -> new Left(row.getLong(1), row.getString(2), row.getBoolean(3), row.getLong(4)), LEFT);
    }

    private static Journalled step(ResultSet row) throws SQLException {
        return new Journalled(
                row.getLong("seq"),
                instant(row, "at"),
                instant(row, "began"),
                row.getLong("job"),
                Step.valueOf(row.getString("step").toUpperCase(Locale.ROOT)),
                row.getInt("attempts"),
                row.getObject("token", UUID.class),
                row.getString("worker"),
                row.getLong("load_number"),
                row.getLong("parent_offer"),
                row.getString("queue"),
                row.getInt("priority"),
                instant(row, "run_at"));
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }
}
