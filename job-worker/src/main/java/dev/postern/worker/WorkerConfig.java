package dev.postern.worker;

import dev.postern.functions.protocol.SigningKeys;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a worker works.
 *
 * @param workerId id of this incarnation, at least 4 characters; no two processes share one
 * @param tasks the task identifiers it takes; empty for all
 * @param concurrency calls of functions under way at most, at least 1
 * @param lease how long a claim lasts unless renewed, at least 1 s; renewed at a third of it
 * @param poll longest sleep between claims, at most 1 min (the horizon of the database's notifications)
 * @param callbackUrl where functions report, without the attempt's token
 * @param callbackLease how long a function that answered 202 may be silent
 * @param callbackLeaseMax the most that such a function may ask for
 * @param timeouts of one exchange
 * @param protectTargets whether a target that fails or asks for less gets fewer jobs, or none for a while
 * @param signing the secrets that dispatches are signed with; none if empty
 * @param cloudEvents whether dispatches carry the headers of a CloudEvent in binary mode
 */
public record WorkerConfig(
        String workerId,
        Optional<List<String>> tasks,
        int concurrency,
        Duration lease,
        Duration poll,
        URI callbackUrl,
        Duration callbackLease,
        Duration callbackLeaseMax,
        Timeouts timeouts,
        boolean protectTargets,
        SigningKeys signing,
        boolean cloudEvents) {

    /** Long enough for a cold start, short enough that nobody thinks a crash was forgotten. */
    public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

    /** A start for short calls, not measured against others yet; functions that are slower deserve more. */
    public static final int DEFAULT_CONCURRENCY = 64;

    /** What only the notifications miss waits so long. */
    public static final Duration DEFAULT_POLL = Duration.ofSeconds(15);

    private static final Duration POLL_MAX = Duration.ofMinutes(1);

    /**
     * Time-outs of one exchange.
     *
     * @param connect until a connection stands
     * @param firstByte until the status line has come, from sending; a cold start falls into it
     * @param total until the answer is complete
     */
    public record Timeouts(Duration connect, Duration firstByte, Duration total) {

        /** 5 s, 5 min, 5 min: Knative's own default for a request is 300 s. */
        public static final Timeouts DEFAULT =
                new Timeouts(Duration.ofSeconds(5), Duration.ofMinutes(5), Duration.ofMinutes(5));

        /** Refuses time-outs below 1 ms. */
        public Timeouts {
            if (connect.toMillis() < 1 || firstByte.toMillis() < 1 || total.toMillis() < 1) {
                throw new IllegalArgumentException("time-outs must be at least 1 ms");
            }
        }
    }

    /** Refuses values outside the stated bounds. */
    public WorkerConfig {
        tasks = tasks.map(List::copyOf);
        if (workerId.length() < 4) {
            throw new IllegalArgumentException("worker id needs at least 4 characters, is '" + workerId + "'");
        }
        if (concurrency < 1) {
            throw new IllegalArgumentException("concurrency must be at least 1, is " + concurrency);
        }
        if (lease.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("lease must be at least 1 s, is " + lease);
        }
        if (poll.toMillis() < 1 || poll.compareTo(POLL_MAX) > 0) {
            throw new IllegalArgumentException("poll must be between 1 ms and 1 min, is " + poll);
        }
        if (callbackLeaseMax.compareTo(callbackLease) < 0) {
            throw new IllegalArgumentException("the longest callback lease is below the default one");
        }
    }

    /** Defaults for everything but the worker's own id and the callback address. */
    public static WorkerConfig defaults(String workerId, URI callbackUrl) {
        return new WorkerConfig(
                workerId,
                Optional.empty(),
                DEFAULT_CONCURRENCY,
                DEFAULT_LEASE,
                DEFAULT_POLL,
                callbackUrl,
                Duration.ofMinutes(5),
                Duration.ofHours(1),
                Timeouts.DEFAULT,
                true,
                SigningKeys.NONE,
                false);
    }

    /** With other tasks. */
    public WorkerConfig withTasks(List<String> others) {
        return new WorkerConfig(
                workerId,
                Optional.of(others),
                concurrency,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                signing,
                cloudEvents);
    }

    /** With another concurrency. */
    public WorkerConfig withConcurrency(int other) {
        return new WorkerConfig(
                workerId,
                tasks,
                other,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                signing,
                cloudEvents);
    }

    /** With another lease. */
    public WorkerConfig withLease(Duration other) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                other,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                signing,
                cloudEvents);
    }

    /** With another poll. */
    public WorkerConfig withPoll(Duration other) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                lease,
                other,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                signing,
                cloudEvents);
    }

    /** With other time-outs. */
    public WorkerConfig withTimeouts(Timeouts others) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                others,
                protectTargets,
                signing,
                cloudEvents);
    }

    /** With targets protected, or not. */
    public WorkerConfig withProtectTargets(boolean other) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                other,
                signing,
                cloudEvents);
    }

    /** With dispatches signed. */
    public WorkerConfig withSigning(SigningKeys others) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                others,
                cloudEvents);
    }

    /** With dispatches as CloudEvents, or not. */
    public WorkerConfig withCloudEvents(boolean other) {
        return new WorkerConfig(
                workerId,
                tasks,
                concurrency,
                lease,
                poll,
                callbackUrl,
                callbackLease,
                callbackLeaseMax,
                timeouts,
                protectTargets,
                signing,
                other);
    }
}
