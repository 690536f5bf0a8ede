/** Tests of what {@code new-function} writes. */
@NullMarked
package dev.postern.service.scaffold;

import org.jspecify.annotations.NullMarked;
