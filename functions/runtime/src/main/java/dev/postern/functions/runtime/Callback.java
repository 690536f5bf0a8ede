package dev.postern.functions.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way back of one attempt. Blocking; used by the call's virtual threads.
 *
 * <p>Outcomes are repeated until somebody has answered or the bound has passed: an outcome that is lost costs the whole
 * attempt. Heartbeats and progress are said once: the next one says more.
 */
final class Callback {

    private static final Logger LOG = LoggerFactory.getLogger(Callback.class);

    /** Unknown job; stale or ended attempt; cancelled. Other refusals are about the report itself. */
    private static final Set<Integer> OVER = Set.of(404, 409, 410);

    private final CallbackClient client;
    private final FunctionMetrics metrics;
    private final URI url;
    private final Job job;
    private final FunctionConfig.Callbacks config;
    private final CallHandler.Moment moment;

    Callback(
            CallbackClient client,
            FunctionMetrics metrics,
            URI url,
            Job job,
            FunctionConfig.Callbacks config,
            CallHandler.Moment moment) {
        this.client = client;
        this.metrics = metrics;
        this.url = url;
        this.job = job;
        this.config = config;
        this.moment = moment;
    }

    /** Reports that the job is complete; {@code result} is its JSON. */
    void complete(byte[] result) throws InterruptedException {
        report("complete", result);
    }

    /** Reports that the attempt failed; {@code retryAfterSeconds} 0 leaves the time of the next one to the queue. */
    void fail(String error, boolean retry, long retryAfterSeconds) throws InterruptedException {
        report("fail", json(Map.of("error", error, "retry", retry, "retryAfterSeconds", retryAfterSeconds)));
    }

    /** Says that the work goes on; true when nobody wants it any more. */
    boolean heartbeatSaysStop() throws InterruptedException {
        return switch (say("heartbeat", new byte[] {'{', '}'})) {
            case CallbackAnswer.Heard ignored -> false;
            case CallbackAnswer.Refused refused -> {
                LOG.atInfo().addKeyValue("status", refused.status()).log("heartbeat refused: this attempt is over");
                yield true;
            }
            case CallbackAnswer.Unheard unheard -> {
                LOG.atWarn().addKeyValue("why", unheard.why()).log("heartbeat not heard; the next one may be");
                yield false;
            }
        };
    }

    /** Tells progress; true when nobody wants it any more. */
    boolean progressSaysStop(Map<String, Object> progress) throws InterruptedException {
        return switch (say("progress", json(progress))) {
            case CallbackAnswer.Heard ignored -> false;
            case CallbackAnswer.Refused refused -> {
                LOG.atInfo().addKeyValue("status", refused.status()).log("progress refused");
                yield OVER.contains(refused.status());
            }
            case CallbackAnswer.Unheard unheard -> {
                LOG.atInfo().addKeyValue("why", unheard.why()).log("progress not heard");
                yield false;
            }
        };
    }

    private void report(String outcome, byte[] body) throws InterruptedException {
        Instant end = moment.clock().instant().plus(config.giveUpAfter());
        Duration longest = config.firstPause();
        while (true) {
            switch (say(outcome, body)) {
                case CallbackAnswer.Heard ignored -> {
                    LOG.atInfo().addKeyValue("outcome", outcome).log("outcome reported");
                    return;
                }
                case CallbackAnswer.Refused refused -> {
                    LOG.atWarn()
                            .addKeyValue("outcome", outcome)
                            .addKeyValue("status", refused.status())
                            .log("outcome refused: the attempt is not this one's any more");
                    return;
                }
                case CallbackAnswer.Unheard unheard -> {
                    Duration pause = jittered(longest);
                    Duration retryAfter = unheard.retryAfter();
                    if (retryAfter != null && retryAfter.compareTo(pause) > 0) {
                        pause = retryAfter;
                    }
                    if (moment.clock().instant().plus(pause).isAfter(end)) {
                        LOG.atError()
                                .addKeyValue("outcome", outcome)
                                .addKeyValue("why", unheard.why())
                                .log("outcome given up: the lease will expire and the job will be tried again");
                        return;
                    }
                    LOG.atWarn()
                            .addKeyValue("outcome", outcome)
                            .addKeyValue("why", unheard.why())
                            .log("outcome not heard; saying it again");
                    Thread.sleep(pause);
                    longest = shorter(longest.multipliedBy(2), config.longestPause());
                }
            }
        }
    }

    /** Full jitter: functions that lost the same server do not come back in step. */
    private Duration jittered(Duration longest) {
        return Duration.ofMillis(moment.random().nextLong(longest.toMillis() + 1));
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private CallbackAnswer say(String action, byte[] body) throws InterruptedException {
        CallbackAnswer answer = client.post(below(action), job, body);
        metrics.reported(action, answer);
        return answer;
    }

    /** The action goes into the path, so a token in the query stays where it is. */
    private URI below(String action) {
        String path = url.getRawPath();
        String query = url.getRawQuery();
        String slash = path.endsWith("/") ? "" : "/";
        return URI.create(url.getScheme() + "://" + url.getRawAuthority() + path + slash + action
                + (query == null ? "" : "?" + query));
    }

    private static byte[] json(Map<String, ?> value) {
        try {
            return Payloads.JSON.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write a document of plain values", e);
        }
    }
}
