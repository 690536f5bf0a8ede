/**
 * Claims jobs, sends them to their functions and offers the outcomes. One verticle, one event loop; every field belongs to
 * that context. The database decides who holds a lease; the worker only stops earlier than it must. When the database
 * is away nothing is claimed, outcomes wait, and work whose lease can no longer be trusted is broken off.
 */
@NullMarked
package dev.postern.worker;

import org.jspecify.annotations.NullMarked;
