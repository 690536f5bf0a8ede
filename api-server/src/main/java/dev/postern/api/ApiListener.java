package dev.postern.api;

import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Told what the API server does, for metrics, traces and tests. Called on its event loop; must not block or throw. */
public interface ApiListener {

    /** Listens to nothing. */
    ApiListener NONE = new ApiListener() {};

    /**
     * A request that was answered.
     *
     * @param operation its id in the contract; {@code none} for what is not in it
     * @param method its HTTP method
     * @param route its path in the contract, with the names of parameters; empty for what is not in it
     * @param status the HTTP status
     * @param traceparent under which its jobs and calls go on
     * @param requestId the caller's name for it, or one of ours
     * @param tenant whose it was; null where nobody was known
     * @param follows the traceparent of what it started over; null for most
     */
    record Served(
            String operation,
            String method,
            String route,
            int status,
            String traceparent,
            String requestId,
            @Nullable UUID tenant,
            @Nullable String follows) {}

    /**
     * A request has come.
     *
     * @param traceparent as the caller sent it, fit or not; null without one
     * @return the traceparent that its jobs and calls shall go on under; null leaves that to the server
     */
    default @Nullable String begun(@Nullable String traceparent) {
        return null;
    }

    /**
     * A request was answered, or its stream has ended.
     *
     * @param took from the request's headers to the answer's end
     */
    default void answered(Served request, Duration took) {}
}
