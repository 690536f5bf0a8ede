package dev.postern.functions.runtime;

import java.util.Map;
import java.util.concurrent.Callable;

/** What a function answers: a result now, or a promise to report later. */
public sealed interface Answer {

    /** The job is complete; {@code value}, written as JSON, is its result (200). */
    record Result(Object value) implements Answer {}

    /**
     * The job is accepted (202) and {@code work} runs on: on the call's virtual thread, with heartbeats, and with its
     * result or failure reported to the callback URL. A caller who sent no callback URL waits for the result instead.
     */
    record Later(Callable<?> work) implements Answer {}

    /** Complete, with a result. */
    static Answer of(Object value) {
        return new Result(value);
    }

    /** Complete, with nothing to say: the result is {@code {}}. */
    static Answer done() {
        return new Result(Map.of());
    }

    /** Accepted; {@code work} goes on and may return {@code null} for "nothing to say". */
    static Answer later(Callable<?> work) {
        return new Later(work);
    }
}
