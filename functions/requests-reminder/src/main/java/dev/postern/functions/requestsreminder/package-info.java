/**
 * The function {@code requests-reminder}: reminds of a request in the log, and shows on that line for whom a job works:
 * tenant, actor, the request that added it, and its trace. Its method runs on the runtime's virtual threads and keeps no
 * state; a payload that names no request is refused.
 */
@NullMarked
package dev.postern.functions.requestsreminder;

import org.jspecify.annotations.NullMarked;
