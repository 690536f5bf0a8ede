package dev.postern.functions.runtime;

import dev.postern.functions.protocol.SigningKeys;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a function's process behaves.
 *
 * @param name the function's name in logs, and the task of a call that names none
 * @param host the address it listens on ({@code POSTERN_HOST}, default all of them)
 * @param port where it listens ({@code PORT}, default 8080; 0 takes a free one)
 * @param bodyLimit the largest payload in bytes ({@code POSTERN_BODY_LIMIT_BYTES}, default 1 MiB)
 * @param drainGrace how long a stopping process waits for what runs ({@code POSTERN_DRAIN_SECONDS}, default 25:
 *     Kubernetes kills after 30)
 * @param callbacks how outcomes are reported
 * @param signing the secrets that calls must be signed with ({@code POSTERN_SIGNING_SECRET}, the worker's); without any,
 *     nothing is checked
 * @param traces where spans go ({@code OTEL_EXPORTER_OTLP_ENDPOINT}); {@code null} for nowhere
 */
public record FunctionConfig(
        String name,
        String host,
        int port,
        int bodyLimit,
        Duration drainGrace,
        Callbacks callbacks,
        SigningKeys signing,
        @Nullable TraceExport traces) {

    private static final int MIB = 1024 * 1024;

    /** Refuses what cannot work. */
    public FunctionConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port must be from 0 to 65535, is " + port);
        }
        if (bodyLimit < 1) {
            throw new IllegalArgumentException("body limit must be at least 1 byte, is " + bodyLimit);
        }
        if (drainGrace.isNegative()) {
            throw new IllegalArgumentException("drain grace must not be negative, is " + drainGrace);
        }
    }

    /** One that takes calls without a signature. */
    public FunctionConfig(String name, String host, int port, int bodyLimit, Duration drainGrace, Callbacks callbacks) {
        this(name, host, port, bodyLimit, drainGrace, callbacks, SigningKeys.NONE, null);
    }

    /** The defaults, as the environment's absence gives them. */
    public static FunctionConfig defaults(String name) {
        return new FunctionConfig(name, "0.0.0.0", 8080, MIB, Duration.ofSeconds(25), Callbacks.defaults());
    }

    /** The same on another address. */
    public FunctionConfig withAddress(String newHost, int newPort) {
        return new FunctionConfig(name, newHost, newPort, bodyLimit, drainGrace, callbacks, signing, traces);
    }

    /** The same with secrets that calls must be signed with. */
    public FunctionConfig withSigning(SigningKeys newSigning) {
        return new FunctionConfig(name, host, port, bodyLimit, drainGrace, callbacks, newSigning, traces);
    }

    static FunctionConfig from(String name, Settings settings) {
        FunctionConfig defaults = defaults(name);
        return new FunctionConfig(
                name,
                settings.text("POSTERN_HOST", defaults.host),
                settings.number("PORT", defaults.port, 0, 65_535),
                settings.number("POSTERN_BODY_LIMIT_BYTES", defaults.bodyLimit, 1, 1024 * MIB),
                settings.seconds("POSTERN_DRAIN_SECONDS", defaults.drainGrace, 0, 86_400),
                defaults.callbacks.withGiveUpAfter(settings.seconds(
                        "POSTERN_CALLBACK_GIVE_UP_SECONDS", defaults.callbacks.giveUpAfter, 1, 86_400)),
                signing(settings),
                TraceExport.from(name, settings));
    }

    private static SigningKeys signing(Settings settings) {
        try {
            return SigningKeys.parse(settings.text("POSTERN_SIGNING_SECRET", ""));
        } catch (IllegalArgumentException e) {
            settings.mistake("POSTERN_SIGNING_SECRET: " + e.getMessage());
            return SigningKeys.NONE;
        }
    }

    /**
     * How outcomes of accepted work are reported.
     *
     * @param firstPause the upper end of the first pause between two tries; it doubles from try to try, and the real
     *     pause is drawn between nothing and it
     * @param longestPause where the doubling ends
     * @param giveUpAfter how long a report is tried ({@code POSTERN_CALLBACK_GIVE_UP_SECONDS}, default 600); after
     *     that the lease has long expired and another attempt is under way
     * @param timeout how long one try may take
     * @param lease the lease of a caller who does not say it; a heartbeat is sent each third of it, at most 10 s apart
     */
    public record Callbacks(
            Duration firstPause, Duration longestPause, Duration giveUpAfter, Duration timeout, Duration lease) {

        /** Refuses pauses and bounds that are not positive. */
        public Callbacks {
            for (Duration each : new Duration[] {firstPause, longestPause, giveUpAfter, timeout, lease}) {
                if (!each.isPositive()) {
                    throw new IllegalArgumentException("durations of callbacks must be positive, one is " + each);
                }
            }
        }

        /** 200 ms doubling to 30 s, for 10 minutes, 30 s a try, lease 30 s. */
        public static Callbacks defaults() {
            return new Callbacks(
                    Duration.ofMillis(200),
                    Duration.ofSeconds(30),
                    Duration.ofMinutes(10),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(30));
        }

        /** The same with another bound. */
        public Callbacks withGiveUpAfter(Duration bound) {
            return new Callbacks(firstPause, longestPause, bound, timeout, lease);
        }
    }
}
