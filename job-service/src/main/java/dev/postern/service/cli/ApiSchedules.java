package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.service.client.ApiClient;
import dev.postern.service.client.ApiFailure;
import dev.postern.service.client.ApiFailure.Kind;
import dev.postern.sql.ScheduleDirectory.Listed;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Schedules of the API, as the database has them.
 *
 * @param clock stands for the database's, which the API does not tell
 */
record ApiSchedules(ApiClient api, InstantSource clock) implements Schedules {

    private static final String PATH = "/v1/schedules";

    /** The tenant is the caller's; the API asks for no other. Of many, those that were added last. */
    @Override
    public List<Listed> list(@Nullable UUID tenant, @Nullable String task, List<Long> ids, int limit) {
        List<JsonNode> found = new ArrayList<>();
        if (ids.isEmpty()) {
            JobsCommand.pages(api, PATH, "schedules", Map.of("jobType", task == null ? "" : task), limit, found);
        } else {
            ids.forEach(id -> known(() -> api.get(PATH + "/" + id, Map.of()).path("schedule"))
                    .filter(schedule -> task == null || task.equals(JobLines.text(schedule, "jobType")))
                    .ifPresent(found::add));
        }
        return found.stream()
                .map(this::listed)
                .sorted(Comparator.comparing(Listed::id))
                .limit(limit)
                .toList();
    }

    /** Who does it is the caller; the API knows him. */
    @Override
    public Optional<Listed> pause(long id, String by) {
        return one(id, "/pause");
    }

    @Override
    public Optional<Listed> resume(long id) {
        return one(id, "/resume");
    }

    @Override
    public Optional<Long> run(long id, boolean overlap) {
        return known(() -> api.post(PATH + "/" + id + "/run", ApiClient.object().put("allowOverlap", overlap)))
                .map(made -> Long.valueOf(JobLines.text(made, "jobId")));
    }

    @Override
    public Optional<Listed> delete(long id) {
        return known(() -> api.delete(PATH + "/" + id)).map(answer -> listed(answer.path("schedule")));
    }

    private Optional<Listed> one(long id, String action) {
        return known(() -> api.post(PATH + "/" + id + action, null)).map(answer -> listed(answer.path("schedule")));
    }

    private static Optional<JsonNode> known(Supplier<JsonNode> asked) {
        try {
            return Optional.of(asked.get());
        } catch (ApiFailure failure) {
            if (failure.kind() == Kind.UNKNOWN) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    private Listed listed(JsonNode schedule) {
        return new Listed(
                Long.parseLong(JobLines.text(schedule, "id")),
                UUID.fromString(JobLines.text(schedule, "tenantId")),
                JobLines.text(schedule, "jobType"),
                orNull(schedule, "key"),
                JobLines.text(schedule, "state"),
                schedule.path("schedule").toString(),
                clock.instant(),
                JobLines.at(schedule, "nextTickAt").orElse(null),
                JobLines.text(schedule, "missedTicks"),
                schedule.path("missedTicksMax").asInt(),
                JobLines.text(schedule, "overlap"),
                schedule.path("jitterSeconds").asLong(),
                JobLines.at(schedule, "pausedAt").orElse(null),
                orNull(schedule, "pausedBy"),
                JobLines.at(schedule, "lastJobAt").orElse(null),
                orNull(schedule, "lastJobId") == null ? null : Long.valueOf(JobLines.text(schedule, "lastJobId")),
                orNull(schedule, "errorMessage"));
    }

    private static @Nullable String orNull(JsonNode schedule, String name) {
        return schedule.path(name).textValue();
    }
}
