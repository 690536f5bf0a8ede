/** The rules against histories made by hand, and a short run. */
@NullMarked
package dev.postern.chaos;

import org.jspecify.annotations.NullMarked;
