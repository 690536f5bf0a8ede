package dev.postern.worker;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.FollowUpJobs;
import dev.postern.sql.Outcome;
import dev.postern.worker.DispatchResult.Answer;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Turns what a function answered into an outcome: the table of docs/protocol.md, row by row. Holds no state. */
final class AnswerTable {

    /** Bytes of a JSON answer that are kept as the job's result. */
    static final int RESULT_LIMIT = 64 << 10;

    /** The longest Retry-After that is believed; a function that means longer can say so again. */
    private static final Duration RETRY_AFTER_MAX = Duration.ofDays(1);

    private static final Duration BACKPRESSURE_DEFAULT = Duration.ofSeconds(5);
    private static final int ERROR_LENGTH = 2000;

    private static final String NUL = "\\u0000";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final InstantSource clock;
    private final RandomGenerator random;
    private final Duration callbackLease;
    private final Duration callbackLeaseMax;

    AnswerTable(InstantSource clock, RandomGenerator random, Duration callbackLease, Duration callbackLeaseMax) {
        this.clock = clock;
        this.random = random;
        this.callbackLease = callbackLease;
        this.callbackLeaseMax = callbackLeaseMax;
    }

    /** The outcome, or empty when the worker broke the exchange off itself and has nothing to say. */
    Optional<Outcome> outcome(DispatchResult result, long jobId) {
        return switch (result) {
            case Answer answer -> Optional.of(answered(answer, jobId));
            case DispatchResult.Unreachable r ->
                Optional.of(new Outcome.Infrastructure(null, "function not reached: " + r.reason(), Duration.ZERO));
            case DispatchResult.TimedOut r -> Optional.of(new Outcome.Retry(null, r.reason(), Duration.ZERO));
            case DispatchResult.Garbled r -> Optional.of(new Outcome.Retry(null, r.reason(), Duration.ZERO));
            case DispatchResult.NoRoute r ->
                Optional.of(new Outcome.Infrastructure(null, r.reason(), Duration.ofMinutes(1)));
            case DispatchResult.Aborted r -> Optional.empty();
        };
    }

    private Outcome answered(Answer answer, long jobId) {
        int status = answer.status();
        boolean success = status >= 200 && status < 300;
        String wish = answer.headers().get(JobHeaders.JOB_RETRY);
        if (wish != null && wish.strip().equalsIgnoreCase("never")) {
            return new Outcome.Dead(status, error(answer));
        }
        Optional<Duration> wished = wishedDelay(wish);
        if (wished.isPresent() && (success || status == 429 || status == 503)) {
            return new Outcome.Snooze(wished.get());
        }
        if (success) {
            return succeeded(answer);
        }
        Optional<Duration> retryAfter = retryAfter(answer);
        Duration notBefore = wished.or(() -> retryAfter).orElse(Duration.ZERO);
        boolean own = Long.toString(jobId).equals(answer.headers().get(JobHeaders.JOB_ID));
        return switch (status) {
            case 404 -> new Outcome.Missing(status, error(answer), notBefore);
            case 408, 409, 425 -> new Outcome.Retry(status, error(answer), notBefore);
            case 429 -> backpressure(answer, retryAfter.orElse(BACKPRESSURE_DEFAULT));
            case 502, 504 ->
                own
                        ? new Outcome.Retry(status, error(answer), notBefore)
                        : new Outcome.Infrastructure(status, error(answer), notBefore);
            case 503 -> {
                if (retryAfter.isPresent()) {
                    yield backpressure(answer, retryAfter.get());
                }
                yield own
                        ? new Outcome.Retry(status, error(answer), notBefore)
                        : new Outcome.Infrastructure(status, error(answer), notBefore);
            }
            default -> {
                if (status >= 300 && status < 400) {
                    yield new Outcome.Dead(
                            status,
                            "HTTP " + status + ": redirects are not followed; give the function's own URL"
                                    + location(answer));
                }
                yield status >= 400 && status < 500
                        ? new Outcome.Dead(status, error(answer))
                        : new Outcome.Retry(status, error(answer), notBefore);
            }
        };
    }

    private Outcome succeeded(Answer answer) {
        if ("true".equalsIgnoreCase(answer.headers().get(JobHeaders.JOB_ERROR))) {
            return new Outcome.Retry(answer.status(), error(answer), Duration.ZERO);
        }
        if (answer.status() == 202) {
            return new Outcome.Wait(wishedLease(answer));
        }
        Buffer body = answer.body();
        if (body == null || body.length() == 0 || body.length() > RESULT_LIMIT || !isJson(answer)) {
            return Outcome.Complete.EMPTY;
        }
        String text = body.toString(StandardCharsets.UTF_8);
        if (!isValid(text)) {
            return Outcome.Complete.EMPTY;
        }
        // Valid JSON may hold a NUL, but Postgres cannot hold one in any text that is made of it.
        String result = text.contains(NUL) ? null : text;
        // Few answers have follow-up jobs; only those are read into a tree. A key may be written with escapes.
        JsonNode jobs = text.contains("jobs") || text.indexOf('\\') >= 0
                ? parse(text).orElse(MissingNode.getInstance()).path("jobs")
                : MissingNode.getInstance();
        if (!jobs.isArray() || jobs.isEmpty()) {
            return new Outcome.Complete(result, null);
        }
        try {
            String followUps = FollowUpJobs.read(jobs);
            if (followUps.contains(NUL)) {
                throw new IllegalArgumentException("they have \\u0000 in them, which the database cannot read");
            }
            return new Outcome.Complete(result, followUps);
        } catch (IllegalArgumentException e) {
            // Completing would lose the follow-up jobs; trying again would repeat the work and fail the same way.
            return new Outcome.Dead(answer.status(), "the answer's follow-up jobs are malformed: " + e.getMessage());
        }
    }

    private static boolean isValid(String text) {
        try (JsonParser parser = MAPPER.createParser(text)) {
            if (parser.nextToken() == null) {
                return false;
            }
            parser.skipChildren();
            return parser.nextToken() == null;
        } catch (IOException e) {
            return false;
        }
    }

    private static Optional<JsonNode> parse(String text) {
        try {
            return Optional.of(MAPPER.readTree(text)).filter(node -> !node.isMissingNode());
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    private Outcome backpressure(Answer answer, Duration delay) {
        // A tenth more at random, so that those who were sent away together do not return together.
        long jittered = delay.toMillis() + (long) (delay.toMillis() * 0.1 * random.nextDouble());
        return new Outcome.Backpressure(answer.status(), error(answer), Duration.ofMillis(jittered));
    }

    private Duration wishedLease(Answer answer) {
        String wish = answer.headers().get(JobHeaders.LEASE_SECONDS);
        Optional<Duration> seconds = wish == null ? Optional.empty() : seconds(wish, callbackLeaseMax);
        return seconds.filter(d -> !d.isZero()).orElse(callbackLease);
    }

    private static Optional<Duration> wishedDelay(@Nullable String wish) {
        if (wish == null || !wish.strip().startsWith("after=")) {
            return Optional.empty();
        }
        return seconds(wish.strip().substring("after=".length()), RETRY_AFTER_MAX);
    }

    private Optional<Duration> retryAfter(Answer answer) {
        String value = answer.headers().get(HttpHeaders.RETRY_AFTER);
        if (value == null) {
            return Optional.empty();
        }
        Optional<Duration> seconds = seconds(value, RETRY_AFTER_MAX);
        if (seconds.isPresent()) {
            return seconds;
        }
        try {
            Instant at = ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration until = Duration.between(clock.instant(), at);
            return Optional.of(until.isNegative() ? Duration.ZERO : min(until, RETRY_AFTER_MAX));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static Optional<Duration> seconds(String text, Duration max) {
        String digits = text.strip();
        if (!digits.matches("[0-9]{1,9}")) {
            return Optional.empty();
        }
        return Optional.of(min(Duration.ofSeconds(Long.parseLong(digits)), max));
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private static boolean isJson(Answer answer) {
        String type = answer.headers().get(HttpHeaders.CONTENT_TYPE);
        return type != null
                && (type.equals("application/json")
                        || type.toLowerCase(Locale.ROOT).matches("application/([a-z0-9.+-]+\\+)?json.*"));
    }

    private static String location(Answer answer) {
        String to = answer.headers().get(HttpHeaders.LOCATION);
        return to == null ? "" : " (it points to " + to + ")";
    }

    /** What a person reads in last_error: the status, and the words of a JSON error or the first of the text. */
    private static String error(Answer answer) {
        String prefix = "HTTP " + answer.status();
        Buffer body = answer.body();
        if (body == null || body.length() == 0) {
            return prefix;
        }
        String text = body.getString(0, Math.min(body.length(), 4 * ERROR_LENGTH), "UTF-8");
        if (isJson(answer)) {
            JsonNode json = parse(body.toString(StandardCharsets.UTF_8)).orElse(MissingNode.getInstance());
            for (String key : List.of("detail", "error", "message", "title")) {
                if (!json.path(key).asText("").isBlank()) {
                    text = json.path(key).asText();
                    break;
                }
            }
        }
        return cut(prefix + ": " + text.strip());
    }

    private static String cut(String message) {
        return message.length() <= ERROR_LENGTH ? message : message.substring(0, ERROR_LENGTH);
    }
}
