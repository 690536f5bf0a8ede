package dev.postern.api;

import io.vertx.core.Future;

/** Serves an operation. Fails, or throws, with an {@link ApiException} to refuse. */
@FunctionalInterface
interface Handler {
    Future<Answer> handle(Request request);
}
