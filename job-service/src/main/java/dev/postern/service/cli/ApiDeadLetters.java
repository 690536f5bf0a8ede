package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.service.client.ApiClient;
import dev.postern.service.client.ApiFailure;
import dev.postern.service.client.ApiFailure.Kind;
import dev.postern.sql.DeadLetters.DeadLetter;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Dead letters of the API, as the database has them. Blocking. */
record ApiDeadLetters(ApiClient api) {

    private static final String FAILED = "failed";

    /** The newest that the options name. */
    List<DeadLetter> newest(DeadLetterFilter filter, int limit) {
        List<JsonNode> found = new ArrayList<>();
        if (filter.ids.isEmpty()) {
            JobsCommand.pages(api, "/v1/dead-letters", "jobs", Map.of("jobType", task(filter)), limit, found);
        } else {
            dead(filter).forEach(found::add);
        }
        return found.stream().limit(limit).map(ApiDeadLetters::letter).toList();
    }

    /** How many a replay would be of. */
    long countToReplay(DeadLetterFilter filter) {
        return filter.ids.isEmpty()
                ? JobsCommand.all(api, "/v1/dead-letters/replay", body(filter).put("dryRun", true))
                : dead(filter).size();
    }

    /** Starts those over that the options name; how many they were. */
    long replay(DeadLetterFilter filter) {
        if (filter.ids.isEmpty()) {
            return JobsCommand.all(api, "/v1/dead-letters/replay", body(filter));
        }
        List<JsonNode> letters = dead(filter);
        letters.forEach(letter -> api.post("/v1/dead-letters/" + JobLines.text(letter, "id") + "/replay", null));
        return letters.size();
    }

    private List<JsonNode> dead(DeadLetterFilter filter) {
        List<JsonNode> found = new ArrayList<>();
        for (long id : filter.ids.stream().distinct().toList()) {
            try {
                JsonNode job = api.get("/v1/jobs/" + id, Map.of()).path("job");
                boolean named = task(filter).isEmpty() || task(filter).equals(JobLines.text(job, "jobType"));
                if (named && JobLines.text(job, "status").equals(FAILED)) {
                    found.add(job);
                }
            } catch (ApiFailure failure) {
                if (failure.kind() != Kind.UNKNOWN) {
                    throw failure;
                }
            }
        }
        return found;
    }

    private static ObjectNode body(DeadLetterFilter filter) {
        ObjectNode body = ApiClient.object();
        return task(filter).isEmpty() ? body : body.put("jobType", task(filter));
    }

    private static String task(DeadLetterFilter filter) {
        if (filter.errorLike != null || filter.diedAfter != null || filter.diedBefore != null) {
            throw new ApiFailure(
                    Kind.MISUSED,
                    "the API finds dead letters by ID and --task only; for --error-like, --died-after and --died-before"
                            + " name the database");
        }
        return filter.task == null ? "" : filter.task;
    }

    // What the API does not tell, is not there.
    private static DeadLetter letter(JsonNode job) {
        return new DeadLetter(
                Long.parseLong(JobLines.text(job, "id")),
                UUID.fromString(JobLines.text(job, "tenantId")),
                JobLines.text(job, "jobType"),
                job.path("queue").textValue(),
                job.path("dedupeKey").textValue(),
                job.path("payload").toString(),
                job.path("retryCount").asInt() + 1,
                job.path("maxRetries").asInt() + 1,
                0,
                job.path("errorMessage").textValue(),
                "[]",
                OffsetDateTime.parse(JobLines.text(job, "completedAt")),
                JobLines.at(job, "createdAt")
                        .map(at -> at.atOffset(ZoneOffset.UTC))
                        .orElse(null),
                null,
                null,
                null);
    }
}
