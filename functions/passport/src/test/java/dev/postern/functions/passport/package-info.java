/** Tests of the pipeline against a real server; the pure parts by seeded chance. */
@NullMarked
package dev.postern.functions.passport;

import org.jspecify.annotations.NullMarked;
