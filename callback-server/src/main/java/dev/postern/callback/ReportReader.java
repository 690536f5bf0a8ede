package dev.postern.callback;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.sql.FollowUpJobs;
import dev.postern.sql.Outcome;
import dev.postern.sql.Progress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads what a report says out of its body and headers. A report that cannot be read is a {@link ReportException}. */
final class ReportReader {

    /** The message of a failure that brings none; Constructive's word. */
    static final String UNKNOWN_ERROR = "UNKNOWN_ERROR";

    /** Of a result: more belongs into a store of its own, by reference. */
    static final int KEPT_BYTES = 64 * 1024;

    private static final long LONGEST_RETRY_SECONDS = Duration.ofDays(365).toSeconds();

    private final CallbackConfig config;

    ReportReader(CallbackConfig config) {
        this.config = config;
    }

    /** Constructive's callback: success unless the header says otherwise; its {@code {"status": …}} is no result. */
    Outcome callback(boolean jobError, Optional<JsonText> body) {
        if (jobError) {
            return new Outcome.Retry(null, errorMessage(body), Duration.ZERO);
        }
        boolean onlyStatus = body.map(JsonText::node)
                .map(node -> node.isObject() && (node.isEmpty() || (node.size() == 1 && node.has("status"))))
                .orElse(true);
        return onlyStatus ? Outcome.Complete.EMPTY : completed(body.orElseThrow());
    }

    /** The body is the job's result. */
    Outcome complete(boolean jobError, Optional<JsonText> body) {
        if (jobError) {
            throw ReportException.invalid(
                    JobHeaders.JOB_ERROR + ": true contradicts /complete; report a failure to /fail");
        }
        return body.map(ReportReader::completed).orElse(Outcome.Complete.EMPTY);
    }

    /** {@code {"error", "retry", "retryAfterSeconds"}}, each optional. */
    Outcome fail(Optional<JsonText> body) {
        JsonNode report = object(body);
        JsonNode retry = report.path("retry");
        if (present(retry) && !retry.isBoolean()) {
            throw ReportException.invalid("retry must be true or false, is " + FollowUpJobs.kind(retry));
        }
        JsonNode error = report.path("error");
        if (present(error) && !error.isTextual()) {
            throw ReportException.invalid("error must be a string, is " + FollowUpJobs.kind(error));
        }
        Duration notBefore = retryAfter(report.path("retryAfterSeconds"));
        String message = errorMessage(body);
        return retry.asBoolean(true) ? new Outcome.Retry(null, message, notBefore) : new Outcome.Dead(null, message);
    }

    /** How far the work is: percent, step and steps, message; other fields are nobody's. */
    Progress progress(Optional<JsonText> body) {
        JsonNode report = object(body);
        JsonNode percent = report.path("percent");
        if (present(percent)
                && (!percent.isNumber() || !(percent.doubleValue() >= 0 && percent.doubleValue() <= 100))) {
            throw ReportException.invalid("percent must be a number from 0 to 100, is " + FollowUpJobs.kind(percent));
        }
        Integer steps = count(report, "steps", 1, Integer.MAX_VALUE);
        Integer step = count(report, "step", 0, steps == null ? Integer.MAX_VALUE : steps);
        if ((step == null) != (steps == null)) {
            throw ReportException.invalid(
                    (step == null ? "steps needs a step" : "step needs steps, how many there are") + " beside it");
        }
        JsonNode message = report.path("message");
        if (present(message) && !(message.isTextual() && message.textValue().length() <= Progress.MESSAGE_LENGTH)) {
            throw ReportException.invalid("message must be a string of at most " + Progress.MESSAGE_LENGTH
                    + " characters, is " + FollowUpJobs.kind(message));
        }
        if (!present(percent) && step == null && !present(message)) {
            throw ReportException.invalid("progress needs percent, step and steps, or message, such as"
                    + " {\"percent\": 40, \"message\": \"…\"}; a bare sign of life goes to /heartbeat");
        }
        return new Progress(
                present(percent) ? percent.doubleValue() : null,
                step,
                steps,
                present(message) ? message.textValue() : null);
    }

    /**
     * The lease that a sign of life asks for, capped.
     *
     * @param header {@code X-Job-Lease-Seconds}, which goes before the body's {@code leaseSeconds}
     */
    Duration lease(@Nullable String header, Optional<JsonText> body) {
        JsonNode field = object(body).path("leaseSeconds");
        long seconds;
        if (header != null) {
            seconds = wholeSeconds(header);
        } else if (present(field)) {
            seconds = field.isIntegralNumber() && field.canConvertToLong() ? field.longValue() : 0;
        } else {
            return config.heartbeatLease();
        }
        if (seconds < 1) {
            throw ReportException.invalid((header != null ? JobHeaders.LEASE_SECONDS : "leaseSeconds")
                    + " must be a whole number of seconds, at least 1");
        }
        return Duration.ofSeconds(Math.min(seconds, config.maxLease().toSeconds()));
    }

    private static Outcome completed(JsonText body) {
        refuseTooLarge(body.text());
        JsonNode jobs = body.node().path("jobs");
        if (!jobs.isArray() || jobs.isEmpty()) {
            return new Outcome.Complete(body.text(), null);
        }
        try {
            return new Outcome.Complete(body.text(), FollowUpJobs.read(jobs));
        } catch (IllegalArgumentException e) {
            throw ReportException.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static void refuseTooLarge(String text) {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > KEPT_BYTES) {
            throw new ReportException(
                    Problem.BODY_TOO_LARGE,
                    "a result may have " + KEPT_BYTES + " bytes, has " + bytes
                            + "; store it elsewhere and report where it is");
        }
    }

    // Never refused: a failure that is not taken because of its message would be a job that hangs.
    private static String errorMessage(Optional<JsonText> body) {
        return body.map(JsonText::node)
                .flatMap(node -> words(node.path("error")).or(() -> words(node.path("message"))))
                .orElse(UNKNOWN_ERROR);
    }

    private static Optional<String> words(JsonNode value) {
        if (value.isObject() && value.path("message").isTextual()) {
            return words(value.path("message"));
        }
        if (!present(value)) {
            return Optional.empty();
        }
        String text = value.isTextual() ? value.textValue() : value.toString();
        return text.isBlank() ? Optional.empty() : Optional.of(text);
    }

    private static Duration retryAfter(JsonNode seconds) {
        if (!present(seconds)) {
            return Duration.ZERO;
        }
        if (!seconds.isNumber() || !(seconds.doubleValue() >= 0 && seconds.doubleValue() <= LONGEST_RETRY_SECONDS)) {
            throw ReportException.invalid("retryAfterSeconds must be a number from 0 to " + LONGEST_RETRY_SECONDS
                    + ", is " + FollowUpJobs.kind(seconds));
        }
        return Duration.ofMillis(Math.round(seconds.doubleValue() * 1000));
    }

    private static @Nullable Integer count(JsonNode report, String field, int least, int most) {
        JsonNode value = report.path(field);
        if (!present(value)) {
            return null;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw ReportException.invalid(field + " must be an integer from " + least
                    + (most == Integer.MAX_VALUE ? "" : " to " + most) + ", is " + value);
        }
        return value.intValue();
    }

    private static JsonNode object(Optional<JsonText> body) {
        JsonNode node = body.map(JsonText::node).orElse(JsonText.NO_FIELDS);
        if (!node.isObject()) {
            throw ReportException.invalid("the body must be a JSON object, is " + FollowUpJobs.kind(node));
        }
        return node;
    }

    private static boolean present(JsonNode value) {
        return !value.isMissingNode() && !value.isNull();
    }

    private static long wholeSeconds(String header) {
        try {
            return Long.parseLong(header.trim());
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
