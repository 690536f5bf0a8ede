/**
 * Speaks to the HTTP API of a Postern that runs elsewhere, for commands. Blocking, on the caller's thread; what cannot be
 * had ends in an {@link dev.postern.service.client.ApiFailure} with one line for people.
 */
@NullMarked
package dev.postern.service.client;

import org.jspecify.annotations.NullMarked;
