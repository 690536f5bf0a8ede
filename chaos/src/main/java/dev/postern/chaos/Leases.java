package dev.postern.chaos;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Reads the leases off a journal, step by step and job by job, and notes what cannot be. */
final class Leases {

    private static final int FIRST = 1;

    private final Map<UUID, Lease> byToken = new LinkedHashMap<>();
    private final Map<Long, Life> lives = new HashMap<>();
    private final List<Violation> violations = new ArrayList<>();

    /** What is known of one job so far. */
    private static final class Life {
        int attempts;

        @Nullable
        Lease held;

        @Nullable
        Step ended;
    }

    Leases(List<Event.Journalled> journal) {
        journal.forEach(this::read);
    }

    List<Violation> violations() {
        return violations;
    }

    Iterable<Lease> all() {
        return byToken.values();
    }

    @Nullable
    Lease of(UUID token) {
        return byToken.get(token);
    }

    private void read(Event.Journalled step) {
        Life life = lives.computeIfAbsent(step.job(), job -> new Life());
        if (life.ended != null) {
            violations.add(new Violation(
                    life.ended == Step.CANCELLED ? Rule.R4 : Rule.R2,
                    step.job(),
                    step.step().word() + " after the job was " + life.ended.word()));
        }
        UUID token = step.token();
        if (step.step() == Step.CLAIMED && token != null) {
            claimed(life, step, token);
        } else if (step.step() == Step.WAITING && token != null) {
            Lease held = ofItsOwn(life, step, token);
            if (held != null) {
                held.waited = true;
            }
        } else if (step.step().endsLease() && token != null) {
            ended(life, step, token);
        }
        if (step.step() == Step.COMPLETE || step.step() == Step.CANCELLED) {
            life.ended = step.step();
        }
        life.attempts = step.attempts();
    }

    private void claimed(Life life, Event.Journalled step, UUID token) {
        if (life.held != null) {
            violations.add(new Violation(
                    Rule.R5, step.job(), "claimed again while " + life.held.name() + " still held its lease"));
        }
        int expected = life.attempts + FIRST;
        if (step.attempts() != expected) {
            violations.add(new Violation(
                    Rule.R5, step.job(), "claimed as attempt " + step.attempts() + " where " + expected + " is next"));
        }
        Lease lease = new Lease(step, token);
        if (byToken.put(token, lease) != null) {
            violations.add(new Violation(Rule.R5, step.job(), "claimed under a token that was there before"));
        }
        life.held = lease;
    }

    private void ended(Life life, Event.Journalled step, UUID token) {
        Lease held = ofItsOwn(life, step, token);
        if (held == null) {
            return;
        }
        held.end = step;
        life.held = null;
        if (step.step().charges() && step.attempts() < held.claim.attempts()) {
            violations.add(new Violation(
                    Rule.R5,
                    step.job(),
                    held.name() + " ended by " + step.step().word() + " and was given back: its number would repeat"));
        }
    }

    // The job's open lease when it is the step's.
    private @Nullable Lease ofItsOwn(Life life, Event.Journalled step, UUID token) {
        Lease held = life.held;
        if (held != null && held.token.equals(token)) {
            return held;
        }
        Lease other = byToken.get(token);
        if (other != null && other.end != null) {
            violations.add(new Violation(
                    Rule.R2,
                    step.job(),
                    step.step().word() + " accepted for " + other.name() + ", which had ended by "
                            + other.end.step().word()));
        } else {
            violations.add(new Violation(
                    Rule.R3,
                    step.job(),
                    step.step().word() + " accepted under " + Event.shortened(token) + " while "
                            + (held == null ? "no lease was held" : held.name() + " held the job")));
        }
        return null;
    }
}
