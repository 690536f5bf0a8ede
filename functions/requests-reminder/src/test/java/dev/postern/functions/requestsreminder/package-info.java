/** Tests of the reminder, with the real process and its log. */
@NullMarked
package dev.postern.functions.requestsreminder;

import org.jspecify.annotations.NullMarked;
