package dev.postern.chaos;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A session that comes back after each of its ends. Every statement is a transaction. One thread. */
final class SqlSession implements AutoCloseable {

    private final ChaosPostgres postgres;
    private @Nullable Connection connection;

    /** Reads one row. */
    @FunctionalInterface
    interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    SqlSession(ChaosPostgres postgres) {
        this.postgres = postgres;
    }

    /**
     * The rows, once the statement is committed; empty when it failed, and then nobody knows whether it was committed.
     * The session is a new one after that.
     */
    <T> Optional<List<T>> tried(Reader<T> reader, String sql, @Nullable Object... arguments) {
        try {
            return Optional.of(rows(reader, sql, arguments));
        } catch (SQLException e) {
            close();
            return Optional.empty();
        }
    }

    /** The rows. */
    <T> List<T> rows(Reader<T> reader, String sql, @Nullable Object... arguments) throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = postgres.connect();
            connection = open;
        }
        try (PreparedStatement statement = open.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            List<T> rows = new ArrayList<>();
            if (statement.execute()) {
                try (ResultSet result = statement.getResultSet()) {
                    while (result.next()) {
                        rows.add(reader.read(result));
                    }
                }
            }
            return rows;
        }
    }

    /** The first column of the only row. */
    long number(String sql, @Nullable Object... arguments) throws SQLException {
        return rows(row -> row.getLong(1), sql, arguments).getFirst();
    }

    static UUID tenant(int number) {
        return new UUID(0, number);
    }

    @Override
    public void close() {
        Connection open = connection;
        connection = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                // It is gone either way.
                return;
            }
        }
    }
}
