package dev.postern.bench;

import dev.postern.service.local.LocalPostgres;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.SchemaMigrator;
import java.nio.file.Path;

/** A durable Postgres of the run's own: fsync, full page writes and synchronous commit are on. */
final class Postgres implements AutoCloseable {

    private static final String TEMPLATE = "postern_template";

    private final LocalPostgres server;
    private int databases;

    private Postgres(LocalPostgres server) {
        this.server = server;
    }

    static Postgres start(Path directory) {
        try (LocalPostgres first = LocalPostgres.start(directory, 0);
                Database admin = new Database(first.config(), "postgres")) {
            // To know when an outcome was accepted.
            admin.execute("alter system set track_commit_timestamp = on");
            // A checkpoint in the middle of one contender's turn and not of the other's would decide the ratio.
            admin.execute("alter system set max_wal_size = '8GB'");
            admin.execute("alter system set checkpoint_timeout = '30min'");
        }
        Postgres postgres = new Postgres(LocalPostgres.start(directory, 0));
        try (Database admin = postgres.admin()) {
            admin.execute("create database " + TEMPLATE);
        }
        try (Database template = new Database(postgres.config(), TEMPLATE)) {
            new SchemaMigrator(template.config()).migrate();
        }
        return postgres;
    }

    DatabaseConfig config() {
        return server.config();
    }

    private Database admin() {
        return new Database(config(), "postgres");
    }

    /** A new database with nothing in it. */
    Database empty() {
        return create("template0");
    }

    /** A new database with Postern's schema. */
    Database migrated() {
        return create(TEMPLATE);
    }

    private Database create(String template) {
        String name = "bench_" + ++databases;
        try (Database admin = admin()) {
            admin.execute("create database " + name + " template " + template);
        }
        return new Database(config(), name);
    }

    /** Ends its sessions and removes it. */
    void drop(Database database) {
        String name = database.config().database();
        database.close();
        try (Database admin = admin()) {
            admin.execute("drop database " + name + " with (force)");
        }
    }

    /** Processor time of all its processes so far. */
    double cpuSeconds() {
        return Proc.cpuSecondsOfAll(server.pid());
    }

    @Override
    public void close() {
        server.close();
    }
}
