package dev.postern.functions.runtime;

/** The call as the function sees it. Any thread may use it. */
public interface JobContext {

    /** What the headers said. */
    Job job();

    /**
     * True once nobody wants this attempt's outcome any more: the job was cancelled, the attempt was superseded, or
     * the caller hung up. A long function looks at it between steps and returns; what it returns then is not used.
     */
    boolean cancelled();

    /**
     * Tells the callback server how far the work is. One try: progress that does not arrive is logged and forgotten.
     * Without a callback URL it does nothing.
     *
     * @param percent 0 to 100
     * @param step the step that is running, from 1; 0 before the first
     * @param totalSteps how many there are
     * @param message one line for a person
     */
    void progress(int percent, int step, int totalSteps, String message);
}
