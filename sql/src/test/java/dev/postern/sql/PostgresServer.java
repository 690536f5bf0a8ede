package dev.postern.sql;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * The one Postgres of a test run: the server of {@code DATABASE_URL} if that is set, a container with
 * {@code -Dpostgres=container}, else the embedded binaries. Databases are cloned from a template that is migrated once.
 */
final class PostgresServer {

    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static final String RUN = Long.toString(ProcessHandle.current().pid(), 36);
    private static final String TEMPLATE = "postern_template_" + RUN;

    private static @Nullable PostgresServer shared;

    private final String host;
    private final int port;
    private final String user;
    private final String password;
    private final String maintenanceDatabase;

    private PostgresServer(String host, int port, String user, String password, String maintenanceDatabase) {
        this.host = host;
        this.port = port;
        this.user = user;
        this.password = password;
        this.maintenanceDatabase = maintenanceDatabase;
    }

    static synchronized PostgresServer shared() {
        if (shared == null) {
            PostgresServer started = start();
            started.execute("create database " + TEMPLATE);
            new SchemaMigrator(started.config(TEMPLATE)).migrate();
            shared = started;
        }
        return shared;
    }

    private static PostgresServer start() {
        String url = System.getenv("DATABASE_URL");
        if (url != null) {
            URI uri = URI.create(url);
            String[] login = (uri.getUserInfo() == null ? "postgres:" : uri.getUserInfo() + ":").split(":", -1);
            return new PostgresServer(
                    uri.getHost(),
                    uri.getPort() < 0 ? 5432 : uri.getPort(),
                    login[0],
                    login[1],
                    uri.getPath().substring(1));
        }
        if ("container".equals(System.getProperty("postgres"))) {
            PostgreSQLContainer container = new PostgreSQLContainer("postgres:18");
            container.start();
            return new PostgresServer(
                    container.getHost(),
                    container.getFirstMappedPort(),
                    container.getUsername(),
                    container.getPassword(),
                    container.getDatabaseName());
        }
        try {
            EmbeddedPostgres embedded = EmbeddedPostgres.builder()
                    .setServerConfig("max_connections", "300")
                    .setPGStartupWait(Duration.ofSeconds(60))
                    .start();
            return new PostgresServer("localhost", embedded.getPort(), "postgres", "", "postgres");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A new database with the current schema. */
    DatabaseConfig migratedDatabase() {
        return database(" template " + TEMPLATE);
    }

    /** A new database with nothing in it. */
    DatabaseConfig emptyDatabase() {
        return database("");
    }

    void drop(DatabaseConfig config) {
        execute("drop database if exists " + config.database() + " with (force)");
    }

    private DatabaseConfig database(String clause) {
        String name = "postern_" + RUN + "_" + DATABASES.incrementAndGet();
        execute("create database " + name + clause);
        return config(name);
    }

    private DatabaseConfig config(String database) {
        return new DatabaseConfig(
                host, port, database, user, password, DatabaseConfig.DEFAULT_SCHEMA, 8, DatabaseConfig.Tls.PREFER);
    }

    void execute(String sql) {
        try (Connection connection = connect(config(maintenanceDatabase));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("cannot run '" + sql + "': " + e.getMessage(), e);
        }
    }

    static Connection connect(DatabaseConfig config) throws SQLException {
        return DriverManager.getConnection(config.jdbcUrl(), config.user(), config.password());
    }
}
