package dev.postern.service.local;

import dev.postern.sql.DatabaseConfig;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A Postgres of our own for a laptop: embedded binaries, a data directory that is kept, and the durability of a real
 * server (the library's own defaults switch it off). Blocking.
 *
 * <p>When the process that started it is killed the server lives on as an orphan; the next start stops it first. When that
 * process still lives, the directory is in use and the start is refused.
 */
public final class LocalPostgres implements AutoCloseable {

    private static final Duration STARTUP = Duration.ofSeconds(60);
    private static final String OWNER_FILE = "postern.pid";
    private static final String HOST = "127.0.0.1";

    private final EmbeddedPostgres server;
    private final Path data;

    private LocalPostgres(EmbeddedPostgres server, Path data) {
        this.server = server;
        this.data = data;
    }

    /**
     * Starts the server on a data directory, made on first use.
     *
     * @param wishedPort taken when free, else any other; 0 for any
     * @throws LocalException when the directory is in use or the server does not come up; says what to do
     */
    public static LocalPostgres start(Path directory, int wishedPort) {
        Path data = directory.resolve("data");
        Path log = directory.resolve("postgres.log");
        try {
            Files.createDirectories(directory);
            refuseSecondOwner(directory);
            stopOrphan(data);
            Files.writeString(
                    directory.resolve(OWNER_FILE),
                    Long.toString(ProcessHandle.current().pid()));
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setPort(FreePort.wishedOrAny(wishedPort))
                    .setPGStartupWait(STARTUP)
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "on")
                    .setServerConfig("listen_addresses", HOST)
                    .setServerConfig("max_connections", "100")
                    .setOutputRedirector(appendTo(log))
                    .setErrorRedirector(appendTo(log))
                    // Our own shutdown order stops it last; a hook would stop it first.
                    .setRegisterShutdownHook(false)
                    .start();
            return new LocalPostgres(server, data);
        } catch (IOException | IllegalStateException e) {
            throw new LocalException(
                    "cannot start the local Postgres in " + data + ": " + e.getMessage() + "; its log is " + log, e);
        }
    }

    private static ProcessBuilder.Redirect appendTo(Path log) {
        return ProcessBuilder.Redirect.appendTo(log.toFile());
    }

    /** The running server of a directory, started by another process of this machine; empty when there is none. */
    public static Optional<DatabaseConfig> running(Path directory) {
        List<String> lines = postmasterFile(directory.resolve("data"));
        if (lines.size() < 4 || livingServer(lines).isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(config(Integer.parseInt(lines.get(3).strip())));
    }

    /** How to reach it. */
    public DatabaseConfig config() {
        return config(server.getPort());
    }

    private static DatabaseConfig config(int port) {
        return new DatabaseConfig(
                HOST,
                port,
                "postgres",
                "postgres",
                "",
                DatabaseConfig.DEFAULT_SCHEMA,
                DatabaseConfig.DEFAULT_POOL_SIZE,
                DatabaseConfig.Tls.DISABLE);
    }

    /** The process of the server; its sessions are children of that one. */
    public long pid() {
        return Long.parseLong(postmasterFile(data).getFirst().strip());
    }

    /** Stops the server; the data stay. */
    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new LocalException("cannot stop the local Postgres: " + e.getMessage(), e);
        }
    }

    private static void refuseSecondOwner(Path directory) throws IOException {
        Path file = directory.resolve(OWNER_FILE);
        if (!Files.exists(file)) {
            return;
        }
        long pid = Long.parseLong(Files.readString(file).strip());
        boolean lives = pid != ProcessHandle.current().pid()
                && ProcessHandle.of(pid)
                        .flatMap(handle -> handle.info().command())
                        .filter(command -> command.contains("java"))
                        .isPresent();
        if (lives) {
            throw new LocalException(
                    directory + " is in use by process " + pid + "; stop that './postern up' or set POSTERN_DATA",
                    null);
        }
    }

    private static void stopOrphan(Path data) {
        livingServer(postmasterFile(data)).ifPresent(orphan -> {
            orphan.destroy();
            try {
                orphan.onExit().get(STARTUP.toSeconds(), TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException | TimeoutException e) {
                throw new LocalException(
                        "an earlier Postgres (process " + orphan.pid() + ") still holds " + data
                                + " and does not stop; end it and start again",
                        e);
            }
        });
    }

    private static List<String> postmasterFile(Path data) {
        Path file = data.resolve("postmaster.pid");
        try {
            return Files.exists(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException e) {
            throw new LocalException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static Optional<ProcessHandle> livingServer(List<String> postmasterFile) {
        if (postmasterFile.isEmpty()) {
            return Optional.empty();
        }
        return ProcessHandle.of(Long.parseLong(postmasterFile.getFirst().strip()))
                .filter(handle -> handle.info()
                        .command()
                        .filter(c -> c.contains("postgres"))
                        .isPresent());
    }
}
