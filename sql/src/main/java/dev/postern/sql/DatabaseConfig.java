package dev.postern.sql;

import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.TrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.TrustManagerFactory;

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
 * @param tls whether the connection is encrypted, and whether the server must prove who it is
 * @param pooled whether a pooler stands there that may hand each transaction to another session, as PgBouncer does in
 *     transaction mode: no statement then relies on what an earlier one left in its session
 */
public record DatabaseConfig(
        String host,
        int port,
        String database,
        String user,
        String password,
        String schema,
        int poolSize,
        Tls tls,
        boolean pooled) {

    /** The modes of libpq's {@code sslmode} that make sense here. */
    public enum Tls {
        /** Never. */
        DISABLE("disable", SslMode.DISABLE),
        /** When the server offers it; anybody's certificate will do. */
        PREFER("prefer", SslMode.PREFER),
        /** Always; anybody's certificate will do. */
        REQUIRE("require", SslMode.REQUIRE),
        /** Always, with a certificate that Java's trust store accepts for this host. */
        VERIFY_FULL("verify-full", SslMode.VERIFY_FULL);

        private final String name;
        private final SslMode mode;

        Tls(String name, SslMode mode) {
            this.name = name;
            this.mode = mode;
        }

        /** The mode that libpq calls so; empty for a name that is none of these. */
        public static Optional<Tls> named(String name) {
            return Arrays.stream(values()).filter(tls -> tls.name.equals(name)).findFirst();
        }
    }

    /** The schema that existing callers name. */
    public static final String DEFAULT_SCHEMA = "app_jobs";

    /** One each for what may overlap: claim, renewal, outcomes of worker and callbacks, ticks, reaper. Not measured yet. */
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

    /** A direct connection. */
    public DatabaseConfig(
            String host,
            int port,
            String database,
            String user,
            String password,
            String schema,
            int poolSize,
            Tls tls) {
        this(host, port, database, user, password, schema, poolSize, tls, false);
    }

    /** The same, through a pooler or not. */
    public DatabaseConfig withPooled(boolean other) {
        return new DatabaseConfig(host, port, database, user, password, schema, poolSize, tls, other);
    }

    /** Whether both lead to the same database by the same door. */
    public boolean sameAddress(DatabaseConfig other) {
        return host.equals(other.host) && port == other.port && database.equals(other.database);
    }

    PgConnectOptions connectOptions(String applicationName) {
        return new PgConnectOptions()
                .setHost(host)
                .setPort(port)
                .setDatabase(database)
                .setUser(user)
                .setPassword(password)
                // A named statement lives in one session. Without names the statement is parsed with each call, in the
                // transaction that runs it, at the price of a second round trip.
                .setCachePreparedStatements(!pooled)
                .setUseLayer7Proxy(pooled)
                .setPipeliningLimit(16)
                // These only: a pooler refuses start-up parameters that it does not track. The client gives up, and
                // forgets to close, a connection whose encoding is another, as a role's or a database's default may be.
                .setProperties(Map.of("application_name", applicationName, "client_encoding", "UTF8"))
                .setSslMode(tls.mode)
                .setSslOptions(sslOptions());
    }

    private ClientSSLOptions sslOptions() {
        if (tls != Tls.VERIFY_FULL) {
            return new ClientSSLOptions().setTrustAll(true);
        }
        try {
            TrustManagerFactory javas = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            javas.init((KeyStore) null);
            return new ClientSSLOptions()
                    .setTrustOptions(TrustOptions.wrap(javas.getTrustManagers()[0]))
                    .setHostnameVerificationAlgorithm("HTTPS");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot read Java's trust store, which verify-full needs", e);
        }
    }

    String jdbcUrl() {
        String trust = tls == Tls.VERIFY_FULL ? "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory" : "";
        String unnamed = pooled ? "&prepareThreshold=0" : "";
        return "jdbc:postgresql://" + host + ":" + port + "/" + database + "?sslmode=" + tls.name + trust + unnamed;
    }

    /** Without the password. */
    @Override
    public String toString() {
        return user + "@" + host + ":" + port + "/" + database + " schema " + schema;
    }
}
