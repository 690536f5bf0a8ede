package dev.postern.scheduler;

import dev.postern.sql.ReapedLease;
import java.time.Duration;
import java.time.Instant;

/**
 * Hears what a scheduler did, after it is committed. Called on the scheduler's event loop: return quickly and throw
 * nothing.
 */
public interface SchedulerListener {

    /** Hears nothing. */
    SchedulerListener NONE = new SchedulerListener() {};

    /**
     * This scheduler took a tick and made its job.
     *
     * @param lag how long after the tick it saw that it was due
     */
    default void ticked(long scheduleId, String task, Instant tick, long jobId, Duration lag) {}

    /** Ticks make no job, because nobody took them in time. */
    default void passedOver(long scheduleId, String task, int ticks) {}

    /** This scheduler took a tick that made no job, because the previous job has not ended. */
    default void overlapped(long scheduleId, String task, Instant tick) {}

    /** A schedule's rule could not be read; it rests until somebody changes it. */
    default void parked(long scheduleId, String task, String reason) {}

    /** A job was taken back because its lease had expired. */
    default void reaped(ReapedLease lease) {}

    /** Days of the history were dropped. */
    default void pruned(String state, int days) {}

    /** Pruning the history of a state was put off, because somebody uses it for long. */
    default void pruningPutOff(String state) {}

    /** Dead letters were purged because their retention is over. */
    default void purged(int deadLetters) {}
}
