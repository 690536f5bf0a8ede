/**
 * How fast Postern is: real processes, a durable Postgres, a function server of its own, peers and the machine's limits
 * in turns in one run (docs/performance.md). Blocking, on the main thread; senders and the bare HTTP load have threads of
 * their own. Whatever it starts ends with it, also on Ctrl-C.
 */
@NullMarked
package dev.postern.bench;

import org.jspecify.annotations.NullMarked;
