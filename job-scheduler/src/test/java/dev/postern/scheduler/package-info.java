/** Tests of the scheduler: the calendar by itself, everything else against a real Postgres. */
@NullMarked
package dev.postern.scheduler;

import org.jspecify.annotations.NullMarked;
