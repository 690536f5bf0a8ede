/** Tests of the stand-in, over real HTTP on loopback. */
@NullMarked
package dev.postern.functions.graphqlstandin;

import org.jspecify.annotations.NullMarked;
