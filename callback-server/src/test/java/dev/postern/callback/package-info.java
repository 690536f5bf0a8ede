/** Tests of the callback server: real HTTP against a real Postgres, with a line between them that can be cut. */
@NullMarked
package dev.postern.callback;

import org.jspecify.annotations.NullMarked;
