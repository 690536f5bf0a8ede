package dev.postern.sql;

import org.jspecify.annotations.Nullable;

/** Which PostgreSQL, and which database of it, it takes, and for what. */
final class ServerVersion {

    /** Views that read as their caller. */
    private static final int LEAST = 15;

    /** Roles that may become another one without having its rights, and its bounds, all the time. */
    private static final int LEAST_FOR_API = 16;

    private ServerVersion() {}

    /**
     * Why the schema cannot be there, or null where it can.
     *
     * @param encoding the database's, as {@code server_encoding} says
     */
    static @Nullable String refusal(int major, String version, String encoding) {
        if (major < LEAST) {
            return "PostgreSQL " + LEAST + " or newer is needed (" + LEAST_FOR_API + " for the HTTP API), it is "
                    + version;
        }
        // SQL_ASCII checks nothing, any other lacks letters: an outcome with one of them could never be stored.
        return encoding.equals("UTF8")
                ? null
                : "its encoding is " + encoding + ", UTF8 is needed: make one with \"create database NAME encoding"
                        + " 'UTF8' template template0\", and move what is to be kept by pg_dump";
    }

    /** What to do where the login role may not become {@code postern_tenant}. */
    static String withoutTenantRole(int major, String version) {
        return major >= LEAST_FOR_API
                ? "migrate with a role that may create roles, or 'grant postern_tenant to <role> with inherit false, set"
                        + " true'"
                : "that takes PostgreSQL " + LEAST_FOR_API + " or newer, or a superuser; it is " + version;
    }
}
