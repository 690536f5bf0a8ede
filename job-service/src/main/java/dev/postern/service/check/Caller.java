package dev.postern.service.check;

import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** Calls the function as a worker does: the same headers, a job of its own for each call. */
final class Caller {

    private static final int LEASE_SECONDS = 3;

    private final CheckPlan plan;
    private final PlayedCallbacks callbacks;
    private final InstantSource clock;
    private long lastJob;

    /** A job that is sent once or more. */
    record Sent(AttemptToken token, PlayedCallbacks.Attempt reports) {}

    /** What came back, or why nothing did. */
    record Heard(Optional<Wire.Reply> reply, String failure) {

        int status() {
            return reply.map(Wire.Reply::status).orElse(0);
        }

        boolean ok() {
            return status() >= 200 && status() < 300;
        }

        boolean refused() {
            return status() >= 400 && status() < 500;
        }

        /** For a person: the status and the beginning of the body, or what went wrong. */
        String words() {
            return reply.map(answer -> "HTTP " + answer.status()
                            + (answer.body().isEmpty() ? "" : ": " + shortened(answer.body())))
                    .orElse(failure);
        }

        private static String shortened(String text) {
            String line = text.strip().replaceAll("\\s+", " ");
            return line.length() <= 200 ? line : line.substring(0, 200) + "…";
        }
    }

    Caller(CheckPlan plan, PlayedCallbacks callbacks, InstantSource clock) {
        this.plan = plan;
        this.callbacks = callbacks;
        this.clock = clock;
        // Ids that no other check of the last years had: a function may remember idempotency keys.
        this.lastJob = clock.instant().toEpochMilli();
    }

    /** A new job, known to the callback server. */
    Sent job() {
        lastJob++;
        AttemptToken token = new AttemptToken(lastJob, 1, UUID.randomUUID());
        return new Sent(token, callbacks.expect(token));
    }

    /** The same job's next attempt. */
    Sent again(Sent before) {
        AttemptToken token =
                new AttemptToken(before.token().jobId(), before.token().attempt() + 1, UUID.randomUUID());
        return new Sent(token, callbacks.expect(token));
    }

    /** Sends a job with a body, signed where there is a secret. */
    Heard call(Sent job, String body) {
        return call(signed(headers(job), body), body);
    }

    Heard call(Map<String, String> headers, String body) {
        try (Wire wire = connect()) {
            return heard(wire.call("POST", headers, bytes(body)));
        } catch (IOException e) {
            return failed(e);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static Heard heard(Wire.Reply reply) {
        return new Heard(Optional.of(reply), "");
    }

    Heard failed(IOException e) {
        String why = e instanceof SocketTimeoutException
                ? "no answer within " + plan.patience().toSeconds() + " s"
                : e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return new Heard(Optional.empty(), why);
    }

    Wire connect() throws IOException {
        return new Wire(plan.url(), plan.patience());
    }

    /** Whether nobody listens there any more: a process that a call has ended, say. */
    boolean gone() {
        try (Wire wire = connect()) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    String path() {
        return plan.url().getRawPath();
    }

    /** What a worker sends, without signatures. */
    Map<String, String> headers(Sent job) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "application/json");
        headers.put("Accept", "application/json, application/problem+json");
        headers.put("User-Agent", "postern");
        headers.put(JobHeaders.JOB_ID, Long.toString(job.token().jobId()));
        headers.put(JobHeaders.DATABASE_ID, plan.databaseId().toString());
        headers.put(JobHeaders.WORKER_ID, "postern.check");
        headers.put(JobHeaders.CALLBACK_URL, callbacks.url(job.token()));
        headers.put(JobHeaders.TASK, plan.task());
        headers.put(JobHeaders.ATTEMPT, Integer.toString(job.token().attempt()));
        headers.put(JobHeaders.MAX_ATTEMPTS, "25");
        headers.put(JobHeaders.DEADLINE, clock.instant().plus(plan.patience()).toString());
        headers.put(JobHeaders.LEASE_SECONDS, Integer.toString(LEASE_SECONDS));
        headers.put(
                JobHeaders.IDEMPOTENCY_KEY,
                plan.databaseId() + ":" + job.token().jobId());
        return headers;
    }

    /** The headers with the worker's signature, where there is a secret. */
    Map<String, String> signed(Map<String, String> headers, String body) {
        if (plan.signing().isEmpty()) {
            return headers;
        }
        Map<String, String> signed = new LinkedHashMap<>(headers);
        String id = headers.getOrDefault(JobHeaders.IDEMPOTENCY_KEY, "");
        long now = clock.instant().getEpochSecond();
        signed.put(JobHeaders.WEBHOOK_ID, id);
        signed.put(JobHeaders.WEBHOOK_TIMESTAMP, Long.toString(now));
        signed.put(JobHeaders.WEBHOOK_SIGNATURE, plan.signing().sign(id, now, bytes(body)));
        return signed;
    }
}
