package dev.postern.chaos;

import dev.postern.chaos.Event.Fault;
import dev.postern.sql.TcpProxy;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Breaks things and mends them again. Faults overlap, but not two of one thing: the later one waits. Each runs on a
 * thread of its own, which ends when all is as before.
 */
final class Faults {

    private static final String TERMINATE = """
            select count(pg_terminate_backend(a.pid))
            from pg_stat_activity a
            where a.pid <> pg_backend_pid() and a.backend_type = 'client backend'""";

    /** More, and on a slow machine nothing ever works: what never works cannot break a rule. */
    private static final int AT_ONCE = 2;

    private final ChaosSystem system;
    private final Recorder recorder;
    private final InstantSource clock;
    private final ReentrantLock postgres = new ReentrantLock();
    private final ReentrantLock function = new ReentrantLock();
    private final Semaphore atOnce = new Semaphore(AT_ONCE);
    private final Queue<Thread> underWay = new ConcurrentLinkedQueue<>();
    private final Queue<Ended> exits = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Exception failure;

    /**
     * An end by SIGTERM.
     *
     * @param exit empty when it had to be killed
     */
    record Ended(String slot, Instant at, Optional<WorkerSlot.Exit> exit) {

        /** 143 is what a JVM says that SIGTERM ended. */
        boolean inTime() {
            return exit.map(WorkerSlot.Exit::code).orElse(-1) == 143;
        }
    }

    Faults(ChaosSystem system, Recorder recorder, InstantSource clock) {
        this.system = system;
        this.recorder = recorder;
        this.clock = clock;
    }

    /** How processes ended that were asked to. */
    List<Ended> exits() {
        return List.copyOf(exits);
    }

    /** Begins one, after those of the same target. Waits while enough others are under way. */
    void begin(FaultPlan.Planned planned) throws InterruptedException {
        atOnce.acquire();
        underWay.add(Thread.ofVirtual().name(planned.kind().word()).start(() -> {
            try {
                run(planned);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (SQLException | RuntimeException e) {
                failure = e;
            } finally {
                atOnce.release();
            }
        }));
    }

    /** Returns when all is mended; fails when something could not be. */
    void mended() throws InterruptedException {
        for (Thread thread : underWay) {
            thread.join();
        }
        underWay.clear();
        failOnFailure();
    }

    /** Fails when a fault could not be made or mended. */
    void failOnFailure() {
        Exception failed = failure;
        if (failed != null) {
            throw new IllegalStateException("a fault went wrong by itself: " + failed.getMessage(), failed);
        }
    }

    private void run(FaultPlan.Planned planned) throws InterruptedException, SQLException {
        List<WorkerSlot> slots = system.slots();
        WorkerSlot one = slots.get(planned.choice() % slots.size());
        List<WorkerSlot> targets = planned.everyone() ? slots : List.of(one);
        Duration lasts = planned.lasts();
        switch (planned.kind()) {
            case KILL -> kill(one, lasts);
            case ROLLING_RESTART -> {
                for (WorkerSlot slot : slots) {
                    restart(slot);
                }
            }
            case FREEZE -> breaking(planned.kind(), List.of(one), lasts, WorkerSlot::freeze, WorkerSlot::thaw);
            case CUT -> line(planned.kind(), targets, lasts, TcpProxy::cut);
            case STALL -> line(planned.kind(), targets, lasts, TcpProxy::stall);
            case HALF_OPEN_DATABASE ->
                line(planned.kind(), targets, lasts, proxy -> proxy.halfOpen(TcpProxy.End.CLIENT));
            case HALF_OPEN_PROCESS ->
                line(planned.kind(), targets, lasts, proxy -> proxy.halfOpen(TcpProxy.End.SERVER));
            case TERMINATE_BACKENDS -> terminateBackends();
            case POSTGRES_FAST_RESTART -> restartPostgres(planned.kind(), lasts);
            case POSTGRES_IMMEDIATE_RESTART -> restartPostgres(planned.kind(), lasts);
            case FUNCTION_DOWN -> functionDown(lasts);
            case STOP, MACHINE_STALLED -> throw new IllegalArgumentException(planned.kind() + " is not made");
        }
    }

    private void kill(WorkerSlot slot, Duration away) throws InterruptedException {
        slot.breaking.lockInterruptibly();
        try {
            Instant from = clock.instant();
            slot.kill();
            Thread.sleep(away);
            slot.start();
            slot.awaitReady();
            broke(FaultKind.KILL, slot.name(), from);
        } finally {
            slot.breaking.unlock();
        }
    }

    /** SIGTERM to one process, and another one in its place. */
    void restart(WorkerSlot slot) throws InterruptedException {
        slot.breaking.lockInterruptibly();
        try {
            Instant from = clock.instant();
            terminate(slot);
            slot.start();
            slot.awaitReady();
            broke(FaultKind.ROLLING_RESTART, slot.name(), from);
        } finally {
            slot.breaking.unlock();
        }
    }

    /** SIGTERM for good. */
    void stop(WorkerSlot slot) throws InterruptedException {
        Instant from = clock.instant();
        terminate(slot);
        broke(FaultKind.STOP, slot.name(), from);
    }

    private void terminate(WorkerSlot slot) throws InterruptedException {
        Instant at = clock.instant();
        exits.add(new Ended(slot.name(), at, slot.terminate(system.grace())));
    }

    @FunctionalInterface
    private interface Breaking<T> {
        void on(T target);
    }

    private void line(FaultKind kind, List<WorkerSlot> slots, Duration lasts, Breaking<TcpProxy> change)
            throws InterruptedException {
        breaking(
                kind,
                slots,
                lasts,
                slot -> change.on(slot.line()),
                slot -> slot.line().resume());
    }

    // Locks in the order of the list, which is the system's, and breaks nothing before it has them all.
    private void breaking(
            FaultKind kind,
            List<WorkerSlot> slots,
            Duration lasts,
            Breaking<WorkerSlot> change,
            Breaking<WorkerSlot> mend)
            throws InterruptedException {
        List<WorkerSlot> locked = new ArrayList<>();
        try {
            for (WorkerSlot slot : slots) {
                slot.breaking.lockInterruptibly();
                locked.add(slot);
            }
            Instant from = clock.instant();
            slots.forEach(change::on);
            try {
                Thread.sleep(lasts);
            } finally {
                slots.forEach(mend::on);
            }
            slots.forEach(slot -> broke(kind, slot.name(), from));
        } finally {
            locked.forEach(slot -> slot.breaking.unlock());
        }
    }

    private void terminateBackends() throws SQLException, InterruptedException {
        postgres.lockInterruptibly();
        try (SqlSession sql = new SqlSession(system.postgres())) {
            Instant from = clock.instant();
            sql.number(TERMINATE);
            broke(FaultKind.TERMINATE_BACKENDS, "", from);
        } finally {
            postgres.unlock();
        }
    }

    private void restartPostgres(FaultKind kind, Duration away) throws InterruptedException {
        postgres.lockInterruptibly();
        try {
            Instant from = clock.instant();
            if (kind == FaultKind.POSTGRES_FAST_RESTART) {
                system.postgres().stopFast();
            } else {
                system.postgres().stopImmediately();
            }
            Thread.sleep(away);
            system.postgres().startAgain();
            broke(kind, "", from);
        } finally {
            postgres.unlock();
        }
    }

    private void functionDown(Duration away) throws InterruptedException {
        function.lockInterruptibly();
        try {
            Instant from = clock.instant();
            system.function().close();
            Thread.sleep(away);
            system.function().open();
            broke(FaultKind.FUNCTION_DOWN, "", from);
        } finally {
            function.unlock();
        }
    }

    private void broke(FaultKind kind, String target, Instant from) {
        recorder.saw(new Fault(from, clock.instant(), kind, target));
    }
}
