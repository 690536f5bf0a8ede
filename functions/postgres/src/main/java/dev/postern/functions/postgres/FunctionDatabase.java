package dev.postern.functions.postgres;

import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.Job;
import dev.postern.functions.runtime.RetryLater;
import dev.postern.functions.runtime.Settings;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The database of a function. Every call opens a connection, runs one transaction and closes it; nothing is left in the
 * session, so a transaction pooler may stand before the server. Statements end when the worker stops waiting for the
 * answer. Any thread may use it.
 */
public final class FunctionDatabase {

    /** A server that starts, stops or is full, and what loses against other transactions. */
    private static final Set<String> PASSING_CLASSES = Set.of("08", "53", "40", "57");

    private static final String QUERY_CANCELLED = "57014";
    private static final Duration SOON = Duration.ofSeconds(2);

    private final DataSource source;
    private final Clock clock;

    /** What is done in the transaction; a failure rolls it back. */
    @FunctionalInterface
    public interface Work<T extends @Nullable Object> {
        /** Does it. */
        T run(Connection connection) throws SQLException, IOException;
    }

    /** Over a source of plain connections. */
    public FunctionDatabase(DataSource source, Clock clock) {
        this.source = source;
        this.clock = clock;
    }

    /**
     * From {@code DATABASE_URL}, or {@code PGHOST}, {@code PGPORT}, {@code PGUSER}, {@code PGPASSWORD}, {@code PGDATABASE}
     * and {@code PGSSLMODE}, as the job service reads them. Mistakes are noted in {@code settings}.
     *
     * @param name the function's name, which the server shows as {@code application_name}
     */
    public static FunctionDatabase from(String name, Settings settings, Clock clock) {
        return new FunctionDatabase(DatabaseSettings.read(name, settings), clock);
    }

    /** Connections for a library that brings its own transactions, such as a migrator. */
    public DataSource source() {
        return source;
    }

    /**
     * Runs a transaction as the role that logged in.
     *
     * @throws RetryLater when the database is away, or the transaction lost against another
     * @throws SQLException when a statement failed for any other reason
     */
    public <T extends @Nullable Object> T write(Job job, Work<T> work) throws SQLException, IOException {
        return transaction(job, connection -> {}, work);
    }

    /**
     * Runs a transaction that only reads, sees one moment of the database, and may do what the tenant may do: under the
     * given role, with the session's tenant (and the job's actor as user) as the tenant's own sessions have them.
     *
     * @param role a role that the login may switch to; it should be neither superuser nor owner, or no policy binds it
     * @param tenant whose rows are read
     * @throws RetryLater when the database is away
     * @throws SQLException when a statement failed for any other reason
     */
    public <T extends @Nullable Object> T readAs(String role, UUID tenant, Job job, Work<T> work)
            throws SQLException, IOException {
        return transaction(
                job,
                connection -> {
                    try (var statement = connection.createStatement()) {
                        statement.execute("set transaction isolation level repeatable read, read only");
                    }
                    set(connection, "TimeZone", "UTC");
                    set(connection, "jwt.claims.database_id", tenant.toString());
                    set(connection, "jwt.claims.user_id", job.actorId() == null ? "" : job.actorId());
                    // Last: from here on the tenant's rights hold.
                    set(connection, "role", role);
                },
                work);
    }

    /**
     * The job's tenant.
     *
     * @throws BadPayload when the call names none, or no uuid
     */
    public static UUID tenant(Job job) {
        String tenant = job.databaseId();
        if (tenant == null) {
            throw new BadPayload("X-Database-Id", "the header is required: it names the tenant");
        }
        try {
            return UUID.fromString(tenant);
        } catch (IllegalArgumentException e) {
            throw new BadPayload("X-Database-Id", "the header must be a uuid, is '" + tenant + "'", e);
        }
    }

    private interface Preparation {
        void run(Connection connection) throws SQLException;
    }

    private <T extends @Nullable Object> T transaction(Job job, Preparation first, Work<T> work)
            throws SQLException, IOException {
        try (Connection connection = source.getConnection()) {
            connection.setAutoCommit(false);
            try {
                first.run(connection);
                set(connection, "statement_timeout", Long.toString(millisLeft(job)));
                T result = work.run(connection);
                connection.commit();
                return result;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            }
        } catch (SQLException e) {
            if (passing(e)) {
                throw new RetryLater(SOON, "the database does not answer now: " + e.getMessage(), e);
            }
            throw e;
        }
    }

    private static void rollBack(Connection connection, Throwable cause) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private long millisLeft(Job job) {
        return job.deadline() == null
                ? 0 // no limit: nobody said that they stop waiting
                // What Postgres takes: 24 days are as good as more.
                : Math.clamp(Duration.between(clock.instant(), job.deadline()).toMillis(), 1, Integer.MAX_VALUE);
    }

    /** Until the transaction ends. */
    private static void set(Connection connection, String name, String value) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select set_config(?, ?, true)")) {
            statement.setString(1, name);
            statement.setString(2, value);
            statement.execute();
        }
    }

    private static boolean passing(SQLException e) {
        String state = e.getSQLState();
        return state != null
                && state.length() == 5
                && PASSING_CLASSES.contains(state.substring(0, 2))
                && !state.equals(QUERY_CANCELLED);
    }
}
