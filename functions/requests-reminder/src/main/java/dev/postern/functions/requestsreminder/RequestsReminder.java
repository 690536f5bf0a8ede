package dev.postern.functions.requestsreminder;

import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.Job;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import java.time.Clock;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says in the log which request waits, for which tenant, at whose wish, and in which trace. */
final class RequestsReminder implements JobFunction<ReminderPayload> {

    private static final Logger LOG = LoggerFactory.getLogger(RequestsReminder.class);

    private final Clock clock;

    /** What the job's result says. */
    record Reminder(
            String requestId, String tenant, @Nullable String actor, Instant remindedAt) {}

    RequestsReminder(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Answer handle(ReminderPayload payload, JobContext context) {
        Job job = context.job();
        String requestId = payload.requestId();
        if (requestId == null || requestId.isBlank()) {
            throw new BadPayload("requestId", "is required and missing");
        }
        String tenant = job.databaseId();
        if (tenant == null) {
            throw new BadPayload("X-Database-Id", "the header is required and missing: a request belongs to a tenant");
        }
        // The keys of the worker's lines about the same job; tenant and trace id also stand on all others of this call.
        LOG.atInfo()
                .addKeyValue("remindsOf", requestId)
                .addKeyValue("tenant", tenant)
                .addKeyValue("actor", job.actorId())
                .addKeyValue("entity", job.entityId())
                .addKeyValue("request", job.requestId())
                .addKeyValue("traceparent", job.traceparent())
                .log("request waits");
        return Answer.of(new Reminder(requestId, tenant, job.actorId(), clock.instant()));
    }
}
