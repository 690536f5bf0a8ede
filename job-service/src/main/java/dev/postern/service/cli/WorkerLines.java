package dev.postern.service.cli;

import dev.postern.sql.JobDirectory;
import dev.postern.sql.WorkerReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Says in words which workers there are, and which targets they spare and why. */
final class WorkerLines {

    /** Three reports that did not come. */
    private static final Duration SILENT = Duration.ofSeconds(30);

    private WorkerLines() {}

    static List<String> of(List<JobDirectory.Worker> workers) {
        List<String> lines = new ArrayList<>();
        if (workers.isEmpty()) {
            lines.add("no worker has reported");
        }
        for (JobDirectory.Worker worker : workers) {
            WorkerReport report = worker.report();
            String tasks = report.tasks().map(names -> String.join(", ", names)).orElse("all tasks");
            lines.add("worker " + report.workerId() + " (" + tasks + "): "
                    + (silent(worker)
                            ? "silent for " + seconds(worker.seenAgo()) + ", it was killed or cannot reach the database"
                            : report.running() + " of " + report.slots() + " slots in use"));
            if (!silent(worker)) {
                report.targets().forEach(target -> lines.add(line(report, target)));
            }
        }
        return lines;
    }

    // What a silent worker said of its targets is no longer so.
    private static boolean silent(JobDirectory.Worker worker) {
        return worker.seenAgo().compareTo(SILENT) > 0;
    }

    private static String line(WorkerReport report, WorkerReport.Target target) {
        List<String> words = new ArrayList<>();
        switch (target.breaker()) {
            case CLOSED -> {
                if (target.limit() < report.slots()) {
                    words.add("limited to " + target.limit() + " of " + report.slots() + " calls at once, "
                            + target.inFlight() + " in flight");
                }
            }
            case HALF_OPEN -> words.add("breaker half-open, the next call decides" + why(target));
            case OPEN ->
                words.add((target.openFor().isZero()
                                ? "breaker half-open, the next call decides"
                                : "breaker open for another " + seconds(target.openFor()))
                        + why(target));
        }
        if (!target.pausedFor().isZero()) {
            words.add("paused for another " + seconds(target.pausedFor()) + ", as it asked for");
        }
        if (words.isEmpty()) {
            words.add("pause over");
        }
        return "target " + String.join(", ", target.tasks()) + " on worker " + report.workerId() + ": "
                + String.join("; ", words);
    }

    private static String why(WorkerReport.Target target) {
        return " (" + target.failures() + " of " + target.calls() + " calls failed: " + target.why() + ")";
    }

    // Upwards, so that nothing is said to last for another 0 s.
    private static String seconds(Duration time) {
        return (time.toMillis() + 999) / 1000 + " s";
    }
}
