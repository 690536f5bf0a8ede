package dev.postern.chaos;

import java.time.Duration;
import java.util.Locale;

/**
 * What is broken on purpose; the last one is noticed rather than done. Where several can be the cause of something, the
 * first in this order is believed.
 */
enum FaultKind {
    /** {@code kill -9} of a process, and a new one in its place. */
    KILL(10),
    /** SIGTERM to one process after the other, each replaced when it has ended. */
    ROLLING_RESTART(10),
    /** SIGSTOP for longer or shorter than a lease: a long pause of the machine below a process. */
    FREEZE(10),
    /** All connections of the database are terminated. */
    TERMINATE_BACKENDS(10),
    POSTGRES_FAST_RESTART(15),
    /** Postgres stops without a checkpoint and recovers. */
    POSTGRES_IMMEDIATE_RESTART(15),
    /** A process's connections to the database are closed, and new ones as they come. */
    CUT(10),
    /** Nothing passes between a process and the database, with all connections open. */
    STALL(75),
    /** The process's ends are closed, the database does not hear of it. */
    HALF_OPEN_DATABASE(10),
    /** The database's ends are closed, the process does not hear of it. */
    HALF_OPEN_PROCESS(75),
    /** The function server closes its port with everything that is under way. */
    FUNCTION_DOWN(5),
    /** A process was stopped at the end of the run. */
    STOP(10),
    /** Nothing that was made: the machine was too busy, as {@link Watch} saw. */
    MACHINE_STALLED(10);

    /**
     * How long after its end it may still be the cause of something: reconnects back off, and a process gives up a
     * connection only after a minute of silence.
     */
    final Duration linger;

    FaultKind(int lingerSeconds) {
        this.linger = Duration.ofSeconds(lingerSeconds);
    }

    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
