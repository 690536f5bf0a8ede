/**
 * What a function is written with: a {@link dev.postern.functions.runtime.JobFunction} is one class with one method,
 * and everything else of the HTTP contract is done here. A function runs on a virtual thread of its own per call and
 * may block; the HTTP server runs on one Vert.x event loop. A call that fails is answered as a problem document and
 * leaves the process as it was; work that went on after a 202 is reported to the callback URL until somebody has
 * answered or the bound in {@link dev.postern.functions.runtime.FunctionConfig} has passed.
 */
@NullMarked
package dev.postern.functions.runtime;

import org.jspecify.annotations.NullMarked;
