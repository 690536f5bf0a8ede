/**
 * The HTTP API: what {@code openapi.yaml} says, and nothing else. Everything runs on the event loop of
 * {@link dev.postern.api.ApiVerticle}'s context. A request is checked against the contract before its handler sees it, and
 * works in one transaction in which the database itself binds it to its caller's tenant; it is answered after the commit.
 * When the database does not answer in time the caller is told to come back (503).
 */
@NullMarked
package dev.postern.api;

import org.jspecify.annotations.NullMarked;
