/** Tests of the mails, against a real HTTP platform, Mailgun played by a recording server, and a real SMTP server. */
@NullMarked
package dev.postern.functions.sendemaillink;

import org.jspecify.annotations.NullMarked;
