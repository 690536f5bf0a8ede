package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.Outcome;
import dev.postern.sql.Verdict;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** The one log line that each attempt ends with. docs/observability.md lists its keys. */
final class AttemptLog {

    /** Named after the verticle: people filter by it. */
    private static final Logger log = LoggerFactory.getLogger(WorkerVerticle.class);

    private AttemptLog() {}

    static void ended(String workerId, ClaimedJob job, Outcome outcome, Verdict verdict, long sentAtNanos) {
        String name = outcome.getClass().getSimpleName().toLowerCase(Locale.ROOT);
        LoggingEventBuilder line = switch (outcome) {
            case Outcome.Complete o -> log.atInfo();
            case Outcome.Wait o -> log.atInfo();
            case Outcome.Snooze o -> log.atInfo();
            case Outcome.Backpressure o -> log.atInfo();
            case Outcome.Retry o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Missing o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Infrastructure o -> log.atWarn().addKeyValue("error", o.error());
            case Outcome.Dead o -> log.atWarn().addKeyValue("error", o.error());
        };
        line = line.addKeyValue("verdict", verdict.name().toLowerCase(Locale.ROOT))
                .addKeyValue("ms", (System.nanoTime() - sentAtNanos) / 1_000_000);
        write(line, workerId, job, verdict == Verdict.ACCEPTED ? name : name + " refused");
    }

    static void cancelled(String workerId, ClaimedJob job) {
        write(log.atInfo(), workerId, job, "cancelled");
    }

    private static void write(LoggingEventBuilder started, String workerId, ClaimedJob job, String message) {
        LoggingEventBuilder line = started.addKeyValue("job", job.attempt().jobId())
                .addKeyValue("task", job.task())
                .addKeyValue("attempt", job.attempt().number())
                .addKeyValue("worker", workerId)
                .addKeyValue("tenant", job.databaseId());
        line = with(line, "queue", job.queueName());
        line = with(line, "actor", job.actorId());
        line = with(line, "request", job.requestId());
        line = with(line, "trace", job.traceparent());
        line.log(message);
    }

    // A key without a value would be the word "null" to whoever searches the logs.
    private static LoggingEventBuilder with(LoggingEventBuilder line, String key, @Nullable Object value) {
        return value == null ? line : line.addKeyValue(key, value);
    }
}
