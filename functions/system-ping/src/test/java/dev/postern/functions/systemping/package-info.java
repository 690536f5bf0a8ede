/** Tests of the ping, over real HTTP on loopback. */
@NullMarked
package dev.postern.functions.systemping;

import org.jspecify.annotations.NullMarked;
