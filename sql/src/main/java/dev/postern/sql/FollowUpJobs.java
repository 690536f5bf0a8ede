package dev.postern.sql;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Set;

/** Jobs that a function asks for in its result; added by the transaction that completes it. */
public final class FollowUpJobs {

    private static final Set<String> TEXTS = Set.of("task", "key", "queue", "run_at");
    private static final Set<String> NUMBERS = Set.of("max_attempts", "priority");

    private FollowUpJobs() {}

    /**
     * The array's text, for {@link Outcome.Complete#followUps()}. Checked here, at the border, because a value that the
     * database refuses would cost the whole batch of outcomes a second round trip.
     *
     * @throws IllegalArgumentException naming the element and the field that is wrong
     */
    public static String checked(JsonArray jobs) {
        for (int i = 0; i < jobs.size(); i++) {
            if (!(jobs.getValue(i) instanceof JsonObject job)) {
                throw new IllegalArgumentException("jobs[" + i + "] is not an object");
            }
            check(job, "jobs[" + i + "]");
        }
        return jobs.encode();
    }

    private static void check(JsonObject job, String where) {
        for (String field : job.fieldNames()) {
            Object value = job.getValue(field);
            String at = where + "." + field;
            if (TEXTS.contains(field)) {
                if (value != null && !(value instanceof String)) {
                    throw new IllegalArgumentException(at + " is not a text");
                }
            } else if (NUMBERS.contains(field)) {
                if (value != null && !(value instanceof Integer)) {
                    throw new IllegalArgumentException(at + " is not a whole number");
                }
            } else if (!field.equals("payload")) {
                throw new IllegalArgumentException(
                        at + " is unknown; expected task, payload, key, queue, run_at," + " max_attempts, priority");
            }
        }
        String task = job.getString("task");
        if (task == null || task.isBlank() || task.length() > 126) {
            throw new IllegalArgumentException(where + ".task must name a task in at most 126 characters");
        }
        tooLong(job, where, "key", 512);
        tooLong(job, where, "queue", 126);
        Integer maxAttempts = job.getInteger("max_attempts");
        if (maxAttempts != null && maxAttempts < 1) {
            throw new IllegalArgumentException(where + ".max_attempts must be at least 1");
        }
        String runAt = job.getString("run_at");
        if (runAt != null) {
            try {
                OffsetDateTime.parse(runAt);
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException(where + ".run_at is not an RFC 3339 time", e);
            }
        }
        if (job.encode().contains("\\u0000")) {
            throw new IllegalArgumentException(where + " holds a NUL character, which Postgres cannot store");
        }
    }

    private static void tooLong(JsonObject job, String where, String field, int limit) {
        String value = job.getString(field);
        if (value != null && value.length() > limit) {
            throw new IllegalArgumentException(where + "." + field + " is longer than " + limit + " characters");
        }
    }
}
