/**
 * Breaks a running system on purpose and checks what is left: real processes, a real Postgres, a function server that
 * misbehaves, faults by a seed, and a check of the whole history against the promises (docs/reliability.md). Blocking,
 * on threads of its own; only the function server has an event loop. Whatever it starts ends with it.
 */
@NullMarked
package dev.postern.chaos;

import org.jspecify.annotations.NullMarked;
