/**
 * A GraphQL service for local use and for tests: the part of a tenant platform's schema that the functions ask for,
 * over data from one readable file. Read once at start, then never changed; everything runs on Vert.x event loops. A
 * bad data file stops the start with one sentence; a bad query is answered as GraphQL answers it.
 */
@NullMarked
package dev.postern.functions.graphqlstandin;

import org.jspecify.annotations.NullMarked;
