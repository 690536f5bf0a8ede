package dev.postern.sql;

import io.vertx.core.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * How far an attempt is. Each value may be null where the function does not say; step and steps come together.
 *
 * @param percent 0 to 100
 * @param step the step that is running, 0 before the first
 * @param steps how many there are, at least 1
 * @param message a line for a person, at most {@link #MESSAGE_LENGTH} characters
 */
public record Progress(
        @Nullable Double percent,
        @Nullable Integer step,
        @Nullable Integer steps,
        @Nullable String message) {

    /** Characters that a message may have. */
    public static final int MESSAGE_LENGTH = 2000;

    /** Refuses what {@code report_progress} refuses. */
    public Progress {
        require(percent == null || (percent >= 0 && percent <= 100), "percent must be from 0 to 100, is " + percent);
        require((step == null) == (steps == null), "step and steps must come together");
        require(steps == null || steps >= 1, "steps must be at least 1, is " + steps);
        require(
                step == null || steps == null || (step >= 0 && step <= steps),
                "step must be from 0 to steps " + steps + ", is " + step);
        require(
                message == null || message.length() <= MESSAGE_LENGTH,
                "message must have at most " + MESSAGE_LENGTH + " characters");
    }

    /** What is known after a later report, by the rule of {@code report_progress}: forwards only, nothing forgotten. */
    public Progress then(Progress later) {
        if (behind(later.percent, percent) || behind(later.step, step)) {
            return this;
        }
        return new Progress(
                later.percent == null ? percent : later.percent,
                later.step == null ? step : later.step,
                later.steps == null ? steps : later.steps,
                later.message == null ? message : later.message);
    }

    JsonObject toJson() {
        JsonObject json = new JsonObject();
        put(json, "percent", percent != null && percent == Math.rint(percent) ? (Number) percent.intValue() : percent);
        put(json, "step", step);
        put(json, "steps", steps);
        put(json, "message", message);
        return json;
    }

    private static void put(JsonObject json, String key, @Nullable Object value) {
        if (value != null) {
            json.put(key, value);
        }
    }

    private static boolean behind(@Nullable Number later, @Nullable Number known) {
        return later != null && known != null && later.doubleValue() < known.doubleValue();
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
