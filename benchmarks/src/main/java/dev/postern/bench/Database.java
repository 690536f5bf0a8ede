package dev.postern.bench;

import dev.postern.sql.DatabaseConfig;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A database of the run's Postgres, and one connection to it for what is not measured. Of the main thread. */
final class Database implements AutoCloseable {

    private final DatabaseConfig server;
    private final String name;
    private final Connection connection;

    Database(DatabaseConfig server, String name) {
        this.server = server;
        this.name = name;
        this.connection = connect();
    }

    /** As libpq reads it. */
    String url() {
        return "postgres://" + server.user() + "@" + server.host() + ":" + server.port() + "/" + name
                + "?sslmode=disable";
    }

    DatabaseConfig config() {
        return new DatabaseConfig(
                server.host(),
                server.port(),
                name,
                server.user(),
                server.password(),
                server.schema(),
                server.poolSize(),
                server.tls());
    }

    /** Another connection; it commits each statement. */
    Connection connect() {
        try {
            return DriverManager.getConnection(
                    "jdbc:postgresql://" + server.host() + ":" + server.port() + "/" + name
                            + "?prepareThreshold=1&ApplicationName=bench",
                    server.user(),
                    server.password());
        } catch (SQLException e) {
            throw new BenchException("cannot connect to " + name + ": " + e.getMessage(), e);
        }
    }

    void execute(String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new BenchException("cannot run '" + sql.lines().findFirst().orElse("") + "': " + e.getMessage(), e);
        }
    }

    double number(String sql) {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getDouble(1);
        } catch (SQLException e) {
            throw new BenchException("cannot run '" + sql + "': " + e.getMessage(), e);
        }
    }

    boolean holds(String sql) {
        return number("select (" + sql + ")::int") > 0;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new BenchException("cannot close the connection to " + name, e);
        }
    }
}
