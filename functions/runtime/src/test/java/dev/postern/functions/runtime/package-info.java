/** Tests of the runtime, over real HTTP on loopback. */
@NullMarked
package dev.postern.functions.runtime;

import org.jspecify.annotations.NullMarked;
