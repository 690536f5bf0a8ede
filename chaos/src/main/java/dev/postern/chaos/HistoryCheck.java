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
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Judges a history by the rules. Pure: the same history, the same verdict. What the database's journal says is held
 * against what sessions and functions saw from outside, so that neither is believed alone.
 */
final class HistoryCheck {

    /** Three times the delay of the WAL writer, as shipped, and a slow machine. */
    private static final Duration UNWRITTEN_MOST = Duration.ofSeconds(2);

    private final History history;
    private final Leases leases;
    private final List<Violation> violations = new ArrayList<>();
    private final Map<String, Integer> again = new TreeMap<>();
    private final Map<UUID, Dispatched> dispatchOf = new HashMap<>();
    private final Map<UUID, List<Answered>> answersTo = new HashMap<>();
    private final Map<UUID, List<Reported>> reportsOn = new HashMap<>();

    private HistoryCheck(History history) {
        this.history = history;
        this.leases = new Leases(history.journal());
        history.answered()
                .forEach(a -> answersTo
                        .computeIfAbsent(a.token(), t -> new ArrayList<>())
                        .add(a));
        history.reported()
                .forEach(r -> reportsOn
                        .computeIfAbsent(r.token(), t -> new ArrayList<>())
                        .add(r));
    }

    /**
     * What was found.
     *
     * @param again dispatches beyond a job's first, by why the one before did not end the job
     */
    record Findings(List<Violation> violations, Map<String, Integer> again) {}

    static Findings of(History history) {
        HistoryCheck check = new HistoryCheck(history);
        check.all();
        return new Findings(List.copyOf(check.violations), Map.copyOf(check.again));
    }

    private void all() {
        violations.addAll(leases.violations());
        nothingIsLost();
        followUpsAreThereOnce();
        dispatchesAreClaims();
        for (Lease lease : leases.all()) {
            outcomeWasOffered(lease);
            lossIsExplained(lease);
        }
        reportsAgreeWithTheDatabase();
        cancelIsFinal();
        allHasEnded();
        violations.addAll(QueueOrder.check(history));
    }

    private void found(Rule rule, long job, String what) {
        violations.add(new Violation(rule, job, what));
    }

    // R1

    private void nothingIsLost() {
        Map<Long, Left> left = new HashMap<>();
        for (Left row : history.left()) {
            if (left.put(row.job(), row) != null) {
                found(Rule.R1, row.job(), "is there more than once at the end");
            }
        }
        Map<Long, Set<Long>> numbers = new HashMap<>();
        Map<Long, Step> ends = new HashMap<>();
        for (Journalled step : history.journal()) {
            if (step.step().startsOver() && step.number() != 0) {
                numbers.computeIfAbsent(step.job(), job -> new HashSet<>()).add(step.number());
            }
            if (step.step() == Step.COMPLETE || step.step() == Step.CANCELLED) {
                ends.put(step.job(), step.step());
            }
            if (step.step() == Step.ADDED && !left.containsKey(step.job())) {
                found(Rule.R1, step.job(), "was added and is nowhere at the end");
            }
        }
        for (Added added : history.added()) {
            if (!numbers.getOrDefault(added.job(), Set.of()).contains(added.number())) {
                found(
                        Rule.R1,
                        added.job(),
                        "add_job answered for number " + added.number() + ", and the database has not stored it");
            } else if (!left.containsKey(added.job())) {
                found(Rule.R1, added.job(), "add_job answered, and the job is nowhere at the end");
            }
        }
        for (Left row : left.values()) {
            Step end = ends.get(row.job());
            boolean agrees = switch (row.state()) {
                case "succeeded" -> end == Step.COMPLETE;
                case "cancelled" -> end == Step.CANCELLED;
                default -> end == null;
            };
            if (!agrees) {
                found(
                        Rule.R1,
                        row.job(),
                        "is " + row.state() + " at the end, its journal says "
                                + (end == null ? "that it has not ended" : end.word()));
            }
        }
    }

    // R1 and R2: what an accepted outcome adds is there, and nothing that no accepted outcome adds.
    private void followUpsAreThereOnce() {
        Map<Long, Integer> promised = new HashMap<>();
        history.answered().forEach(answer -> promised.put(answer.offer(), answer.followUps()));
        history.reported().forEach(report -> promised.put(report.offer(), report.followUps()));
        Map<Long, Integer> there = new HashMap<>();
        history.journal().stream()
                .filter(step -> step.step() == Step.ADDED && step.parentOffer() != 0)
                .forEach(step -> there.merge(step.parentOffer(), 1, Integer::sum));
        for (Left row : history.left()) {
            if (row.offer() != 0 && row.state().equals("succeeded")) {
                int expected = promised.getOrDefault(row.offer(), 0);
                int found = Optional.ofNullable(there.remove(row.offer())).orElse(0);
                if (found != expected) {
                    found(
                            found < expected ? Rule.R1 : Rule.R2,
                            row.job(),
                            "its accepted outcome adds " + expected + " follow-up jobs, and there are " + found);
                }
            }
        }
        there.forEach((offer, count) -> found(
                Rule.R2, 0, count + " follow-up jobs of offer " + offer + ", which is not the one that was accepted"));
    }

    // R5, as the function sees it

    private void dispatchesAreClaims() {
        Map<Long, List<Dispatched>> byJob = new HashMap<>();
        for (Dispatched dispatch : history.dispatched()) {
            Dispatched before = dispatchOf.put(dispatch.token(), dispatch);
            if (before != null) {
                found(
                        Rule.R5,
                        dispatch.job(),
                        "dispatches " + before.dispatch() + " and " + dispatch.dispatch() + " are of one claim");
            }
            Lease lease = leases.of(dispatch.token());
            if (lease == null) {
                if (!takenBack(dispatch)) {
                    found(Rule.R5, dispatch.job(), "dispatch " + dispatch.dispatch() + " is of no claim");
                }
            } else if (lease.job() != dispatch.job()
                    || lease.claim.attempts() != dispatch.attempt()
                    || !dispatch.worker().equals(lease.claim.worker())) {
                found(
                        Rule.R5,
                        dispatch.job(),
                        "dispatch " + dispatch.dispatch() + " came as attempt "
                                + dispatch.attempt() + " of " + dispatch.worker() + ", claimed was " + lease.name()
                                + " by "
                                + lease.claim.worker());
            } else {
                byJob.computeIfAbsent(dispatch.job(), job -> new ArrayList<>()).add(dispatch);
            }
        }
        byJob.values().forEach(this::countAgain);
    }

    // A claim is answered before it is on disk, and what Postgres had not written when it crashed was never there.
    private boolean takenBack(Dispatched dispatch) {
        return history.faults().stream()
                .filter(fault -> fault.kind() == FaultKind.POSTGRES_IMMEDIATE_RESTART)
                .anyMatch(fault -> fault.explains(
                        dispatch.worker(), dispatch.at(), dispatch.at().plus(UNWRITTEN_MOST)));
    }

    private void countAgain(List<Dispatched> ofOneJob) {
        List<Lease> claims = new ArrayList<>();
        for (Dispatched dispatch : ofOneJob) {
            Lease lease = leases.of(dispatch.token());
            if (lease != null) {
                claims.add(lease);
            }
        }
        claims.sort((a, b) -> Long.compare(a.claim.seq(), b.claim.seq()));
        for (Lease before : claims.subList(0, claims.size() - 1)) {
            again.merge(cause(before), 1, Integer::sum);
        }
    }

    private String cause(Lease before) {
        Journalled end = before.end;
        if (end == null) {
            return "unexplained";
        }
        Step ending = end.step();
        if (ending == Step.RETRY && timedOut(before, end)) {
            return "no answer in time";
        }
        return switch (ending) {
            case EXPIRED -> "lease expired: " + whyLost(before).orElse("unexplained");
            case RELEASED ->
                whyReleased(before).isPresent()
                        ? "given back by a worker that drained"
                        : "given back unsent, its target was spared";
            case RETRY, MISSING, BACKPRESSURE, SNOOZE, INFRASTRUCTURE ->
                asked(before).contains(ending)
                        ? "as the function asked, or made it look: " + ending.word()
                        : "the exchange failed: "
                                + brokenExchange(before)
                                        .map(f -> f.kind().word())
                                        .orElse("unexplained");
            case DEAD -> "a dead letter was tried again";
            case COMPLETE, CANCELLED, ADDED, REPLACED, RESCHEDULED, REPLAYED, SUPERSEDED, CLAIMED, WAITING ->
                "unexplained";
        };
    }

    // R3

    private Set<Step> asked(Lease lease) {
        Set<Step> asked = EnumSet.noneOf(Step.class);
        for (Answered answer : answersTo.getOrDefault(lease.token, List.of())) {
            if (answer.meaning() != null) {
                asked.add(answer.meaning());
            }
        }
        for (Reported report : reportsOn.getOrDefault(lease.token, List.of())) {
            if (report.meaning() != null) {
                asked.add(report.meaning());
            }
        }
        return asked;
    }

    private void outcomeWasOffered(Lease lease) {
        Journalled end = lease.end;
        Set<Step> asked = asked(lease);
        if (lease.waited && !asked.contains(Step.WAITING)) {
            found(Rule.R3, lease.job(), "waits under " + lease.name() + ", where no function answered 202");
        }
        if (end == null || !end.step().isOutcome() || asked.contains(end.step())) {
            return;
        }
        if (end.step() == Step.RETRY && timedOut(lease, end)) {
            return;
        }
        boolean exchangeFailed = (end.step() == Step.INFRASTRUCTURE || end.step() == Step.RETRY)
                && brokenExchange(lease).isPresent();
        if (!exchangeFailed) {
            found(
                    Rule.R3,
                    lease.job(),
                    end.step().word() + " accepted for " + lease.name() + ", and nobody offered that under its token: "
                            + asked);
        }
    }

    // No answer in the time that an answer may take; its function may be waiting for somebody itself.
    private boolean timedOut(Lease lease, Journalled end) {
        boolean silent = answersTo.getOrDefault(lease.token, List.of()).stream()
                .noneMatch(answer -> answer.at().isBefore(end.at()));
        return silent && !lease.claim.at().plus(ChaosSystem.ATTEMPT_TIMEOUT).isAfter(end.at());
    }

    // Why an exchange can fail that the function did not break.
    private Optional<Fault> brokenExchange(Lease lease) {
        return history.faults().stream()
                .filter(fault -> switch (fault.kind()) {
                    case FUNCTION_DOWN, FREEZE, MACHINE_STALLED -> true;
                    case KILL,
                            ROLLING_RESTART,
                            TERMINATE_BACKENDS,
                            POSTGRES_FAST_RESTART,
                            POSTGRES_IMMEDIATE_RESTART,
                            CUT,
                            STALL,
                            HALF_OPEN_DATABASE,
                            HALF_OPEN_PROCESS,
                            STOP -> false;
                })
                .filter(fault -> fault.explains(lease.claim.worker(), lease.claim.at(), lease.until()))
                .findFirst();
    }

    private void reportsAgreeWithTheDatabase() {
        Map<UUID, Reported> accepted = new HashMap<>();
        for (Reported report : history.reported()) {
            Lease lease = leases.of(report.token());
            if (lease == null || report.meaning() == null) {
                continue;
            }
            Step ending = lease.ending();
            switch (report.status()) {
                case 200 -> {
                    if (!report.replay() && accepted.put(report.token(), report) != null) {
                        found(Rule.R2, report.job(), "two reports on " + lease.name() + " were answered as accepted");
                    }
                    if (ending == null || !sameSide(report.meaning(), ending)) {
                        found(
                                Rule.R3,
                                report.job(),
                                report.meaning().word() + " on " + lease.name()
                                        + " was answered as accepted, the database has "
                                        + (ending == null ? "no end" : ending.word()));
                    }
                }
                case 409 -> {
                    if (lease.until().isAfter(report.at())) {
                        found(
                                Rule.R3,
                                report.job(),
                                report.meaning().word() + " on " + lease.name()
                                        + " was refused while that held the lease");
                    }
                }
                case 404 -> found(Rule.R1, report.job(), "a report was answered that there is no such job");
                default -> {}
            }
        }
    }

    private static boolean sameSide(Step offered, Step ended) {
        return (offered == Step.COMPLETE) == (ended == Step.COMPLETE) && ended.isOutcome();
    }

    // R4, as sessions and functions see it; the journal's side of it is in Leases.
    private void cancelIsFinal() {
        Map<Long, Instant> cancelled = new HashMap<>();
        for (Cancelled cancel : history.cancelled()) {
            cancelled.put(cancel.job(), cancel.at());
        }
        Map<Long, String> states = new HashMap<>();
        history.left().forEach(row -> states.put(row.job(), row.state()));
        cancelled.forEach((job, at) -> {
            if (!"cancelled".equals(states.get(job))) {
                found(Rule.R4, job, "cancel_job answered, and at the end the job is " + states.get(job));
            }
        });
        for (Reported report : history.reported()) {
            Instant at = cancelled.get(report.job());
            if (at != null && report.sentAt().isAfter(at) && report.status() == 200) {
                found(Rule.R4, report.job(), "a report was accepted after the job was cancelled");
            }
        }
    }

    // R6

    private void allHasEnded() {
        for (Left row : history.left()) {
            if (row.leased()) {
                found(Rule.R6, row.job(), "is leased at the end");
            } else if (!row.ended()) {
                found(Rule.R6, row.job(), "is " + row.state() + " at the end");
            }
        }
    }

    private void lossIsExplained(Lease lease) {
        Step ending = lease.ending();
        if (ending == Step.EXPIRED && whyLost(lease).isEmpty()) {
            found(Rule.EXPLAINED, lease.job(), "the lease of " + lease.name() + " expired while nothing was broken");
        }
        // A job whose target is spared is given back before anything was sent.
        boolean sent = dispatchOf.containsKey(lease.token);
        if (ending == Step.RELEASED && sent && whyReleased(lease).isEmpty()) {
            found(Rule.EXPLAINED, lease.job(), lease.name() + " was given back while its worker was not stopped");
        }
    }

    private Optional<String> whyLost(Lease lease) {
        if (lease.waited) {
            Dispatched dispatch = dispatchOf.get(lease.token);
            if (dispatch != null && dispatch.behaviour().lateOrNever()) {
                return Optional.of("the function did not report in time");
            }
            boolean unheard = reportsOn.getOrDefault(lease.token, List.of()).stream()
                    .anyMatch(report -> report.status() == 0 || report.status() == 503);
            if (unheard) {
                return Optional.of("the callback server could not be reached or could not store the report");
            }
        }
        return history.faults().stream()
                .filter(fault -> fault.kind() != FaultKind.FUNCTION_DOWN)
                .filter(fault -> fault.explains(lease.claim.worker(), lease.claim.at(), lease.until()))
                // The kinds stand in the order in which they are believed.
                .min(Comparator.comparing(Fault::kind))
                .map(fault -> fault.kind().word());
    }

    private Optional<Fault> whyReleased(Lease lease) {
        return history.faults().stream()
                .filter(fault -> fault.kind() == FaultKind.ROLLING_RESTART || fault.kind() == FaultKind.STOP)
                .filter(fault -> fault.explains(lease.claim.worker(), lease.claim.at(), lease.until()))
                .findFirst();
    }
}
