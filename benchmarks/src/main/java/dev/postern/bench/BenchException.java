package dev.postern.bench;

import org.jspecify.annotations.Nullable;

/** Something could not be measured; the message says what and where to look. */
final class BenchException extends RuntimeException {

    private static final long serialVersionUID = 1;

    BenchException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    BenchException(String message) {
        this(message, null);
    }
}
