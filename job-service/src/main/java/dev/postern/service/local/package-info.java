/**
 * What a laptop needs beside the service: a Postgres of its own with a kept data directory, and the sample functions as
 * processes of their own. Blocking, on the main thread. Everything started here is stopped with the process.
 */
@NullMarked
package dev.postern.service.local;

import org.jspecify.annotations.NullMarked;
