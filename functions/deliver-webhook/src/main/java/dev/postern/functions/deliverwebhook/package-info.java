/**
 * The function {@code deliver-webhook}: one POST to an address that a tenant chose, signed by Standard Webhooks. The address
 * is hostile until shown otherwise: it is resolved once, every answer of the resolver must be public, and the connection
 * goes to what was judged. Runs on the runtime's virtual threads and blocks; names are resolved on threads of their own.
 * What the endpoint does wrong costs the job an attempt and never the function its good name with the worker.
 */
@NullMarked
package dev.postern.functions.deliverwebhook;

import org.jspecify.annotations.NullMarked;
