/** Tests of the arithmetic; what is measured is not tested, it differs from machine to machine. */
@NullMarked
package dev.postern.bench;

import org.jspecify.annotations.NullMarked;
