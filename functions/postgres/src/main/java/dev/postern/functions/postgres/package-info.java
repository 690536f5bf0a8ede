/**
 * For functions that work in PostgreSQL: where the database is, one transaction at a time, and the tenant's own role for
 * what a tenant asks for. Blocking JDBC, called on the virtual thread of a call; a connection lives as long as its
 * transaction. What a retry may mend (no connection, a restart, a deadlock) leaves here as
 * {@link dev.postern.functions.runtime.RetryLater}, everything else as the {@code SQLException} that it is.
 */
@NullMarked
package dev.postern.functions.postgres;

import org.jspecify.annotations.NullMarked;
