/** Tests of the API server against a real database and over real HTTP. */
@NullMarked
package dev.postern.api;

import org.jspecify.annotations.NullMarked;
