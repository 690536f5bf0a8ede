package dev.postern.functions.runtime;

import java.time.Duration;
import java.util.Optional;

/** The call as the function sees it. Any thread may use it. */
public interface JobContext {

    /** What the headers said. */
    Job job();

    /**
     * True once nobody wants this attempt's outcome any more: the job was cancelled, the attempt was superseded, or
     * the caller hung up. Within a second of a cancel while the call waits for its answer; of accepted work at its next
     * heartbeat, which is at most 10 s away, or at its next progress. A long function looks at it between steps and
     * returns; what it returns then is not used.
     */
    boolean cancelled();

    /**
     * How long the worker still waits for the answer, never negative; empty when the caller did not say. Of work behind
     * {@link Answer#later} it says nothing: that has until its heartbeats end.
     */
    Optional<Duration> timeLeft();

    /**
     * Asks the callback server now whether the attempt still counts, and renews its lease. Accepted work is kept alive
     * without it; it is for the moment before a step that cannot be taken back. One try, up to 30 s: a question that is
     * not heard counts as yes. Without a callback URL it asks nobody.
     *
     * @return true unless {@link #cancelled}
     */
    boolean heartbeat();

    /**
     * Tells the callback server how far the work is, in percent. One try: progress that does not arrive is logged and
     * forgotten. What is behind an earlier report of the attempt changes nothing. Without a callback URL it does nothing.
     *
     * @param percent 0 to 100
     * @param message one line for a person, 2000 characters of it
     */
    void progress(double percent, String message);

    /**
     * As {@link #progress}, in steps.
     *
     * @param step the step that is running, from 1; 0 before the first
     * @param steps how many there are, at least 1
     * @param message one line for a person, 2000 characters of it
     */
    void step(int step, int steps, String message);
}
