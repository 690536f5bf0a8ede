package dev.postern.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * JUnit extension: a database of its own for a test class, with the current schema (or empty), dropped afterwards.
 * Register it as a static field; as an instance field it is a database for each test. The calls here are what a test wants to say in SQL; each is a transaction of its own,
 * on any connection.
 */
public final class JobDatabase implements BeforeAllCallback, AfterAllCallback, BeforeEachCallback, AfterEachCallback {

    /** The tenant of jobs whose tenant does not matter. */
    public static final UUID TENANT = UUID.fromString("00000000-0000-0000-0000-000000000001");

    private final boolean migrated;
    private @Nullable DatabaseConfig config;
    private boolean ofClass;

    /** Connections that no call uses now; opening one costs more than most statements. */
    private final Deque<Connection> idle = new ConcurrentLinkedDeque<>();

    private JobDatabase(boolean migrated) {
        this.migrated = migrated;
    }

    /** With the current schema. */
    public static JobDatabase migrated() {
        return new JobDatabase(true);
    }

    /** Without any schema. */
    public static JobDatabase empty() {
        return new JobDatabase(false);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        ofClass = true;
        create();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        drop();
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (!ofClass) {
            create();
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (!ofClass) {
            drop();
        }
    }

    private void create() {
        PostgresServer server = PostgresServer.shared();
        config = migrated ? server.migratedDatabase() : server.emptyDatabase();
    }

    /** How to reach the database. */
    public DatabaseConfig config() {
        if (config == null) {
            throw new IllegalStateException("register the extension as a field");
        }
        return config;
    }

    /** A new connection; the caller closes it. */
    public Connection connect() {
        try {
            return PostgresServer.connect(config());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs a statement. */
    public void execute(String sql, @Nullable Object... arguments) {
        rows(sql, arguments);
    }

    /** The first column of the one row that a query answers. */
    public @Nullable Object value(String sql, @Nullable Object... arguments) {
        return value(rows(sql, arguments), sql);
    }

    /** A count or an id. */
    public long number(String sql, @Nullable Object... arguments) {
        return number(rows(sql, arguments), sql);
    }

    /** The first column of the one row there must be. */
    static @Nullable Object value(List<Map<String, @Nullable Object>> rows, String sql) {
        if (rows.size() != 1) {
            throw new AssertionError(rows.size() + " rows from: " + sql);
        }
        return rows.getFirst().get(rows.getFirst().keySet().iterator().next());
    }

    static long number(List<Map<String, @Nullable Object>> rows, String sql) {
        if (value(rows, sql) instanceof Number number) {
            return number.longValue();
        }
        throw new AssertionError("no number from: " + sql);
    }

    /** All rows of a query, by column name. A statement without rows answers an empty list. */
    public List<Map<String, @Nullable Object>> rows(String sql, @Nullable Object... arguments) {
        Connection connection = idleOrNew();
        List<Map<String, @Nullable Object>> rows = rows(connection, sql, arguments);
        idle.push(connection);
        return rows;
    }

    private Connection idleOrNew() {
        for (Connection connection = idle.poll(); connection != null; connection = idle.poll()) {
            try {
                // A test may have killed its backend.
                if (connection.isValid(5)) {
                    return connection;
                }
                connection.close();
            } catch (SQLException e) {
                throw new SqlFailure(e);
            }
        }
        return connect();
    }

    /** Alters the database, from another one, so that it works also for what its own sessions may not do. */
    void alter(String change) {
        PostgresServer.shared().execute("alter database " + config().database() + " " + change);
    }

    /** Makes the next call open a connection, for settings that only new ones see. */
    void forgetConnections() {
        for (Connection connection = idle.poll(); connection != null; connection = idle.poll()) {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new SqlFailure(e);
            }
        }
    }

    private void drop() {
        forgetConnections();
        PostgresServer.shared().drop(config());
    }

    /** As {@link #rows(String, Object...)}, on a connection whose transaction the test controls. */
    public static List<Map<String, @Nullable Object>> rows(
            Connection connection, String sql, @Nullable Object... arguments) {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            List<Map<String, @Nullable Object>> rows = new ArrayList<>();
            if (statement.execute()) {
                try (ResultSet set = statement.getResultSet()) {
                    while (set.next()) {
                        Map<String, @Nullable Object> row = new TreeMap<>();
                        for (int i = 1; i <= set.getMetaData().getColumnCount(); i++) {
                            row.put(set.getMetaData().getColumnLabel(i), set.getObject(i));
                        }
                        rows.add(row);
                    }
                }
            }
            return rows;
        } catch (SQLException e) {
            throw new SqlFailure(e);
        }
    }

    /** Adds a job by {@code add_job} for {@link #TENANT} and answers its id. */
    public long addJob(String task, String payload) {
        return number("select id from app_jobs.add_job(?, ?, ?::json)", TENANT, task, payload);
    }

    /** A statement failed; the server's words and SQLSTATE are in the message. */
    public static final class SqlFailure extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final @Nullable String state;

        SqlFailure(SQLException cause) {
            super(cause.getSQLState() + " " + cause.getMessage(), cause);
            this.state = cause.getSQLState();
        }

        /** The SQLSTATE. */
        public @Nullable String state() {
            return state;
        }
    }
}
