/**
 * The conformance check behind {@code ./postern check-function}: plays worker and callback server to one function and says,
 * row by row of docs/protocol.md, what it gets right and wrong. Blocking, on the command's thread; the played callback
 * server has threads of its own. What a function does wrong is a finding, never an exception.
 */
@NullMarked
package dev.postern.service.check;

import org.jspecify.annotations.NullMarked;
