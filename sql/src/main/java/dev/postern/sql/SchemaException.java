package dev.postern.sql;

import org.jspecify.annotations.Nullable;

/** The schema is not, or could not be made, what this release needs. The message says what to do. */
public final class SchemaException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    SchemaException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
