/**
 * The smallest function: {@code system-ping} answers at once that it is there. Its method runs on the runtime's virtual
 * threads, keeps no state and does not fail.
 */
@NullMarked
package dev.postern.functions.systemping;

import org.jspecify.annotations.NullMarked;
