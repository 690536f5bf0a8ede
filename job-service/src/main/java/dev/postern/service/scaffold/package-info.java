/**
 * What {@code ./postern new-function} writes. Blocking, on the command's thread; either all files are written or, where
 * the name cannot be used, none.
 */
@NullMarked
package dev.postern.service.scaffold;

import org.jspecify.annotations.NullMarked;
