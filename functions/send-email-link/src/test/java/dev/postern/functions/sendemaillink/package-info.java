/** Tests of the mails, against a real HTTP platform and Mailgun played by a recording server. */
@NullMarked
package dev.postern.functions.sendemaillink;

import org.jspecify.annotations.NullMarked;
