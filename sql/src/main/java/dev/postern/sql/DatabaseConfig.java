package dev.postern.sql;

import io.vertx.pgclient.PgConnectOptions;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where the database is and which schema holds the jobs.
 *
 * @param host name or address of the server
 * @param port TCP port of the server
 * @param database name of the database
 * @param user role to log in as
 * @param password its password; empty where the server asks for none
 * @param schema schema of the jobs; a plain lower-case identifier, because it becomes part of statements
 * @param poolSize connections held open for statements, at least 1; LISTEN takes one more
 */
public record DatabaseConfig(
        String host, int port, String database, String user, String password, String schema, int poolSize) {

    /** The schema that existing callers name. */
    public static final String DEFAULT_SCHEMA = "app_jobs";

    /** Enough for one worker's claim, renewal and outcome statements to overlap; measured need is 2 to 3. */
    public static final int DEFAULT_POOL_SIZE = 6;

    private static final Pattern IDENTIFIER = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

    /** Refuses a schema that is no plain identifier and pool sizes below 1. */
    public DatabaseConfig {
        if (!IDENTIFIER.matcher(schema).matches()) {
            throw new IllegalArgumentException(
                    "schema must be a plain lower-case identifier such as 'app_jobs', is '" + schema + "'");
        }
        if (poolSize < 1) {
            throw new IllegalArgumentException("pool size must be at least 1, is " + poolSize);
        }
    }

    PgConnectOptions connectOptions(String applicationName) {
        return new PgConnectOptions()
                .setHost(host)
                .setPort(port)
                .setDatabase(database)
                .setUser(user)
                .setPassword(password)
                .setCachePreparedStatements(true)
                .setPipeliningLimit(16)
                .setProperties(Map.of("application_name", applicationName));
    }

    String jdbcUrl() {
        return "jdbc:postgresql://" + host + ":" + port + "/" + database;
    }

    /** Without the password. */
    @Override
    public String toString() {
        return user + "@" + host + ":" + port + "/" + database + " schema " + schema;
    }
}
