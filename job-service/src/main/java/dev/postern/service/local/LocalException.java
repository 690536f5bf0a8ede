package dev.postern.service.local;

import org.jspecify.annotations.Nullable;

/** Something local could not be started. The message says what, and what to do. */
public final class LocalException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    LocalException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
