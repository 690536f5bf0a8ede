package dev.postern.functions.protocol;

/**
 * Names of the HTTP headers of the contract (docs/protocol.md says what each carries). HTTP compares them without
 * regard to case; they are written here as they are sent.
 */
public final class JobHeaders {

    /** Request and answer: the job's id. A function that echoes it proves that the answer is its own. */
    public static final String JOB_ID = "X-Job-Id";

    /** Request: the tenant ({@code database_id}) that the job belongs to. */
    public static final String DATABASE_ID = "X-Database-Id";

    /** Request and callback: the worker that holds the attempt's lease. */
    public static final String WORKER_ID = "X-Worker-Id";

    /** Request: where to report the attempt's outcome; carries the attempt's token. */
    public static final String CALLBACK_URL = "X-Callback-Url";

    /** Request: who caused the job, where known. */
    public static final String ACTOR_ID = "X-Actor-Id";

    /** Request: the thing that the job is about, where known. */
    public static final String ENTITY_ID = "X-Entity-Id";

    /** Request: the id of the request that added the job, where known. */
    public static final String REQUEST_ID = "X-Request-Id";

    /** Request: the task identifier. */
    public static final String TASK = "X-Job-Task";

    /** Request: the number of this attempt, counted from 1. */
    public static final String ATTEMPT = "X-Job-Attempt";

    /** Request: the attempt after which the trying ends. */
    public static final String MAX_ATTEMPTS = "X-Job-Max-Attempts";

    /** Request: the RFC 3339 instant at which the worker gives up waiting for the answer. */
    public static final String DEADLINE = "X-Job-Deadline";

    /**
     * Request: after how many seconds without a heartbeat the lease of a 202 answer expires. Answer: how many seconds
     * the function asks for instead (capped by the worker).
     */
    public static final String LEASE_SECONDS = "X-Job-Lease-Seconds";

    /** Request: stable over all attempts of a job. */
    public static final String IDEMPOTENCY_KEY = "Idempotency-Key";

    /** Request: W3C trace context of whoever added the job. */
    public static final String TRACEPARENT = "traceparent";

    /** Request, where dispatches are signed: the message's id, the same over all attempts of a job. */
    public static final String WEBHOOK_ID = "webhook-id";

    /** Request, where dispatches are signed: when it was signed, in seconds since 1970. */
    public static final String WEBHOOK_TIMESTAMP = "webhook-timestamp";

    /** Request, where dispatches are signed: what {@link SigningKeys#sign} says. */
    public static final String WEBHOOK_SIGNATURE = "webhook-signature";

    /** Answer and callback: {@code true} turns a 2xx answer into a failure, as Constructive's functions do. */
    public static final String JOB_ERROR = "X-Job-Error";

    /** Answer: {@code never} ends the job as a dead letter, {@code after=N} asks to be called again in N seconds. */
    public static final String JOB_RETRY = "X-Job-Retry";

    /** Callback answer: {@code true} when the outcome had already been accepted. */
    public static final String IDEMPOTENT_REPLAY = "Idempotent-Replay";

    private JobHeaders() {}
}
