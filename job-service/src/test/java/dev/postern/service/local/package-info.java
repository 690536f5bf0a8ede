/** Tests of the package of the same name; real processes, a real database, real HTTP. */
@NullMarked
package dev.postern.service.local;

import org.jspecify.annotations.NullMarked;
