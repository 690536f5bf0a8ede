package dev.postern.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The {@code jobs} array of a completed job's result: jobs to add in the transaction that accepts the outcome. It is
 * checked here, element by element, because the database could only refuse the outcome as a whole, and with it the batch
 * that it travels in. Whoever takes a function's answer or callback calls this first.
 */
public final class FollowUpJobs {

    private static final Set<String> KEYS =
            Set.of("task", "payload", "key", "key_mode", "queue", "run_at", "max_attempts", "priority");

    private static final Set<String> KEY_MODES = Set.of("replace", "preserve_run_at", "unsafe_dedupe");

    // The check constraints of app_jobs.jobs.
    private static final int TASK_LENGTH = 126;
    private static final int QUEUE_LENGTH = 126;
    private static final int KEY_LENGTH = 512;

    // No more than add_jobs takes: OffsetDateTime alone reads an hour 24 and offsets that Postgres does not.
    private static final Pattern RFC_3339 = Pattern.compile("(?!0000)\\d{4}-\\d\\d-\\d\\d[Tt]([01]\\d|2[0-3]):[0-5]\\d"
            + "(:[0-5]\\d(\\.\\d{1,9})?)?([Zz]|[+-](0\\d|1[0-5]):[0-5]\\d)");

    private FollowUpJobs() {}

    /**
     * The array as JSON text, for {@link Outcome.Complete#followUps()}.
     *
     * @throws IllegalArgumentException naming the first element and field that {@code add_job} would refuse
     */
    public static String read(JsonNode jobs) {
        for (int i = 0; i < jobs.size(); i++) {
            check("jobs[" + i + "]", jobs.get(i));
        }
        return jobs.toString();
    }

    private static void check(String where, JsonNode job) {
        if (!job.isObject()) {
            throw new IllegalArgumentException(where + " must be an object with a task, is " + kind(job));
        }
        if (!job.path("task").isTextual() || job.path("task").textValue().isEmpty()) {
            throw new IllegalArgumentException(
                    where + ".task must be a non-empty string, is " + kind(job.path("task")));
        }
        for (Map.Entry<String, JsonNode> field : job.properties()) {
            String name = where + "." + field.getKey();
            if (!KEYS.contains(field.getKey())) {
                throw new IllegalArgumentException(name + " is not known; a job has "
                        + String.join(", ", KEYS.stream().sorted().toList()));
            }
            if (!field.getValue().isNull()) {
                checkField(name, field.getKey(), field.getValue());
            }
        }
    }

    private static void checkField(String where, String key, JsonNode value) {
        switch (key) {
            case "task" -> text(where, value, TASK_LENGTH);
            case "queue" -> text(where, value, QUEUE_LENGTH);
            case "key" -> text(where, value, KEY_LENGTH);
            case "key_mode" -> keyMode(where, value);
            case "run_at" -> instant(where, value);
            case "max_attempts" -> integer(where, value, 1);
            case "priority" -> integer(where, value, Integer.MIN_VALUE);
            default -> {
                // A payload may be anything.
            }
        }
    }

    private static void text(String where, JsonNode value, int length) {
        if (!value.isTextual()) {
            throw new IllegalArgumentException(where + " must be a string, is " + kind(value));
        }
        String text = value.textValue();
        if (text.codePointCount(0, text.length()) > length) {
            throw new IllegalArgumentException(where + " must have at most " + length + " characters");
        }
    }

    private static void keyMode(String where, JsonNode value) {
        if (!value.isTextual() || !KEY_MODES.contains(value.textValue())) {
            throw new IllegalArgumentException(where + " must be one of "
                    + String.join(", ", KEY_MODES.stream().sorted().toList()) + ", is " + kind(value));
        }
    }

    private static void integer(String where, JsonNode value, int least) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < least) {
            throw new IllegalArgumentException(where + " must be an integer of 32 bits"
                    + (least == Integer.MIN_VALUE ? "" : ", at least " + least) + ", is " + kind(value));
        }
    }

    private static void instant(String where, JsonNode value) {
        try {
            if (value.isTextual() && RFC_3339.matcher(value.textValue()).matches()) {
                OffsetDateTime.parse(value.textValue());
                return;
            }
        } catch (DateTimeException e) {
            // Said below, in the caller's words.
        }
        throw new IllegalArgumentException(
                where + " must be an RFC 3339 time with an offset such as 2027-01-31T08:00:00Z, is " + kind(value));
    }

    /** What a value is, for a message: numbers as they are, anything longer by its type. */
    public static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case MISSING -> "missing";
            case STRING -> value.textValue().isEmpty() ? "empty" : "another string";
            case NUMBER -> value.toString().length() <= 20 ? value.toString() : "another number";
            case BOOLEAN, NULL -> value.toString();
            case ARRAY -> "an array";
            case OBJECT -> "an object";
            case BINARY, POJO -> "something else";
        };
    }
}
