package dev.postern.worker;

import dev.postern.sql.Outcome;
import io.vertx.core.http.HttpHeaders;
import java.time.Duration;
import java.util.Optional;

/**
 * What one call said about its target, which is not what it means for its job: a 400 ends a job and shows a healthy
 * target. How long an answer took says nothing, because a cold start looks the same as an overload; only a time-out does.
 */
sealed interface TargetSign {

    /** It answered as it meant to, whatever that was. */
    record Healthy() implements TargetSign {}

    /** It answered, with an error of its own: a 5xx that is no wish. */
    record Failing(String why) implements TargetSign {}

    /** It was not reached, or did not answer in time, or something before it had to answer in its place. */
    record Strained(String why) implements TargetSign {}

    /** It asked for less; the pause is how long it named, zero when it named no time. */
    record Busy(Duration pause) implements TargetSign {}

    /** Reads a call. Empty when it says nothing about its target, as when the worker broke it off. */
    static Optional<TargetSign> of(DispatchResult result, Optional<Outcome> outcome) {
        return switch (result) {
            case DispatchResult.Aborted r -> Optional.empty();
            case DispatchResult.NoRoute r -> Optional.empty();
            case DispatchResult.Unreachable r -> Optional.of(new Strained(r.reason()));
            case DispatchResult.TimedOut r -> Optional.of(new Strained(r.reason()));
            case DispatchResult.Garbled r -> Optional.of(new Strained(r.reason()));
            case DispatchResult.Answer answer -> outcome.map(read -> of(answer, read));
        };
    }

    private static TargetSign of(DispatchResult.Answer answer, Outcome outcome) {
        String status = "HTTP " + answer.status();
        return switch (outcome) {
            case Outcome.Infrastructure o -> new Strained(status);
            case Outcome.Backpressure o ->
                new Busy(answer.headers().contains(HttpHeaders.RETRY_AFTER) ? o.delay() : Duration.ZERO);
            case Outcome.Retry o -> answer.status() >= 500 ? new Failing(status) : new Healthy();
            case Outcome.Complete o -> new Healthy();
            case Outcome.Missing o -> new Healthy();
            case Outcome.Dead o -> new Healthy();
            case Outcome.Snooze o -> new Healthy();
            case Outcome.Wait o -> new Healthy();
        };
    }
}
