package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How the API's jobs look to people. */
final class JobLines {

    private static final int NOTE = 80;
    private static final int VALUE = 500;

    private JobLines() {}

    static void table(List<JsonNode> jobs, PrintWriter out) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("id", "status", "task", "progress", "retries", "created at (UTC)", "note"));
        jobs.forEach(job -> rows.add(List.of(
                text(job, "id"),
                text(job, "status"),
                OneLine.of(text(job, "jobType"), NOTE),
                progress(job),
                job.path("retryCount").asInt() + "/" + job.path("maxRetries").asInt(),
                time(job, "createdAt"),
                note(job))));
        int[] widths = new int[rows.getFirst().size()];
        rows.forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(
                        String.format(Locale.ROOT, (i == 0 ? "%" : "%-") + Math.max(1, widths[i]) + "s  ", row.get(i)));
            }
            out.println(line.toString().stripTrailing());
        }
    }

    /** One job, with all that there is to tell. */
    static void details(JsonNode status, PrintWriter out) {
        JsonNode job = status.path("job");
        out.println(
                "job " + text(job, "id") + "  task " + OneLine.of(text(job, "jobType")) + "  " + text(job, "status"));
        line(out, "progress", progress(job));
        line(
                out,
                "retries",
                job.path("retryCount").asInt() + " of " + job.path("maxRetries").asInt());
        line(out, "created", time(job, "createdAt"));
        line(out, "due", time(job, "scheduledAt"));
        line(out, "started", time(job, "startedAt"));
        line(out, "ended", time(job, "completedAt"));
        line(
                out,
                "priority",
                job.path("priority").asInt() == 0 ? "" : job.path("priority").asText());
        line(out, "queue", text(job, "queue"));
        line(out, "key", text(job, "dedupeKey"));
        line(out, "tenant", text(job, "tenantId"));
        line(out, "user", text(job, "userId"));
        line(out, "trace", text(job, "traceId"));
        line(out, "payload", json(job, "payload"));
        line(out, "result", json(job, "result"));
        line(out, text(job, "status").equals("cancelled") ? "reason" : "error", text(job, "errorMessage"));
        List<String> can = new ArrayList<>();
        if (status.path("canCancel").asBoolean()) {
            can.add("be cancelled");
        }
        if (text(job, "status").equals("failed")) {
            can.add(status.path("canRetry").asBoolean() ? "be retried" : "be replayed");
        }
        line(out, "can", String.join(", ", can));
    }

    /** How it ended, for the end of a watch. */
    static String end(JsonNode status) {
        JsonNode job = status.path("job");
        String named = "job " + text(job, "id") + " (" + OneLine.of(text(job, "jobType")) + ") ";
        String error = OneLine.of(text(job, "errorMessage"), VALUE);
        return switch (text(job, "status")) {
            case "succeeded" -> named + "succeeded" + took(job) + after(": ", OneLine.of(json(job, "result"), VALUE));
            case "failed" ->
                named + "failed" + after(": ", error) + "; './postern "
                        + (status.path("canRetry").asBoolean() ? "jobs retry " : "replay ") + text(job, "id")
                        + "' tries it again";
            default -> named + "was cancelled" + after(": ", error);
        };
    }

    private static String took(JsonNode job) {
        return at(job, "startedAt")
                .flatMap(started -> at(job, "completedAt").map(ended -> Duration.between(started, ended)))
                .map(took -> " in " + String.format(Locale.ROOT, "%.1f", took.toMillis() / 1000.0) + " s")
                .orElse("");
    }

    /** How far it is: percent, and steps where its function has told them; empty when it has not begun. */
    static String progress(JsonNode job) {
        int percent = job.path("progress").asInt();
        int steps = job.path("totalSteps").asInt();
        if (percent == 0 && steps == 0) {
            return "";
        }
        return percent + " %"
                + (steps == 0 ? "" : ", step " + job.path("currentStep").asInt() + " of " + steps);
    }

    /** What is worth a word beside the state. */
    static String note(JsonNode job) {
        String due = time(job, "scheduledAt");
        String error = OneLine.of(text(job, "errorMessage"), NOTE);
        return switch (text(job, "status")) {
            case "queued" -> after("due at ", due);
            case "retrying" -> after("next at ", due) + after("; ", error);
            default -> error;
        };
    }

    static Optional<Instant> at(JsonNode job, String name) {
        try {
            return Optional.of(OffsetDateTime.parse(text(job, name)).toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    static String time(JsonNode job, String name) {
        return at(job, name)
                .map(time -> time.truncatedTo(ChronoUnit.SECONDS).toString())
                .orElse("");
    }

    /** The member's text, or an empty one. */
    static String text(JsonNode node, String name) {
        return node.path(name).isValueNode() && !node.path(name).isNull()
                ? node.path(name).asText()
                : "";
    }

    private static String json(JsonNode job, String name) {
        JsonNode value = job.path(name);
        return value.isMissingNode() || value.isNull() ? "" : value.toString();
    }

    private static String after(String before, String text) {
        return text.isEmpty() ? "" : before + text;
    }

    private static void line(PrintWriter out, String name, String value) {
        if (!value.isEmpty()) {
            out.println(String.format(Locale.ROOT, "  %-9s ", name) + OneLine.of(value));
        }
    }
}
