package dev.postern.chaos;

import dev.postern.service.local.LocalPostgres;
import dev.postern.sql.DatabaseConfig;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A durable Postgres that is stopped in both ways and comes back on the same port. Once closed it stays so. */
final class ChaosPostgres implements AutoCloseable {

    private static final long STOP_SECONDS = 60;

    private final Path directory;
    private final DatabaseConfig config;
    private LocalPostgres server;
    private boolean closed;

    private ChaosPostgres(Path directory, LocalPostgres server) {
        this.directory = directory;
        this.server = server;
        this.config = server.config();
    }

    static ChaosPostgres start(Path directory) {
        return new ChaosPostgres(directory, LocalPostgres.start(directory, StablePort.any()));
    }

    DatabaseConfig config() {
        return config;
    }

    /** A connection past the proxies. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://" + config.host() + ":" + config.port() + "/" + config.database()
                        + "?connectTimeout=5&socketTimeout=120&ApplicationName=chaos",
                config.user(),
                config.password());
    }

    /** Ends sessions in an orderly way and writes a checkpoint. */
    synchronized void stopFast() {
        server.close();
    }

    /** Drops everything where it stands; the next start recovers from the log. */
    synchronized void stopImmediately() {
        long pid = server.pid();
        Signals.send("QUIT", pid);
        ProcessHandle.of(pid).ifPresent(ChaosPostgres::awaitEnd);
        server.close();
    }

    synchronized void startAgain() {
        if (closed) {
            throw new IllegalStateException("the run is being ended");
        }
        int port = config.port();
        LocalPostgres again = LocalPostgres.start(directory, port);
        if (again.config().port() != port) {
            again.close();
            throw new IllegalStateException("somebody took port " + port + " while Postgres was away");
        }
        server = again;
    }

    private static void awaitEnd(ProcessHandle process) {
        try {
            process.onExit().get(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Postgres does not stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        server.close();
    }
}
