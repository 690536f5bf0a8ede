package dev.postern.chaos;

import dev.postern.chaos.Event.Fault;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Notes when the machine is too busy to hold leases: when this program was not run for a while, a process took long to
 * say that it is alive or says in its log that an event loop was blocked, or the database took long to say anything. What fails instead of being slow is a fault's doing, and so is
 * what a process does while it is being broken.
 */
final class Watch implements AutoCloseable {

    private static final Duration SLOW = Duration.ofMillis(1_500);
    private static final long PAUSE_MS = 200;

    /** What Vert.x says when an event loop has not come round for two seconds. */
    private static final Pattern BLOCKED = Pattern.compile("has been blocked for (\\d+) ms");

    private final ChaosSystem system;
    private final Recorder recorder;
    private final InstantSource clock;
    private final List<Thread> threads = new ArrayList<>();

    Watch(ChaosSystem system, Recorder recorder, InstantSource clock) {
        this.system = system;
        this.recorder = recorder;
        this.clock = clock;
    }

    void start() {
        watch("", () -> true, () -> false);
        for (WorkerSlot slot : system.slots()) {
            watch(slot.name(), slot::alive, slot.breaking::isLocked);
            threads.add(Thread.ofPlatform().daemon().name("log " + slot.name()).start(() -> readLog(slot)));
        }
        SqlSession sql = new SqlSession(system.postgres());
        watch("", () -> sql.tried(row -> row.getInt(1), "select 1").isPresent(), () -> false);
    }

    // A cold process whose classes are still being loaded blocks its event loop for seconds on a busy machine.
    private void readLog(WorkerSlot slot) {
        try (BufferedReader lines = Files.newBufferedReader(slot.log())) {
            while (true) {
                String line = lines.readLine();
                if (line == null) {
                    Thread.sleep(PAUSE_MS);
                    continue;
                }
                Matcher blocked = BLOCKED.matcher(line);
                if (blocked.find()) {
                    Instant now = clock.instant();
                    long ms = Long.parseLong(blocked.group(1));
                    recorder.saw(new Fault(now.minusMillis(ms), now, FaultKind.MACHINE_STALLED, slot.name()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the log of " + slot.name(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch(String target, Callable<Boolean> look, BooleanSupplier broken) {
        threads.add(Thread.ofPlatform().daemon().name("watch " + target).start(() -> {
            try {
                while (true) {
                    Instant began = clock.instant();
                    boolean fault = broken.getAsBoolean();
                    boolean answered = look.call();
                    Thread.sleep(PAUSE_MS);
                    Instant ended = clock.instant();
                    fault |= broken.getAsBoolean();
                    if (answered && !fault && Duration.between(began, ended).compareTo(SLOW) > 0) {
                        recorder.saw(new Fault(began, ended, FaultKind.MACHINE_STALLED, target));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                throw new IllegalStateException("cannot watch " + target, e);
            }
        }));
    }

    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
    }
}
