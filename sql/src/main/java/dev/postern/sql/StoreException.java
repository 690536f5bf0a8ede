package dev.postern.sql;

import io.vertx.core.VertxException;
import io.vertx.pgclient.PgException;
import java.io.IOException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The one exception of this package. Its message says what could not be done; the cause has the server's own words. */
public final class StoreException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final StoreError error;

    private StoreException(StoreError error, String message, Throwable cause) {
        super(message, cause);
        this.error = error;
    }

    /** The kind of failure. */
    public StoreError error() {
        return error;
    }

    /** Whether the same call may succeed later without anybody changing anything. */
    public boolean retryable() {
        return error == StoreError.UNAVAILABLE || error == StoreError.CONTENTION;
    }

    /** Whether what was asked for is refused because of what is there, and not because of a value. */
    public boolean conflict() {
        String state = sqlState(this.getCause());
        return "PJ001".equals(state) || "PJ006".equals(state);
    }

    /** Whether a failure comes from the database or the way to it, and not from whoever used it. */
    static boolean isDatabase(Throwable cause) {
        return cause instanceof IOException || cause instanceof TimeoutException || cause instanceof VertxException;
    }

    static StoreException of(String what, Throwable cause) {
        if (cause instanceof StoreException known) {
            return known;
        }
        StoreError error = classify(cause);
        return new StoreException(error, "cannot " + what + ": " + reason(cause) + hint(cause), cause);
    }

    /** What our own error says is wrong with which value; null for the server's errors, which may quote rows. */
    public @Nullable String refusal() {
        return getCause() instanceof PgException e && e.getSqlState().startsWith("PJ") ? e.getDetail() : null;
    }

    // Our own errors say in their detail what is wrong. The server's may quote rows there, payload and all.
    private static @Nullable String reason(Throwable cause) {
        if (cause instanceof PgException e && e.getSqlState().startsWith("PJ") && e.getDetail() != null) {
            return e.getErrorMessage() + ": " + e.getDetail();
        }
        return cause.getMessage();
    }

    // A named statement is missing, or there already, only where somebody swaps the sessions behind a connection.
    private static String hint(Throwable cause) {
        String state = sqlState(cause);
        return "26000".equals(state) || "42P05".equals(state)
                ? "; it looks as if a transaction pooler stands before the database: set POSTERN_POOLER=true"
                : "";
    }

    // Classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html; PJ is ours.
    private static StoreError classify(Throwable cause) {
        String state = sqlState(cause);
        if (state == null) {
            return StoreError.UNAVAILABLE;
        }
        if (state.equals("25006")) {
            // read-only transaction: a standby that answers while a failover is under way
            return StoreError.UNAVAILABLE;
        }
        return switch (state.substring(0, 2)) {
            case "08", "53", "57", "58" -> StoreError.UNAVAILABLE;
            case "40", "55" -> StoreError.CONTENTION;
            case "22", "23", "PJ" -> StoreError.INVALID;
            default -> StoreError.INTERNAL;
        };
    }

    private static @Nullable String sqlState(@Nullable Throwable cause) {
        return cause instanceof PgException e ? e.getSqlState() : null;
    }
}
