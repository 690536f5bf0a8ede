/**
 * The process and its life: which roles run, in which order they start and stop. Runs on the main thread and blocks there;
 * the roles have event loops of their own. A start that fails leaves nothing behind.
 */
@NullMarked
package dev.postern.service;

import org.jspecify.annotations.NullMarked;
