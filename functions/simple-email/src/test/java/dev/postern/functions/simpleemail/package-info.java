/** Tests of the mail, with Mailgun played by a recording server. */
@NullMarked
package dev.postern.functions.simpleemail;

import org.jspecify.annotations.NullMarked;
