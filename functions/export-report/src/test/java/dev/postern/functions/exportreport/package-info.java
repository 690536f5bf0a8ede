/** Tests against a real server, real files and real HTTP on loopback. */
@NullMarked
package dev.postern.functions.exportreport;

import org.jspecify.annotations.NullMarked;
