package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;

/** A job's state as one line of a terminal, with a bar as long as there is room. */
final class ProgressBar {

    private static final int LONGEST = 40;
    private static final int SHORTEST = 5;

    private ProgressBar() {}

    /**
     * The line, never longer than the terminal is wide less one, so that it does not wrap.
     *
     * @param word stands instead of the state's, unless it is empty
     */
    static String line(JsonNode status, Instant now, int columns, String word) {
        JsonNode job = status.path("job");
        String state = JobLines.text(job, "status");
        String note = state.equals("queued") || state.equals("retrying") ? JobLines.note(job) : "";
        String before = "job " + JobLines.text(job, "id") + "  " + OneLine.of(JobLines.text(job, "jobType"), 30) + "  ";
        String told = word.isEmpty() ? state : word;
        String after = "  " + steps(job) + elapsed(job, now) + "  " + told + (note.isEmpty() ? "" : "  " + note);
        int room = columns - 1 - before.length() - after.stripTrailing().length() - 2;
        String bar = room < SHORTEST ? "" : bar(job.path("progress").asInt(), Math.min(LONGEST, room));
        String line = (before + bar + after).stripTrailing();
        return line.substring(0, Math.min(line.length(), Math.max(1, columns - 1)));
    }

    private static String bar(int percent, int width) {
        int full = Math.clamp((long) percent * width / 100, 0, width);
        return "[" + "#".repeat(full) + "-".repeat(width - full) + "]";
    }

    private static String steps(JsonNode job) {
        int steps = job.path("totalSteps").asInt();
        String percent = String.format("%3d %%", job.path("progress").asInt());
        return percent + (steps == 0 ? "" : "  " + job.path("currentStep").asInt() + "/" + steps);
    }

    private static String elapsed(JsonNode job, Instant now) {
        return JobLines.at(job, "startedAt")
                .map(started -> Duration.between(started, now))
                // The database's clock may be ahead of this machine's.
                .map(since -> since.isNegative() ? Duration.ZERO : since)
                .map(since -> String.format("  %d:%02d", since.toMinutes(), since.toSecondsPart()))
                .orElse("");
    }
}
