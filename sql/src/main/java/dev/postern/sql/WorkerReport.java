package dev.postern.sql;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a worker says of itself, for people in another process.
 *
 * @param workerId id of this incarnation
 * @param tasks the task identifiers it takes; empty for all
 * @param slots jobs in flight at most
 * @param running jobs that take a slot: their functions are being called
 * @param targets the targets that it knows
 */
public record WorkerReport(
        String workerId, Optional<List<String>> tasks, int slots, int running, List<Target> targets) {

    /** Copies the lists. */
    public WorkerReport {
        tasks = tasks.map(List::copyOf);
        targets = List.copyOf(targets);
    }

    /** Whether calls go out to a target. */
    public enum Breaker {
        /** As many as its limit allows. */
        CLOSED("closed"),
        /** One, which decides. */
        HALF_OPEN("half-open"),
        /** None, until the cool-down is over. */
        OPEN("open");

        private final String word;

        Breaker(String word) {
            this.word = word;
        }

        static Breaker of(String word) {
            for (Breaker breaker : values()) {
                if (breaker.word.equals(word)) {
                    return breaker;
                }
            }
            throw new IllegalArgumentException("no state of a breaker: '" + word + "'");
        }
    }

    /**
     * One target.
     *
     * @param tasks the tasks whose jobs go there, at least one; the first names it
     * @param breaker whether calls go out
     * @param openFor how long the breaker stays open
     * @param pausedFor how long no call begins, because the target asked for it
     * @param limit calls in flight at most
     * @param inFlight calls in flight
     * @param calls how many calls were looked at when the breaker opened; 0 while it is closed
     * @param failures how many of those had failed
     * @param why how the last of them failed; null while the breaker is closed
     */
    public record Target(
            List<String> tasks,
            Breaker breaker,
            Duration openFor,
            Duration pausedFor,
            int limit,
            int inFlight,
            int calls,
            int failures,
            @Nullable String why) {

        /** Copies the list. */
        public Target {
            tasks = List.copyOf(tasks);
        }

        /** Whether it gets fewer calls than a worker with so many slots could send. */
        public boolean restricted(int slots) {
            return breaker != Breaker.CLOSED || !pausedFor.isZero() || limit < slots;
        }

        /** The same, seen so much later. */
        Target after(Duration later) {
            return new Target(
                    tasks,
                    breaker,
                    less(openFor, later),
                    less(pausedFor, later),
                    limit,
                    inFlight,
                    calls,
                    failures,
                    why);
        }

        private static Duration less(Duration time, Duration later) {
            return time.compareTo(later) > 0 ? time.minus(later) : Duration.ZERO;
        }

        private JsonObject toJson() {
            return new JsonObject()
                    .put("tasks", new JsonArray(tasks))
                    .put("breaker", breaker.word)
                    .put("openMs", openFor.toMillis())
                    .put("pausedMs", pausedFor.toMillis())
                    .put("limit", limit)
                    .put("inFlight", inFlight)
                    .put("calls", calls)
                    .put("failures", failures)
                    // Postgres has no NUL in JSON, and what a broken function sends must not hide its worker.
                    .put("why", why == null ? null : why.replace('\0', ' '));
        }

        private static Target of(JsonObject json) {
            return new Target(
                    json.getJsonArray("tasks").stream().map(Object::toString).toList(),
                    Breaker.of(json.getString("breaker")),
                    Duration.ofMillis(json.getLong("openMs")),
                    Duration.ofMillis(json.getLong("pausedMs")),
                    json.getInteger("limit"),
                    json.getInteger("inFlight"),
                    json.getInteger("calls"),
                    json.getInteger("failures"),
                    json.getString("why"));
        }
    }

    JsonArray targetsAsJson() {
        JsonArray array = new JsonArray();
        targets.forEach(target -> array.add(target.toJson()));
        return array;
    }

    static List<Target> targets(JsonArray array) {
        return array.stream().map(target -> Target.of((JsonObject) target)).toList();
    }
}
