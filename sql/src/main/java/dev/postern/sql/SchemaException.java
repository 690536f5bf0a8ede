package dev.postern.sql;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** The schema is not, or could not be made, what this release needs. The message says what to do. */
public final class SchemaException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean unreachable;

    SchemaException(String message, @Nullable Throwable cause) {
        super(message, cause);
        this.unreachable = sqlState(cause).startsWith("08") || sqlState(cause).startsWith("57");
    }

    /** Whether the database could not be reached or is starting: trying again may help. */
    public boolean unreachable() {
        return unreachable;
    }

    private static String sqlState(@Nullable Throwable cause) {
        for (Throwable at = cause; at != null; at = at.getCause()) {
            if (at instanceof SQLException e && e.getSQLState() != null) {
                return e.getSQLState();
            }
        }
        return "";
    }
}
