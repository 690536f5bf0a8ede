/** Tests of the worker against a real database and real HTTP. */
@NullMarked
package dev.postern.worker;

import org.jspecify.annotations.NullMarked;
