/** Tests of the schema and its stores, and the fixtures that other modules' tests borrow (test-jar). */
@NullMarked
package dev.postern.sql;

import org.jspecify.annotations.NullMarked;
