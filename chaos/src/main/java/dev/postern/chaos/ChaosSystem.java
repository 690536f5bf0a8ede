package dev.postern.chaos;

import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.SchemaMigrator;
import dev.postern.sql.TcpProxy;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * What is broken: a Postgres, three job-service processes that reach it through a proxy each, and a function server.
 * The third process is a worker only and, where the library faketime is installed, minutes behind in its clock. Closing
 * ends everything, from any thread; twice is fine.
 */
final class ChaosSystem implements AutoCloseable {

    /** Short, so that a run sees many leases run out; long enough for a busy machine to renew them. */
    static final Duration LEASE = Duration.ofSeconds(10);

    static final Duration CALLBACK_LEASE = Duration.ofSeconds(8);
    static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(10);
    static final Duration DRAIN = Duration.ofSeconds(3);

    private static final int CONCURRENCY = 32;

    private final Vertx vertx = Vertx.vertx();
    private final ChaosPostgres postgres;
    private final FaultyFunction function;
    private final List<WorkerSlot> slots;
    private final Optional<Path> wrongClock;
    private final Duration grace;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ChaosSystem(
            ChaosPostgres postgres, Path logs, long seed, Duration grace, Recorder recorder, InstantSource clock) {
        this.postgres = postgres;
        this.grace = grace;
        this.function = new FaultyFunction(vertx, StablePort.any(), seed, CALLBACK_LEASE, recorder, clock);
        this.wrongClock = wrongClock();
        int callbackOne = StablePort.any();
        int callbackTwo = StablePort.any();
        this.slots = List.of(
                slot("w1", logs, callbackOne, "worker,scheduler,callback", Optional.empty()),
                slot("w2", logs, callbackTwo, "worker,scheduler,callback", Optional.empty()),
                slot("w3", logs, callbackTwo, "worker", wrongClock));
    }

    /** Starts Postgres, migrates it, and lays everything out; no process runs yet. */
    static ChaosSystem create(Path directory, long seed, Duration grace, Recorder recorder, InstantSource clock)
            throws IOException {
        Path logs = Files.createDirectories(directory.resolve("logs"));
        ChaosPostgres postgres = ChaosPostgres.start(directory.resolve("postgres"));
        try {
            new SchemaMigrator(postgres.config()).migrate();
            return new ChaosSystem(postgres, logs, seed, grace, recorder, clock);
        } catch (RuntimeException e) {
            postgres.close();
            throw e;
        }
    }

    private WorkerSlot slot(String name, Path logs, int callbackPort, String roles, Optional<Path> clock) {
        DatabaseConfig database = postgres.config();
        Map<String, String> settings = new HashMap<>();
        settings.put("POSTERN_ROLES", roles);
        settings.put("FUNCTION_URL", function.url());
        settings.put("POSTERN_CONCURRENCY", Integer.toString(CONCURRENCY));
        settings.put("POSTERN_LEASE_SECONDS", Long.toString(LEASE.toSeconds()));
        settings.put("POSTERN_CALLBACK_LEASE_SECONDS", Long.toString(CALLBACK_LEASE.toSeconds()));
        settings.put("POSTERN_RESPONSE_START_TIMEOUT_SECONDS", Long.toString(ATTEMPT_TIMEOUT.toSeconds()));
        settings.put("POSTERN_ATTEMPT_TIMEOUT_SECONDS", Long.toString(ATTEMPT_TIMEOUT.toSeconds()));
        settings.put("POSTERN_DRAIN_SECONDS", Long.toString(DRAIN.toSeconds()));
        settings.put("JOBS_CALLBACK_HOST", "127.0.0.1");
        settings.put("INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(callbackPort));
        TcpProxy line = TcpProxy.start(vertx, database.host(), database.port());
        return new WorkerSlot(name, line, database, settings, clock, logs);
    }

    /** Opens the function server and starts all processes; returns when they are ready. */
    void start() throws InterruptedException {
        function.open();
        slots.forEach(WorkerSlot::start);
        for (WorkerSlot slot : slots) {
            slot.awaitReady();
        }
    }

    ChaosPostgres postgres() {
        return postgres;
    }

    FaultyFunction function() {
        return function;
    }

    List<WorkerSlot> slots() {
        return slots;
    }

    /** How long a process may take from SIGTERM to its end. */
    Duration grace() {
        return grace;
    }

    /** Whether a process runs on a clock of its own. */
    boolean hasWrongClock() {
        return wrongClock.isPresent();
    }

    // Where Debian, Fedora and Arch put it.
    private static Optional<Path> wrongClock() {
        List<Path> places = new ArrayList<>();
        for (String directory : List.of("/usr/lib", "/usr/lib64", "/usr/local/lib")) {
            places.add(Path.of(directory));
            try (Stream<Path> below = Files.list(Path.of(directory))) {
                below.filter(Files::isDirectory).forEach(places::add);
            } catch (IOException e) {
                // Not there.
                continue;
            }
        }
        return places.stream()
                .map(place -> place.resolve("faketime").resolve("libfaketime.so.1"))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        slots.forEach(WorkerSlot::close);
        function.close();
        postgres.close();
        vertx.close().await();
    }
}
