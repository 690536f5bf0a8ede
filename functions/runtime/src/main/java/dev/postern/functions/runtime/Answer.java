package dev.postern.functions.runtime;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** What a function answers: a result now, or a promise to report later. */
public sealed interface Answer {

    /**
     * The job is complete; {@code value}, written as JSON (64 KiB at most), is its result.
     *
     * @param value what Jackson can write; an object when there are follow-up jobs, because those travel in its
     *     {@code jobs}
     * @param followUps jobs to add in the transaction that completes this one
     */
    record Result(Object value, List<FollowUp> followUps) implements Answer {

        /** Copies the list. */
        public Result {
            followUps = List.copyOf(followUps);
        }

        /** The same with one more follow-up job. */
        public Result andThen(FollowUp next) {
            return new Result(
                    value, Stream.concat(followUps.stream(), Stream.of(next)).toList());
        }
    }

    /**
     * The job is accepted (202) and {@code work} runs on: on the call's virtual thread, with heartbeats, and with its
     * result or failure reported to the callback URL. A caller who sent no callback URL waits for the result instead.
     * The work may return a {@link Result} where it has follow-up jobs.
     */
    record Later(Callable<?> work) implements Answer {}

    /** Complete, with a result. */
    static Result of(Object value) {
        return new Result(value, List.of());
    }

    /** Complete, with a result and follow-up jobs. */
    static Result of(Object value, FollowUp... followUps) {
        return new Result(value, List.of(followUps));
    }

    /** Complete, with nothing to say: the result is {@code {}}. */
    static Result done() {
        return of(Map.of());
    }

    /** Accepted; {@code work} goes on and may return {@code null} for "nothing to say". */
    static Answer later(Callable<?> work) {
        return new Later(work);
    }
}
