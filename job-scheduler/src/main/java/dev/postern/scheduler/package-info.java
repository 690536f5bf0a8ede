/**
 * Time becomes jobs: schedules are planned and their ticks taken, expired leases are reaped, old history is pruned. All
 * of it runs on the one event loop of its {@link dev.postern.scheduler.SchedulerVerticle}. Any number of schedulers may
 * run beside each other: the database decides who takes a tick or a lease. When the database is away every part waits
 * and tries again; a rule that cannot be read parks its own schedule and nothing else.
 */
@NullMarked
package dev.postern.scheduler;

import org.jspecify.annotations.NullMarked;
