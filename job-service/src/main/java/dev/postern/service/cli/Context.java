package dev.postern.service.cli;

import dev.postern.service.config.ConfigReader;
import dev.postern.service.local.LocalPostgres;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobStore;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * What commands share: the environment, and where things lie.
 *
 * @param environment the process's variables
 */
record Context(Map<String, String> environment) {

    /** The checkout; the launcher sets it. */
    Path home() {
        return Path.of(environment.getOrDefault("POSTERN_HOME", "."))
                .toAbsolutePath()
                .normalize();
    }

    /** Where local data are kept. */
    Path data() {
        String set = environment.getOrDefault("POSTERN_DATA", "");
        return set.isBlank() ? home().resolve(".postern") : Path.of(set).toAbsolutePath();
    }

    Path postgresDirectory() {
        return data().resolve("postgres");
    }

    /** A word that no other process of this host has: 40 random bits in base 32. */
    static String incarnation() {
        return Long.toString(new SecureRandom().nextLong(1L << 40) | (1L << 40), 32)
                .substring(1);
    }

    /** How wide the terminal is that the command prints to; 0 when it prints to none. The launcher sets it. */
    int columns() {
        String columns = environment.getOrDefault("POSTERN_TERMINAL", "");
        return columns.matches("[1-9]\\d{0,3}") ? Integer.parseInt(columns) : 0;
    }

    static InstantSource clock() {
        return InstantSource.system();
    }

    /** The environment with other values. */
    Map<String, String> with(Map<String, String> others) {
        Map<String, String> merged = new HashMap<>(environment);
        merged.putAll(others);
        return merged;
    }

    /** The configured database, else the one that a running {@code ./postern up} brought. */
    DatabaseConfig database() {
        if (ConfigReader.namesDatabase(environment)) {
            return new ConfigReader(environment, incarnation()).readDatabase();
        }
        // Who works on another machine's jobs by the API must not change a local database's instead.
        if (!environment.getOrDefault(ApiOptions.URL, "").isBlank()) {
            throw new IllegalStateException(
                    "POSTERN_API_URL is set, and this command works on the database: use"
                            + " './postern jobs', or name the database by DATABASE_URL, or unset POSTERN_API_URL for the local one");
        }
        return LocalPostgres.running(postgresDirectory())
                .orElseThrow(() -> new IllegalStateException("no database is named and no local one runs: start"
                        + " './postern up' in another terminal, or set DATABASE_URL"));
    }

    /** Runs something against the database of {@link #database}, with a pool that lives as long. Blocking. */
    <T> T withPool(String application, BiFunction<DatabaseConfig, Pool, T> work) {
        return withPool(database(), application, work);
    }

    static <T> T withPool(DatabaseConfig database, String application, BiFunction<DatabaseConfig, Pool, T> work) {
        Vertx vertx = Vertx.vertx();
        Pool pool = JobStore.pool(vertx, database, application);
        try {
            return work.apply(database, pool);
        } finally {
            // One after the other from here: a future of a closed event loop never completes.
            pool.close().await();
            vertx.close().await();
        }
    }
}
