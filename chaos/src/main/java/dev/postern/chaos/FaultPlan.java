package dev.postern.chaos;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;

/** Which faults come, after which pauses and for how long: the seed's. Every kind comes once in each round of all. */
final class FaultPlan {

    /** One round. */
    static final List<FaultKind> KINDS = List.of(
            FaultKind.KILL,
            FaultKind.KILL,
            FaultKind.ROLLING_RESTART,
            FaultKind.FREEZE,
            FaultKind.TERMINATE_BACKENDS,
            FaultKind.POSTGRES_FAST_RESTART,
            FaultKind.POSTGRES_IMMEDIATE_RESTART,
            FaultKind.CUT,
            FaultKind.STALL,
            FaultKind.HALF_OPEN_DATABASE,
            FaultKind.HALF_OPEN_PROCESS,
            FaultKind.FUNCTION_DOWN);

    /** How many faults one round has. */
    static final int ROUND = KINDS.size();

    private final SplittableRandom random;
    private final Deque<FaultKind> round = new ArrayDeque<>();

    /**
     * One fault.
     *
     * @param pause after the one before began
     * @param choice picks the process, by what is left when it is divided by their number
     * @param everyone whether it is of all processes, for kinds that can be
     */
    record Planned(FaultKind kind, Duration pause, Duration lasts, int choice, boolean everyone) {}

    FaultPlan(long seed) {
        this.random = new SplittableRandom(seed * 41);
    }

    Planned next() {
        if (round.isEmpty()) {
            List<FaultKind> left = new ArrayList<>(KINDS);
            while (!left.isEmpty()) {
                round.add(left.remove(random.nextInt(left.size())));
            }
        }
        FaultKind kind = round.removeFirst();
        return new Planned(
                kind,
                between(2_000, 5_000),
                switch (kind) {
                    case KILL, POSTGRES_FAST_RESTART, POSTGRES_IMMEDIATE_RESTART -> between(0, 2_000);
                    case FUNCTION_DOWN -> between(1_000, 4_000);
                    // Some longer than a lease, some shorter.
                    case FREEZE, STALL -> between(2_000, 14_000);
                    case CUT, HALF_OPEN_DATABASE, HALF_OPEN_PROCESS -> between(1_000, 8_000);
                    case ROLLING_RESTART, TERMINATE_BACKENDS, STOP, MACHINE_STALLED -> Duration.ZERO;
                },
                random.nextInt(1 << 16),
                random.nextInt(5) == 0);
    }

    private Duration between(int fromMs, int toMs) {
        return Duration.ofMillis(random.nextInt(fromMs, toMs));
    }
}
