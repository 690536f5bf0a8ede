/**
 * {@code export-report}: a report of the tenant as a CSV or JSON file. Blocking, on the virtual thread of a call; rows are
 * streamed, so memory does not grow with them. A file appears under its name whole or not at all, and a second attempt of
 * the same job replaces it. What is left of a killed attempt goes with the next export of the tenant.
 */
@NullMarked
package dev.postern.functions.exportreport;

import org.jspecify.annotations.NullMarked;
