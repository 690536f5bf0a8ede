/**
 * The way out of a mail, for the functions that write one: Mailgun, an SMTP server, or in dry run nobody, chosen by the
 * environment. Blocking, for the virtual threads of the runtime; everything here is immutable. A failure says whether
 * sending again can help; a mail that was handed over twice carries the same Message-ID both times.
 */
@NullMarked
package dev.postern.functions.mail;

import org.jspecify.annotations.NullMarked;
