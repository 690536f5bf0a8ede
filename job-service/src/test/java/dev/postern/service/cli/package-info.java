/** Tests of the package of the same name; real processes, a real database, real HTTP. */
@NullMarked
package dev.postern.service.cli;

import org.jspecify.annotations.NullMarked;
