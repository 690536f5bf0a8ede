package dev.postern.service.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options by which commands name the API's jobs. */
final class JobFilter {

    @Option(
            names = "--status",
            paramLabel = "STATUS",
            split = ",",
            description = "Only in one of these states: queued, running, retrying, succeeded, failed, cancelled.")
    List<String> statuses = List.of();

    @Option(names = "--task", paramLabel = "TASK", description = "Only jobs of this task.")
    @Nullable
    String task;

    @Option(names = "--queue", paramLabel = "QUEUE", description = "Only jobs of this queue.")
    @Nullable
    String queue;

    @Option(names = "--key", paramLabel = "KEY", description = "Only the job of this key.")
    @Nullable
    String key;

    @Option(names = "--error", paramLabel = "WORDS", description = "Only jobs with these words in their error.")
    @Nullable
    String error;

    @Option(
            names = "--created-after",
            paramLabel = "TIME",
            description = "Only jobs that were added at this RFC 3339 time or later.")
    @Nullable
    OffsetDateTime createdAfter;

    @Option(
            names = "--created-before",
            paramLabel = "TIME",
            description = "Only jobs that were added before this time.")
    @Nullable
    OffsetDateTime createdBefore;

    boolean namesNone() {
        return statuses.isEmpty() && texts().values().stream().allMatch(String::isEmpty);
    }

    /** For a list's address. */
    Map<String, String> query() {
        Map<String, String> query = texts();
        query.put("status", String.join(",", statuses));
        return query;
    }

    /** For the body of an action on many. */
    ObjectNode into(ObjectNode body) {
        texts().forEach((name, value) -> {
            if (!value.isEmpty()) {
                body.put(name, value);
            }
        });
        statuses.forEach(status -> body.withArray("status").add(status));
        return body;
    }

    private Map<String, String> texts() {
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("jobType", task == null ? "" : task);
        texts.put("queue", queue == null ? "" : queue);
        texts.put("dedupeKey", key == null ? "" : key);
        texts.put("error", error == null ? "" : error);
        texts.put("createdAfter", createdAfter == null ? "" : createdAfter.toString());
        texts.put("createdBefore", createdBefore == null ? "" : createdBefore.toString());
        return texts;
    }
}
