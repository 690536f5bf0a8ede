/**
 * The HTTP contract between worker, function and callback server, spelled once: header names, the attempt token and
 * the values that travel in them. Plain values without I/O; any thread may use them; bad input is refused with
 * {@link java.lang.IllegalArgumentException}.
 */
@NullMarked
package dev.postern.functions.protocol;

import org.jspecify.annotations.NullMarked;
