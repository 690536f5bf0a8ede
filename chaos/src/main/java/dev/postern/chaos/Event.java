package dev.postern.chaos;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Something that somebody saw. All times are of one machine's clock. */
sealed interface Event {

    /** The job; 0 when it is about none. */
    long job();

    Instant at();

    /** For people. */
    String line();

    /**
     * A session got the answer of {@code add_job} and of its commit.
     *
     * @param number the payload's number, which no other call has
     */
    record Added(Instant at, long job, long number) implements Event {
        @Override
        public String line() {
            return "add_job answered, number " + number;
        }
    }

    /** A session was told that the job is cancelled, and that it is committed. */
    record Cancelled(Instant at, long job) implements Event {
        @Override
        public String line() {
            return "cancel_job answered";
        }
    }

    /** The function server got a call. */
    record Dispatched(Instant at, int dispatch, long job, int attempt, UUID token, String worker, Behaviour behaviour)
            implements Event {
        @Override
        public String line() {
            return "dispatch " + dispatch + " arrived: attempt " + attempt + ", " + Event.shortened(token) + ", of "
                    + worker + "; it will " + behaviour.word();
        }
    }

    /**
     * The function server offered an outcome by its answer, or by the lack of one.
     *
     * @param meaning what the contract makes of it; null for nothing
     * @param offer number that is in the answer's body; 0 for none
     * @param followUps how many follow-up jobs the body asks for
     */
    record Answered(
            Instant at,
            int dispatch,
            long job,
            UUID token,
            @Nullable Step meaning,
            long offer,
            int followUps,
            String how)
            implements Event {
        @Override
        public String line() {
            return "dispatch " + dispatch + " answered " + how + (meaning == null ? "" : " (" + meaning.word() + ")")
                    + (offer == 0 ? "" : ", offer " + offer);
        }
    }

    /** The function server heard that the connection of a call was closed before its answer. */
    record HungUp(Instant at, int dispatch, long job) implements Event {
        @Override
        public String line() {
            return "dispatch " + dispatch + " heard its connection close";
        }
    }

    /**
     * The function reported an outcome to the callback server, or tried to.
     *
     * @param at when the answer was there, or it was clear that none would come
     * @param sentAt when it was sent
     * @param meaning what it says; null for a sign of life
     * @param status of the answer; 0 for none
     * @param replay whether the answer says that this had been accepted before
     */
    record Reported(
            Instant at,
            Instant sentAt,
            int dispatch,
            long job,
            UUID token,
            @Nullable Step meaning,
            long offer,
            int followUps,
            int status,
            boolean replay)
            implements Event {
        @Override
        public String line() {
            return "dispatch " + dispatch + " reported " + (meaning == null ? "a sign of life" : meaning.word())
                    + " at " + sentAt + ": " + (status == 0 ? "no answer" : status + (replay ? " (replay)" : ""))
                    + (offer == 0 ? "" : ", offer " + offer);
        }
    }

    /**
     * A committed step of the job's row, from the journal in the database.
     *
     * @param began when its transaction began
     * @param attempts of the row after the step
     * @param token the lease that the step made, belonged to, or ended
     * @param number of the payload, 0 for none
     * @param parentOffer the offer whose follow-up it is, 0 for none
     */
    record Journalled(
            long seq,
            Instant at,
            Instant began,
            long job,
            Step step,
            int attempts,
            @Nullable UUID token,
            @Nullable String worker,
            long number,
            long parentOffer,
            @Nullable String queue,
            int priority,
            Instant runAt)
            implements Event {
        @Override
        public String line() {
            return "row " + step.word() + ", attempts " + attempts
                    + (token == null ? "" : ", " + Event.shortened(token))
                    + (worker == null ? "" : ", " + worker)
                    + (queue == null ? "" : ", queue " + queue) + ", priority " + priority + ", run at " + runAt;
        }
    }

    /**
     * Something was broken, from then until then.
     *
     * @param target the process that it is about; empty for all
     */
    record Fault(Instant at, Instant until, FaultKind kind, String target) implements Event {
        @Override
        public long job() {
            return 0;
        }

        @Override
        public String line() {
            return kind.word() + (target.isEmpty() ? "" : " of " + target) + ", until " + until;
        }

        /** Whether it can be why something failed for that worker in that time. */
        boolean explains(@Nullable String worker, Instant from, Instant to) {
            return concerns(worker)
                    && !at.isAfter(to)
                    && !until.plus(kind.linger).isBefore(from);
        }

        boolean concerns(@Nullable String worker) {
            return target.isEmpty() || (worker != null && worker.startsWith(target + "."));
        }
    }

    /** The end of a token, enough to tell it from others. */
    static String shortened(UUID token) {
        String text = token.toString();
        return "lease " + text.substring(text.length() - 6);
    }
}
