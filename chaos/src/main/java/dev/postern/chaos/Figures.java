package dev.postern.chaos;

import dev.postern.chaos.Event.Dispatched;
import dev.postern.chaos.Event.Fault;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a run counted, in the order in which it is printed. */
record Figures(Map<String, Map<String, String>> groups) {

    static Figures of(
            History history,
            HistoryCheck.Findings findings,
            List<Faults.Ended> exits,
            Duration grace,
            Duration broken,
            int replayed) {
        Map<String, Map<String, String>> groups = new LinkedHashMap<>();
        groups.put("jobs", jobs(history, broken, replayed));
        groups.put("at the end", counted(history.left(), Left::state));
        groups.put(
                "outcomes accepted",
                counted(
                        history.journal().stream()
                                .filter(step -> step.step().isOutcome()
                                        || step.step() == Step.EXPIRED
                                        || step.step() == Step.RELEASED)
                                .toList(),
                        step -> step.step().word()));
        groups.put("reports answered", counted(history.reported(), Figures::answer));
        groups.put(
                "dispatched again",
                findings.again().entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .collect(Collectors.toMap(
                                Map.Entry::getKey,
                                entry -> Integer.toString(entry.getValue()),
                                (a, b) -> a,
                                LinkedHashMap::new)));
        groups.put("faults", counted(history.faults(), fault -> fault.kind().word()));
        groups.put("times", times(history, exits, grace));
        return new Figures(groups);
    }

    /** For people. */
    String table() {
        StringBuilder text = new StringBuilder();
        groups.forEach((group, figures) -> {
            text.append(System.lineSeparator()).append(group).append(System.lineSeparator());
            figures.forEach((name, value) -> text.append(String.format("  %-72s %10s%n", name, value)));
        });
        return text.toString();
    }

    private static Map<String, String> jobs(History history, Duration broken, int replayed) {
        Map<String, String> jobs = new LinkedHashMap<>();
        jobs.put("seconds under load and faults", Long.toString(broken.toSeconds()));
        jobs.put(
                "calls of add_job that were answered",
                Integer.toString(history.added().size()));
        jobs.put("jobs, follow-ups and ticks included", count(history, Step.ADDED));
        jobs.put("replaced by their key before they ran", count(history, Step.REPLACED));
        jobs.put("superseded by their key while they ran", count(history, Step.SUPERSEDED));
        jobs.put(
                "cancels that were answered",
                Integer.toString(history.cancelled().size()));
        jobs.put("dead letters tried again", Integer.toString(replayed));
        jobs.put("dispatches", Integer.toString(history.dispatched().size()));
        return jobs;
    }

    private static String count(History history, Step step) {
        return Long.toString(
                history.journal().stream().filter(s -> s.step() == step).count());
    }

    private static String answer(Event.Reported report) {
        if (report.status() == 0) {
            return "no answer";
        }
        return report.status() + (report.replay() ? " (replay)" : "");
    }

    private static <T> Map<String, String> counted(List<T> things, Function<T, String> name) {
        Map<String, Integer> counts = new TreeMap<>();
        things.forEach(thing -> counts.merge(name.apply(thing), 1, Integer::sum));
        Map<String, String> figures = new LinkedHashMap<>();
        counts.forEach((key, count) -> figures.put(key, Integer.toString(count)));
        return figures;
    }

    private static Map<String, String> times(History history, List<Faults.Ended> exits, Duration grace) {
        Map<String, String> times = new LinkedHashMap<>();
        long inTime = exits.stream().filter(Faults.Ended::inTime).count();
        times.put(
                "exits by SIGTERM within " + grace.toSeconds() + " s (drain " + ChaosSystem.DRAIN.toSeconds() + " s)",
                inTime + " of " + exits.size());
        exits.stream()
                .flatMap(ended -> ended.exit().stream())
                .map(WorkerSlot.Exit::took)
                .max(Duration::compareTo)
                .ifPresent(longest -> times.put("longest of them", seconds(longest)));
        Lost lost = lost(history);
        times.put("leases lost because their worker was killed", Integer.toString(lost.leases));
        times.put(
                "longest from kill to reaped, beyond the lease of " + ChaosSystem.LEASE.toSeconds() + " s",
                lost.leases == 0 ? "-" : seconds(lost.noticed.minus(ChaosSystem.LEASE)));
        times.put(
                "the same where nothing else was broken (" + lost.undisturbed + " leases)",
                lost.undisturbed == 0 ? "-" : seconds(lost.noticedUndisturbed.minus(ChaosSystem.LEASE)));
        times.put(
                "longest from kill to the next dispatch, behind the backlog there was",
                lost.leases == 0 ? "-" : seconds(lost.dispatched));
        return times;
    }

    private static String seconds(Duration duration) {
        return String.format("%.1f s", duration.toMillis() / 1000.0);
    }

    /** Leases of killed workers, and how long it took until somebody noticed and until the job was called again. */
    private static final class Lost {
        int leases;
        int undisturbed;
        Duration noticed = Duration.ZERO;
        Duration noticedUndisturbed = Duration.ZERO;
        Duration dispatched = Duration.ZERO;
    }

    private static Lost lost(History history) {
        Map<UUID, Instant> arrived = new HashMap<>();
        for (Dispatched dispatch : history.dispatched()) {
            arrived.put(dispatch.token(), dispatch.at());
        }
        Map<Long, List<Lease>> byJob = new HashMap<>();
        for (Lease lease : new Leases(history.journal()).all()) {
            byJob.computeIfAbsent(lease.job(), job -> new ArrayList<>()).add(lease);
        }
        Lost found = new Lost();
        for (Fault kill : history.faults()) {
            if (kill.kind() == FaultKind.KILL) {
                byJob.values().forEach(leases -> measure(found, history, kill, leases, arrived));
            }
        }
        return found;
    }

    private static void measure(
            Lost found, History history, Fault kill, List<Lease> ofOneJob, Map<UUID, Instant> arrived) {
        for (int i = 0; i < ofOneJob.size(); i++) {
            Lease lease = ofOneJob.get(i);
            Instant reaped = lease.until();
            boolean killed = lease.ending() == Step.EXPIRED
                    && !lease.waited
                    && kill.concerns(lease.claim.worker())
                    && lease.claim.at().isBefore(kill.at())
                    && reaped.isAfter(kill.at());
            if (!killed) {
                continue;
            }
            Duration took = Duration.between(kill.at(), reaped);
            found.leases++;
            found.noticed = longer(found.noticed, took);
            boolean alone = history.faults().stream()
                    .noneMatch(fault -> !fault.equals(kill)
                            && !fault.at().isAfter(reaped)
                            && !fault.until().isBefore(kill.at()));
            if (alone) {
                found.undisturbed++;
                found.noticedUndisturbed = longer(found.noticedUndisturbed, took);
            }
            @Nullable Instant next = i + 1 < ofOneJob.size() ? arrived.get(ofOneJob.get(i + 1).token) : null;
            if (next != null) {
                found.dispatched = longer(found.dispatched, Duration.between(kill.at(), next));
            }
        }
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}
