/** Tests of the conformance check, against functions that keep the contract and functions that break one row of it. */
@NullMarked
package dev.postern.service.check;

import org.jspecify.annotations.NullMarked;
