/**
 * The function {@code simple-email}: the payload says to whom and what, the function hands it over. Runs on the runtime's
 * virtual threads and blocks; everything here is immutable. A payload that can never become a mail is refused by the name
 * of its field; a mail that was handed over twice carries the same Message-ID both times.
 */
@NullMarked
package dev.postern.functions.simpleemail;

import org.jspecify.annotations.NullMarked;
