/**
 * The {@code app_jobs} schema and typed access to it: migrations and functions lie beside this package as SQL files, the
 * stores here call them, one line each. Everything but {@link dev.postern.sql.SchemaMigrator} (blocking, for start-up)
 * composes futures on the caller's event loop. A failed future carries a {@link dev.postern.sql.StoreException} that
 * says whether trying again can help.
 */
@NullMarked
package dev.postern.sql;

import org.jspecify.annotations.NullMarked;
