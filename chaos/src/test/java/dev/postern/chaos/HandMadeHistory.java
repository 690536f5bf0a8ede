package dev.postern.chaos;

import dev.postern.chaos.Event.Added;
import dev.postern.chaos.Event.Answered;
import dev.postern.chaos.Event.Cancelled;
import dev.postern.chaos.Event.Dispatched;
import dev.postern.chaos.Event.Fault;
import dev.postern.chaos.Event.Journalled;
import dev.postern.chaos.Event.Reported;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A history written down step by step; each step is a second after the one before. */
final class HandMadeHistory {

    static final String WORKER = "w1.abc";

    private final List<Added> added = new ArrayList<>();
    private final List<Cancelled> cancelled = new ArrayList<>();
    private final List<Dispatched> dispatched = new ArrayList<>();
    private final List<Answered> answered = new ArrayList<>();
    private final List<Reported> reported = new ArrayList<>();
    private final List<Fault> faults = new ArrayList<>();
    private final List<Journalled> journal = new ArrayList<>();
    private final List<Left> left = new ArrayList<>();
    private final Map<Long, Instant> runAt = new HashMap<>();
    private Instant now = Instant.parse("2030-01-01T00:00:00Z");
    private @Nullable String queue;
    private int dispatches;

    static UUID token(int number) {
        return new UUID(0, number);
    }

    private Instant tick() {
        now = now.plusSeconds(1);
        return now;
    }

    HandMadeHistory passes(Duration time) {
        now = now.plus(time);
        return this;
    }

    /** The steps that follow are of jobs of that queue. */
    HandMadeHistory inQueue(String name) {
        queue = name;
        return this;
    }

    HandMadeHistory row(long job, Step step, int attempts, int token) {
        return row(job, step, attempts, token, 0, 0);
    }

    private HandMadeHistory row(long job, Step step, int attempts, int token, long number, long parentOffer) {
        Instant at = tick();
        // A job that is added or comes back is due at once.
        if (step != Step.CLAIMED) {
            runAt.put(job, at);
        }
        journal.add(new Journalled(
                journal.size() + 1,
                at,
                at,
                job,
                step,
                attempts,
                token == 0 ? null : token(token),
                token == 0 ? null : WORKER,
                number,
                parentOffer,
                queue,
                0,
                runAt.getOrDefault(job, at)));
        return this;
    }

    /** A session adds it, and is told so. Its number is its id. */
    HandMadeHistory add(long job) {
        row(job, Step.ADDED, 0, 0, job, 0);
        return addAnswered(job, job);
    }

    HandMadeHistory addAnswered(long job, long number) {
        added.add(new Added(tick(), job, number));
        return this;
    }

    HandMadeHistory addFollowUp(long job, long parentOffer) {
        return row(job, Step.ADDED, 0, 0, 0, parentOffer);
    }

    HandMadeHistory claim(long job, int attempt, int token) {
        return row(job, Step.CLAIMED, attempt, token);
    }

    HandMadeHistory dispatch(long job, int attempt, int token) {
        return dispatch(job, attempt, token, Behaviour.ANSWER_200);
    }

    HandMadeHistory dispatch(long job, int attempt, int token, Behaviour behaviour) {
        dispatched.add(new Dispatched(tick(), ++dispatches, job, attempt, token(token), WORKER, behaviour));
        return this;
    }

    HandMadeHistory answer(long job, int token, Step meaning) {
        return answer(job, token, meaning, 0, 0);
    }

    HandMadeHistory answer(long job, int token, Step meaning, long offer, int followUps) {
        answered.add(new Answered(tick(), dispatches, job, token(token), meaning, offer, followUps, "somehow"));
        return this;
    }

    HandMadeHistory report(long job, int token, Step meaning, int status, boolean replay) {
        Instant sent = tick();
        reported.add(new Reported(tick(), sent, dispatches, job, token(token), meaning, 0, 0, status, replay));
        return this;
    }

    HandMadeHistory heartbeat(long job, int token, int status) {
        Instant sent = tick();
        reported.add(new Reported(tick(), sent, dispatches, job, token(token), null, 0, 0, status, false));
        return this;
    }

    /** A whole attempt that goes well: claimed, dispatched, answered 200, stored. */
    HandMadeHistory completes(long job, int attempt, int token) {
        return claim(job, attempt, token)
                .dispatch(job, attempt, token)
                .answer(job, token, Step.COMPLETE)
                .row(job, Step.COMPLETE, attempt, token);
    }

    HandMadeHistory cancelAnswered(long job) {
        cancelled.add(new Cancelled(tick(), job));
        return this;
    }

    HandMadeHistory fault(FaultKind kind, String target) {
        faults.add(new Fault(tick(), tick(), kind, target));
        return this;
    }

    HandMadeHistory left(long job, String state) {
        return left(job, state, false, 0);
    }

    HandMadeHistory left(long job, String state, boolean leased, long offer) {
        left.add(new Left(job, state, leased, offer));
        return this;
    }

    HistoryCheck.Findings check() {
        return HistoryCheck.of(
                new History(added, cancelled, dispatched, answered, List.of(), reported, faults, journal, left));
    }
}
