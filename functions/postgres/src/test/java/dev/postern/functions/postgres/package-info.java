/** Tests against a real server. */
@NullMarked
package dev.postern.functions.postgres;

import org.jspecify.annotations.NullMarked;
