package dev.postern.callback;

import java.time.Duration;

/**
 * Settings of the callback server.
 *
 * @param host address to listen on
 * @param port TCP port to listen on; 0 for any that is free
 * @param heartbeatLease lease that a heartbeat or a progress report grants when it asks for none; at least 1 second
 * @param maxLease the longest lease that it may ask for; not shorter than {@code heartbeatLease}
 * @param bodyLimit bytes of a request body, at least 1024; beyond that 413
 * @param outcomeWait how long a report may wait for the database before 503, positive. Shorter than the functions' own
 *     time-out for a callback, or they never see the 503
 * @param clientTimeout how long a connection may be silent before it is closed, and how long a body may take to arrive;
 *     at least 1 second
 */
public record CallbackConfig(
        String host,
        int port,
        Duration heartbeatLease,
        Duration maxLease,
        int bodyLimit,
        Duration outcomeWait,
        Duration clientTimeout) {

    /** The port that Constructive's functions expect. */
    public static final int DEFAULT_PORT = 12345;

    private static final int LEAST_BODY_LIMIT = 1024;

    /** Refuses values outside the stated bounds. */
    public CallbackConfig {
        require(!host.isBlank(), "host must not be blank");
        require(port >= 0 && port <= 65_535, "port must be 0 to 65535, is " + port);
        require(
                heartbeatLease.compareTo(Duration.ofSeconds(1)) >= 0,
                "heartbeat lease must be at least 1 s, is " + heartbeatLease);
        require(
                maxLease.compareTo(heartbeatLease) >= 0,
                "max lease must not be shorter than the heartbeat lease " + heartbeatLease + ", is " + maxLease);
        require(bodyLimit >= LEAST_BODY_LIMIT, "body limit must be at least 1024 bytes, is " + bodyLimit);
        require(outcomeWait.toMillis() > 0, "outcome wait must be at least 1 ms, is " + outcomeWait);
        require(
                clientTimeout.compareTo(Duration.ofSeconds(1)) >= 0,
                "client timeout must be at least 1 s, is " + clientTimeout);
    }

    /** All interfaces, port 12345, lease 300 s and at most 3600 s, bodies of 1 MiB, 5 s for the database, 30 s idle. */
    public static CallbackConfig defaults() {
        return new CallbackConfig(
                "0.0.0.0",
                DEFAULT_PORT,
                Duration.ofSeconds(300),
                Duration.ofSeconds(3600),
                1024 * 1024,
                Duration.ofSeconds(5),
                Duration.ofSeconds(30));
    }

    /** Listening elsewhere. */
    public CallbackConfig withAddress(String newHost, int newPort) {
        return new CallbackConfig(newHost, newPort, heartbeatLease, maxLease, bodyLimit, outcomeWait, clientTimeout);
    }

    /** With other leases for heartbeats. */
    public CallbackConfig withLeases(Duration newHeartbeatLease, Duration newMaxLease) {
        return new CallbackConfig(host, port, newHeartbeatLease, newMaxLease, bodyLimit, outcomeWait, clientTimeout);
    }

    /** With another bound on request bodies. */
    public CallbackConfig withBodyLimit(int newBodyLimit) {
        return new CallbackConfig(host, port, heartbeatLease, maxLease, newBodyLimit, outcomeWait, clientTimeout);
    }

    /** With another patience for the database. */
    public CallbackConfig withOutcomeWait(Duration newOutcomeWait) {
        return new CallbackConfig(host, port, heartbeatLease, maxLease, bodyLimit, newOutcomeWait, clientTimeout);
    }

    /** With another patience for clients. */
    public CallbackConfig withClientTimeout(Duration newClientTimeout) {
        return new CallbackConfig(host, port, heartbeatLease, maxLease, bodyLimit, outcomeWait, newClientTimeout);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
