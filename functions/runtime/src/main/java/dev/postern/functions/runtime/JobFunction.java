package dev.postern.functions.runtime;

/**
 * A function: one method over a payload. Called on a virtual thread of its own, so it may block; called at least once
 * for each job, so it must bear being called again ({@link Job#idempotencyKey()} stays the same over the attempts).
 *
 * @param <P> what the payload is read into: a record that Jackson can map, or {@code JsonNode}
 */
@FunctionalInterface
public interface JobFunction<P> {

    /**
     * Does the job.
     *
     * @throws BadPayload when the payload can never work (400, dead letter)
     * @throws PermanentFailure when trying again is useless (422 or another 4xx, dead letter)
     * @throws RetryLater when trying again makes sense after a known time, and other jobs must wait too (503)
     * @throws UpstreamFailure when something failed that only this job needs (425, tried again)
     * @throws Exception for everything else (500, tried again)
     */
    Answer handle(P payload, JobContext context) throws Exception;
}
