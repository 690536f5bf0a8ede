/**
 * The function {@code send-email-link}: invitations, password resets and confirmations of an address, each a mail with
 * one link. It asks the tenant platform's GraphQL for the site and the inviter, writes the mail, and hands it to Mailgun,
 * to an SMTP server, or in dry run to nobody. Runs on the runtime's virtual threads and blocks; everything here is
 * immutable. A failure says whether sending again can help; a mail that was handed over twice carries the same
 * Message-ID both times.
 */
@NullMarked
package dev.postern.functions.sendemaillink;

import org.jspecify.annotations.NullMarked;
