package dev.postern.worker;

import dev.postern.sql.WorkerReport;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The targets that this worker has sent jobs to: each URL with its {@link TargetGuard} and the tasks that are routed to
 * it. Belongs to the worker's context. What is known of a target is this process's own and is gone with it.
 */
final class Targets {

    private static final Logger log = LoggerFactory.getLogger(Targets.class);

    /** A target that nothing was sent to for so long starts over; it also keeps invented tasks from piling up. */
    private static final long FORGOTTEN_MS = 600_000;

    /** Beyond so many, a new one makes room by those that nothing is known of. */
    private static final int REMEMBERED = 1_000;

    /** Targets in one report, the restricted ones first: tenants choose the names of tasks, so their number is bounded. */
    private static final int REPORTED = 100;

    private final WorkerConfig config;
    private final WorkerListener listener;
    private final InstantSource clock;
    private final RandomGenerator random;
    private final Runnable changed;

    private final Map<URI, Target> targets = new HashMap<>();
    private long lastRead;
    private long elapsed;

    private static final class Target {

        private final TargetGuard guard;
        /** The first that was met names the target in logs and metrics. */
        private final Set<String> tasks = new LinkedHashSet<>();

        private long usedAt;

        private Target(TargetGuard guard) {
            this.guard = guard;
        }

        private String name() {
            return tasks.iterator().next();
        }
    }

    /** Knows no target yet. {@code changed} runs when a breaker moved or a pause began. */
    Targets(
            WorkerConfig config,
            WorkerListener listener,
            InstantSource clock,
            RandomGenerator random,
            Runnable changed) {
        this.config = config;
        this.listener = listener;
        this.clock = clock;
        this.random = random;
        this.changed = changed;
        this.lastRead = clock.millis();
    }

    /** A call that may go out. End it once. */
    final class Call {

        private final @Nullable Target target;
        private final long number;

        private Call(@Nullable Target target, long number) {
            this.target = target;
            this.number = number;
        }

        /**
         * Tells the target's guard how the call ended.
         *
         * @return whether jobs that were held back may be claimable now
         */
        boolean end(Optional<TargetSign> sign) {
            return target != null && Targets.this.end(target, number, sign);
        }
    }

    /**
     * Begins a call for a job of the task; empty when its target takes none now. A job without a URL is let through: it
     * has no target.
     */
    Optional<Call> begin(String task, Optional<URI> url) {
        if (!config.protectTargets() || url.isEmpty()) {
            return Optional.of(new Call(null, 0));
        }
        long now = now();
        if (targets.size() >= REMEMBERED && !targets.containsKey(url.get())) {
            targets.values().removeIf(idle -> idle.guard.inFlight() == 0 && !idle.guard.restricted(now));
        }
        Target target =
                targets.computeIfAbsent(url.get(), first -> new Target(new TargetGuard(config.concurrency(), random)));
        target.tasks.add(task);
        target.usedAt = now;
        OptionalLong number = target.guard.begin(now);
        return number.isEmpty() ? Optional.empty() : Optional.of(new Call(target, number.getAsLong()));
    }

    /**
     * As {@link #begin}, for a call that was not claimed by {@link #allowances}: also empty when a restricted target has as
     * many calls under way as it may.
     */
    Optional<Call> beginUnclaimed(String task, Optional<URI> url) {
        Target known = url.map(targets::get).orElse(null);
        long now = now();
        if (known != null && known.guard.restricted(now) && known.guard.allowance(now) == 0) {
            return Optional.empty();
        }
        return begin(task, url);
    }

    /** After which time the URL's pause or cool-down ends; zero when none runs. */
    Duration sparedFor(URI url) {
        Target known = targets.get(url);
        return known == null ? Duration.ZERO : known.guard.until(now());
    }

    private boolean end(Target target, long number, Optional<TargetSign> sign) {
        long now = now();
        target.usedAt = now;
        boolean heldBack = target.guard.restricted(now);
        TargetGuard.Change change = target.guard.end(number, sign, now);
        if (change != TargetGuard.Change.NONE) {
            tell(target, change, now);
            changed.run();
        }
        return heldBack || target.guard.restricted(now);
    }

    private void tell(Target target, TargetGuard.Change change, long now) {
        TargetGuard guard = target.guard;
        switch (change) {
            case NONE -> {}
            case OPENED -> {
                log.warn(
                        "target {}: breaker open for {} ms, {} of {} calls failed, the last with: {}",
                        target.name(),
                        guard.openFor(now).toMillis(),
                        guard.failuresWhenOpened(),
                        guard.callsWhenOpened(),
                        guard.why());
                listener.targetOpened(target.name());
            }
            case CLOSED -> log.info("target {}: breaker closed, its call was answered", target.name());
            case PAUSED -> {
                log.info(
                        "target {}: paused for {} ms, as it asked for",
                        target.name(),
                        guard.pausedFor(now).toMillis());
                listener.targetPaused(target.name());
            }
        }
    }

    /** How many jobs a claim may take at most of each task whose target is restricted; tasks that are not named are free. */
    Map<String, Integer> allowances() {
        Map<String, Integer> allowances = new HashMap<>();
        long now = now();
        for (Target target : targets.values()) {
            if (target.guard.restricted(now)) {
                int allowance = target.guard.allowance(now);
                target.tasks.forEach(task -> allowances.put(task, allowance));
            }
        }
        return allowances;
    }

    /** After which time the next pause or cool-down ends; empty when none runs. */
    Optional<Duration> nextEnd() {
        long now = now();
        return targets.values().stream()
                .map(target -> target.guard.until(now))
                .filter(until -> !until.isZero())
                .min(Comparator.naturalOrder());
    }

    /** What there is to see, the restricted targets first. Forgets those that have not been used for long. */
    List<WorkerReport.Target> report() {
        long now = now();
        targets.values()
                .removeIf(target -> target.guard.inFlight() == 0
                        && target.guard.until(now).isZero()
                        && now - target.usedAt > FORGOTTEN_MS);
        return targets.values().stream()
                .sorted(Comparator.comparing((Target target) -> !target.guard.restricted(now))
                        .thenComparing(Target::name))
                .limit(REPORTED)
                .map(target -> report(target, now))
                .toList();
    }

    private WorkerReport.Target report(Target target, long now) {
        TargetGuard guard = target.guard;
        return new WorkerReport.Target(
                List.copyOf(target.tasks),
                guard.breaker(now),
                guard.openFor(now),
                guard.pausedFor(now),
                guard.limit(),
                guard.inFlight(),
                guard.callsWhenOpened(),
                guard.failuresWhenOpened(),
                guard.why());
    }

    // A wall clock that is set back must not make a pause longer: its steps back count nothing, as if it had stood
    // still.
    private long now() {
        long read = clock.millis();
        elapsed += Math.max(0, read - lastRead);
        lastRead = read;
        return elapsed;
    }
}
