/**
 * Environment in, records out: every mistake is found and reported at once, and the settings' own catalogue is what
 * docs/configuration.md is made of. Pure functions of a map; any thread.
 */
@NullMarked
package dev.postern.service.config;

import org.jspecify.annotations.NullMarked;
