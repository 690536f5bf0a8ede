package dev.postern.api;

import java.time.Duration;

/** Told what the API server does, for metrics and tests. Called on its event loop; must not block or throw. */
public interface ApiListener {

    /** Listens to nothing. */
    ApiListener NONE = new ApiListener() {};

    /**
     * A request was answered, or its stream has ended.
     *
     * @param operation its id in the contract; {@code none} for what is not in it
     * @param status the HTTP status
     * @param took from the request's headers to the answer's end
     */
    default void answered(String operation, int status, Duration took) {}
}
