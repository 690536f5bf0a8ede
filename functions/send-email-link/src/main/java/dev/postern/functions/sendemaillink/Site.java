package dev.postern.functions.sendemaillink;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant's mails and links look like.
 *
 * @param subdomain in front of the domain, where there is one
 * @param domain the domain that links lead to
 * @param nick what people call the product
 * @param company the legal name
 * @param website the company's address on the web
 * @param support where questions go
 * @param logo a picture to show instead of the nick
 * @param primary the brand's colour, as the theme has it
 */
record Site(
        @Nullable String subdomain,
        String domain,
        String nick,
        String company,
        @Nullable URI website,
        @Nullable String support,
        @Nullable URI logo,
        @Nullable String primary) {}
