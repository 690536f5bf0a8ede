/** Tests of the ways out, against a recording server that plays Mailgun and a real SMTP server. */
@NullMarked
package dev.postern.functions.mail;

import org.jspecify.annotations.NullMarked;
