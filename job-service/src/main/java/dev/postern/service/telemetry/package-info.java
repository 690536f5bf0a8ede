/**
 * Metrics, probes and their HTTP server. Listeners are called on the roles' event loops and only count; the server has an
 * event loop of its own. Nothing here can fail a job.
 */
@NullMarked
package dev.postern.service.telemetry;

import org.jspecify.annotations.NullMarked;
