package dev.postern.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * One run: start, load, break, mend, drain, stop, judge.
 *
 * <pre>
 *   load and faults ──▶ faults mended, load ended ──▶ drained or deadline ──▶ processes stopped ──▶ history judged
 * </pre>
 */
final class ChaosRun implements AutoCloseable {

    /** How long a drained system may take to come to rest; generous, because a slow machine is no violation. */
    private static final Duration REST = Duration.ofMinutes(5);

    private static final long LOOK_MS = 500;
    private static final int SAY_EVERY = 10;

    // Waiting for a retry's own time would take hours; an operator may say that it is now.
    private static final String HURRY = """
            select count(*)
            from app_jobs.reschedule_jobs(
              array(
                select j.id from app_jobs.jobs j
                where j.locked_at is null and j.attempts < j.max_attempts and j.run_at > now() + interval '1 second'),
              run_at => now())""";
    private static final String LIVE =
            "select count(*) from app_jobs.jobs j where j.locked_at is not null or j.attempts < j.max_attempts";

    private final Settings settings;
    private final InstantSource clock;
    private final Consumer<String> say;
    private final Recorder recorder = new Recorder();
    private final ChaosSystem system;
    private final Faults faults;
    private final Watch watch;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicInteger begun = new AtomicInteger();

    /**
     * What to do.
     *
     * @param grace how long a process may take from SIGTERM to its end
     * @param directory gets logs and the history
     * @param repeat the command line that does it again
     */
    record Settings(long seed, int jobsPerSecond, Duration grace, Path directory, String repeat) {}

    /**
     * What came out.
     *
     * @param report the table, and on failure each violation with its job's events
     */
    record Result(List<Violation> violations, Figures figures, String report) {}

    /** Breaks things until it has had enough. */
    @FunctionalInterface
    interface Breaking {
        void run() throws InterruptedException;
    }

    ChaosRun(Settings settings, InstantSource clock, Consumer<String> say) throws IOException, SQLException {
        this.settings = settings;
        this.clock = clock;
        this.say = say;
        this.system = ChaosSystem.create(settings.directory(), settings.seed(), settings.grace(), recorder, clock);
        this.faults = new Faults(system, recorder, clock);
        this.watch = new Watch(system, recorder, clock);
        Journal.install(system.postgres());
        // Also when this program is told to end: nothing that it started may stay.
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "shutdown"));
    }

    /** Faults of the plan, for that long. */
    Result breakFor(Duration length) throws InterruptedException, IOException, SQLException {
        FaultPlan plan = new FaultPlan(settings.seed());
        return run(() -> {
            Instant end = clock.instant().plus(length);
            while (clock.instant().isBefore(end)) {
                next(plan);
            }
        });
    }

    /** So many faults of the plan. */
    Result breakTimes(int times) throws InterruptedException, IOException, SQLException {
        FaultPlan plan = new FaultPlan(settings.seed());
        return run(() -> {
            for (int i = 0; i < times; i++) {
                next(plan);
            }
        });
    }

    /** So many restarts by SIGTERM, of one process after the other, and nothing else. */
    Result restartTimes(int times) throws InterruptedException, IOException, SQLException {
        return run(() -> {
            for (int i = 0; i < times; i++) {
                faults.restart(system.slots().get(i % system.slots().size()));
                begun.incrementAndGet();
            }
        });
    }

    private void next(FaultPlan plan) throws InterruptedException {
        FaultPlan.Planned planned = plan.next();
        Thread.sleep(planned.pause());
        faults.failOnFailure();
        faults.begin(planned);
        begun.incrementAndGet();
    }

    private Result run(Breaking breaking) throws InterruptedException, IOException, SQLException {
        say.accept("starting three processes; their logs are in "
                + settings.directory().resolve("logs"));
        if (!system.hasWrongClock()) {
            say.accept("faketime is not installed: no process gets a wrong clock");
        }
        system.start();
        watch.start();
        Thread progress = Thread.ofVirtual().start(this::progress);
        Operator operator = new Operator(system.postgres(), settings.seed(), recorder, clock);
        Instant began = clock.instant();
        try (Load load = new Load(system.postgres(), settings.seed(), settings.jobsPerSecond(), recorder, clock)) {
            load.start();
            operator.start();
            breaking.run();
            faults.mended();
        } finally {
            operator.close();
        }
        Duration broken = Duration.between(began, clock.instant());
        system.function().behave();
        say.accept("faults are over, draining");
        awaitRest();
        for (WorkerSlot slot : system.slots()) {
            faults.stop(slot);
        }
        progress.interrupt();
        return judge(broken, operator.replayed());
    }

    private void awaitRest() throws InterruptedException {
        Instant deadline = clock.instant().plus(REST);
        try (SqlSession sql = new SqlSession(system.postgres())) {
            while (clock.instant().isBefore(deadline)) {
                long live = sql.tried(row -> row.getLong(1), LIVE)
                        .map(List::getFirst)
                        .orElse(1L);
                if (live == 0 && system.function().owed() == 0) {
                    return;
                }
                sql.tried(row -> row.getLong(1), HURRY);
                Thread.sleep(LOOK_MS);
            }
        }
        say.accept("not drained after " + REST.toMinutes() + " minutes");
    }

    private Result judge(Duration broken, int replayed) throws SQLException, IOException {
        History history;
        try (SqlSession sql = new SqlSession(system.postgres())) {
            history = recorder.history(Journal.steps(sql), Journal.left(sql));
        }
        Path file = settings.directory().resolve("history.txt");
        Recorder.write(history, file);
        HistoryCheck.Findings findings = HistoryCheck.of(history);
        List<Violation> violations = new ArrayList<>(findings.violations());
        violations.addAll(lateExits());
        Figures figures = Figures.of(history, findings, faults.exits(), settings.grace(), broken, replayed);
        String report = figures.table() + Report.of(violations, history, file, settings.repeat());
        return new Result(List.copyOf(violations), figures, report);
    }

    private List<Violation> lateExits() {
        return faults.exits().stream()
                .filter(ended -> !ended.inTime())
                .map(ended -> new Violation(
                        Rule.GRACE,
                        0,
                        ended.slot() + ", told at " + ended.at() + " to end, "
                                + ended.exit()
                                        .map(exit -> "ended with code " + exit.code())
                                        .orElse("had to be killed after "
                                                + settings.grace().toSeconds() + " s")))
                .toList();
    }

    private void progress() {
        Instant began = clock.instant();
        try {
            for (int i = 1; ; i++) {
                Thread.sleep(LOOK_MS);
                if (i % SAY_EVERY == 0) {
                    say.accept(String.format(
                            "%4d s  %6d added, %6d dispatched, %5d reports, %3d faults begun",
                            Duration.between(began, clock.instant()).toSeconds(),
                            recorder.count(Event.Added.class),
                            recorder.count(Event.Dispatched.class),
                            recorder.count(Event.Reported.class),
                            begun.get()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends everything; the logs and the history stay. From any thread; twice is fine. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        watch.close();
        system.close();
        delete(settings.directory().resolve("postgres"));
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // Somebody still writes there; what stays is only space.
            return;
        }
    }
}
