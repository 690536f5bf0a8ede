package dev.postern.sql;

import java.util.Locale;

/** What became of an offered outcome. */
public enum Verdict {
    /** It is the attempt's outcome, and committed. */
    ACCEPTED,
    /** The attempt had ended the same way before. */
    REPLAY,
    /** The attempt had ended the other way before. */
    CONFLICT,
    /** The job was cancelled. */
    CANCELLED,
    /** The attempt was superseded: its lease expired, or the job was claimed again. */
    STALE,
    /** There is no such job, or its history has been dropped. */
    UNKNOWN;

    static Verdict of(String sql) {
        return valueOf(sql.toUpperCase(Locale.ROOT));
    }
}
