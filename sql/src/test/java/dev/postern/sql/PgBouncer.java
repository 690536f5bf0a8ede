package dev.postern.sql;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;

/**
 * A real PgBouncer in transaction mode before the tests' server, on a free loopback port, with no more sessions to a
 * database than asked for. It forwards no start-up parameter that it does not know, as it comes from the box.
 *
 * <p>Found on {@code PATH} or in {@code /usr/sbin}; without one the test that wants it is skipped and says so.
 */
public final class PgBouncer implements AutoCloseable {

    private static final Duration DEADLINE = Duration.ofSeconds(30);

    private final Process process;
    private final List<Path> files;
    private final int port;
    private final List<String> log = new CopyOnWriteArrayList<>();

    private PgBouncer(Process process, List<Path> files, int port) {
        this.process = process;
        this.files = files;
        this.port = port;
        Thread.ofVirtual().start(this::read);
    }

    /**
     * Starts one before the server of this database.
     *
     * @param sessions connections to each database at most
     * @param ignored start-up parameters that it drops instead of refusing the client
     */
    public static PgBouncer inTransactionMode(DatabaseConfig behind, int sessions, String... ignored) {
        Optional<Path> program = program();
        Assumptions.assumeTrue(
                program.isPresent(),
                "pgbouncer is neither on PATH nor in /usr/sbin: nothing is tested behind a pooler");
        try {
            int port = freePort();
            Path users = Files.createTempFile("pgbouncer", ".users");
            Files.writeString(users, "\"%s\" \"%s\"\n".formatted(behind.user(), behind.password()));
            Path ini = Files.createTempFile("pgbouncer", ".ini");
            Files.writeString(ini, """
                    [databases]
                    * = host=%s port=%d
                    [pgbouncer]
                    pool_mode = transaction
                    default_pool_size = %d
                    max_client_conn = 200
                    listen_addr = 127.0.0.1
                    listen_port = %d
                    auth_type = trust
                    auth_file = %s
                    ignore_startup_parameters = %s
                    unix_socket_dir =
                    log_connections = 0
                    log_disconnections = 0
                    """.formatted(
                            numeric(behind.host()), behind.port(), sessions, port, users, String.join(",", ignored)));
            boolean root = "root".equals(System.getProperty("user.name"));
            // It refuses to run as root; what it needs is read before it becomes somebody else.
            Process process = new ProcessBuilder(
                            root
                                    ? List.of(program.orElseThrow().toString(), "-u", "nobody", ini.toString())
                                    : List.of(program.orElseThrow().toString(), ini.toString()))
                    .redirectErrorStream(true)
                    .start();
            PgBouncer started = new PgBouncer(process, List.of(ini, users), port);
            Awaitility.await().atMost(DEADLINE).until(started::answersOrDied);
            if (!process.isAlive()) {
                throw new IllegalStateException("pgbouncer does not start:\n" + String.join("\n", started.log));
            }
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same database, reached through this one. */
    public DatabaseConfig to(DatabaseConfig direct) {
        return new DatabaseConfig(
                "127.0.0.1",
                port,
                direct.database(),
                direct.user(),
                direct.password(),
                direct.schema(),
                direct.poolSize(),
                DatabaseConfig.Tls.DISABLE,
                true);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean answersOrDied() {
        if (!process.isAlive()) {
            return true;
        }
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(log::add);
        } catch (IOException | UncheckedIOException e) {
            log.add("(end of output: " + e.getMessage() + ")");
        }
    }

    private static Optional<Path> program() {
        return Stream.concat(Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1)), Stream.of("/usr/sbin"))
                .filter(directory -> !directory.isEmpty())
                .map(directory -> Path.of(directory, "pgbouncer"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    // A name would be looked up without the system's hosts file in some builds.
    private static String numeric(String host) throws IOException {
        return InetAddress.getByName(host).getHostAddress();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
