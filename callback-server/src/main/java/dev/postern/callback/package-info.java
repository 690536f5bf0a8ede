/**
 * Takes the reports that functions POST to the {@code X-Callback-Url} of their attempt: how it ended, how far it is, that
 * it is alive. Everything runs on the event loop of {@link dev.postern.callback.CallbackVerticle}'s context. A report is
 * answered after the database has committed or refused it; when the database does not answer in time the caller is told
 * to come back (503), and since the attempt's token fences every statement, coming back is always safe.
 */
@NullMarked
package dev.postern.callback;

import org.jspecify.annotations.NullMarked;
