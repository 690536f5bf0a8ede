package dev.postern.functions.systemping;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import java.time.Clock;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows that a job reaches a function and comes back. The payload may be anything. */
final class SystemPing implements JobFunction<JsonNode> {

    private static final Logger LOG = LoggerFactory.getLogger(SystemPing.class);

    private final Clock clock;

    /** What the job's result says. */
    record Pong(boolean pong, Instant receivedAt, @Nullable String job) {}

    SystemPing(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Answer handle(JsonNode payload, JobContext context) {
        LOG.atInfo()
                .addKeyValue("tenant", context.job().databaseId())
                .addKeyValue("traceparent", context.job().traceparent())
                .log("ping received");
        return Answer.of(new Pong(true, clock.instant(), context.job().id()));
    }
}
