package dev.postern.functions.runtime;

import org.jspecify.annotations.Nullable;

/**
 * A failure that says what the worker should make of it. The message is shown to operators and kept as the job's
 * error: no payloads, no secrets.
 */
public abstract sealed class FunctionFailure extends RuntimeException
        permits BadPayload, PermanentFailure, RetryLater, UpstreamFailure {

    private static final long serialVersionUID = 1;

    FunctionFailure(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
