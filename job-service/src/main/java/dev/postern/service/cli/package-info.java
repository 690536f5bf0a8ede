/**
 * The commands of {@code ./postern}. Blocking, on the main thread; a mistake of the user ends in one line and exit code 2,
 * a failure in one line and exit code 1.
 */
@NullMarked
package dev.postern.service.cli;

import org.jspecify.annotations.NullMarked;
