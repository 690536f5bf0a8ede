package dev.postern.sql;

/** What kind of failure a store met; decides what the caller may do about it. */
public enum StoreError {
    /** The database is away, restarting or refuses connections. Trying the same again is right and safe. */
    UNAVAILABLE,
    /** The statement met another one (deadlock, serialisation). Trying the same again is right and safe. */
    CONTENTION,
    /** A value was refused. Trying the same again fails the same way. */
    INVALID,
    /** Anything else the server said; it needs a person. */
    INTERNAL
}
