/**
 * The passport pipeline: {@code parse-facts}, {@code compile-passport}, {@code sign-passport}, {@code generate-qr}, each the
 * follow-up of the one before. Blocking, on the virtual thread of a call; one transaction a step, which finds what an
 * earlier attempt did and answers the same. What cannot be done is a
 * {@link dev.postern.functions.runtime.PermanentFailure} with a code.
 */
@NullMarked
package dev.postern.functions.passport;

import org.jspecify.annotations.NullMarked;
