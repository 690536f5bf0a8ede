package dev.postern.chaos;

import dev.postern.chaos.Event.Added;
import dev.postern.chaos.Event.Journalled;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * R7: of a queue one job holds a lease at a time, and first starts come in the order of priority, run_at and id. A job
 * counts as standing in line before another one only when its session had the answer before the other one's claim
 * began; a commit that was under way meanwhile may be seen or not.
 *
 * <p>Executions may still overlap, when a function goes on after its lease was lost or after its outcome was accepted
 * by callback. That is not what a queue promises, and no rule here.
 */
final class QueueOrder {

    /** Sessions and database read one clock, but not in one instant. */
    private static final Duration MARGIN = Duration.ofMillis(50);

    private final List<Violation> violations = new ArrayList<>();
    private final Map<Long, Instant> answered = new HashMap<>();

    private static final class Line {
        @Nullable
        Journalled holder;

        final Map<Long, Journalled> waiting = new LinkedHashMap<>();
    }

    private QueueOrder() {}

    static List<Violation> check(History history) {
        QueueOrder order = new QueueOrder();
        for (Added added : history.added()) {
            order.answered.merge(added.job(), added.at(), (a, b) -> a.isAfter(b) ? a : b);
        }
        Map<String, Line> lines = new HashMap<>();
        for (Journalled step : history.journal()) {
            String queue = step.queue();
            if (queue != null) {
                order.read(lines.computeIfAbsent(queue, name -> new Line()), step);
            }
        }
        return order.violations;
    }

    private void read(Line line, Journalled step) {
        if (step.step() == Step.ADDED) {
            line.waiting.put(step.job(), step);
            return;
        }
        if (step.step() == Step.CLAIMED) {
            Journalled holder = line.holder;
            if (holder != null && holder.job() != step.job()) {
                violations.add(new Violation(
                        Rule.R7,
                        step.job(),
                        "claimed while job " + holder.job() + " of its queue " + step.queue() + " held a lease"));
            }
            if (line.waiting.containsKey(step.job())) {
                firstStart(line, step);
            }
            line.holder = step;
        }
        if (step.step().endsLease() && line.holder != null && line.holder.job() == step.job()) {
            line.holder = null;
        }
        // Whatever else happened to it, it is no longer one that simply waits for its first start.
        line.waiting.remove(step.job());
    }

    private void firstStart(Line line, Journalled claim) {
        for (Journalled earlier : line.waiting.values()) {
            Instant known = answered.get(earlier.job());
            boolean stood = known != null
                    && known.plus(MARGIN).isBefore(claim.began())
                    && !earlier.runAt().isAfter(claim.began());
            if (stood && before(earlier, claim)) {
                violations.add(new Violation(
                        Rule.R7,
                        claim.job(),
                        "claimed before job " + earlier.job() + ", which stood in front of it in queue "
                                + claim.queue()));
            }
        }
    }

    private static boolean before(Journalled a, Journalled b) {
        if (a.priority() != b.priority()) {
            return a.priority() < b.priority();
        }
        int byTime = a.runAt().compareTo(b.runAt());
        return byTime != 0 ? byTime < 0 : a.job() < b.job();
    }
}
