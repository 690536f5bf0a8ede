/** Tests of the webhook, against receivers on loopback that answer well, badly, late, and without end. */
@NullMarked
package dev.postern.functions.deliverwebhook;

import org.jspecify.annotations.NullMarked;
