package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.sql.TenantJobs;
import dev.postern.sql.TenantJobs.Chosen;
import dev.postern.sql.TenantJobs.Filter;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The operations on many jobs at once, which a filter names: those that a list with that filter shows its caller, the
 * newest first. A dry run counts them. What it did is in the answer; while {@code more} is true, the same again goes on.
 */
final class BulkRoutes {

    private static final List<String> CANCELLABLE = List.of("queued", "running", "retrying");
    private static final List<String> ENDED = List.of("succeeded", "cancelled");
    private static final List<String> DEAD = List.of("failed");

    private final TenantStore store;

    BulkRoutes(TenantStore store) {
        this.store = store;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of(
                "cancelJobs",
                this::cancel,
                "retryJobs",
                request -> startOver(
                        request,
                        "jobs.retry",
                        tenant -> tenant.chooseRetryable(filter(request, DEAD), limit(request.body()))),
                "replayDeadLetters",
                request -> startOver(
                        request,
                        "dead-letters.replay",
                        tenant -> tenant.choose(filter(request, DEAD), limit(request.body()))),
                "replayDeadLetter",
                this::replayOne,
                "purgeDeadLetters",
                request -> purge(request, DEAD, "dead-letters.purge"),
                "purgeJobs",
                request -> purge(request, statuses(request, ENDED), "jobs.purge"));
    }

    private Future<Answer> purge(Request request, List<String> statuses, String action) {
        return store.within(
                request.acting(),
                "purge jobs",
                tenant -> tenant.choose(filter(request, statuses), limit(request.body()))
                        .compose(chosen -> act(request, tenant, chosen, action, () -> tenant.purge(chosen.jobIds()))));
    }

    // Those that the body names, or all that may be named.
    private static List<String> statuses(Request request, List<String> all) {
        List<String> statuses = new ArrayList<>();
        request.body().path("status").forEach(status -> statuses.add(status.textValue()));
        return statuses.isEmpty() ? all : statuses;
    }

    private Future<Answer> cancel(Request request) {
        JsonNode body = request.body();
        String reason = body.path("reason").asText("cancelled through the API");
        return store.within(
                request.acting(),
                "cancel jobs",
                tenant -> tenant.choose(filter(request, statuses(request, CANCELLABLE)), limit(body))
                        .compose(chosen -> act(
                                request,
                                tenant,
                                chosen,
                                "jobs.cancel",
                                () -> tenant.cancelAll(chosen.jobIds(), reason))));
    }

    private Future<Answer> startOver(Request request, String action, Function<TenantJobs, Future<Chosen>> choose) {
        return store.within(
                request.acting(),
                "start jobs over",
                tenant -> choose.apply(tenant)
                        .compose(chosen -> act(
                                request,
                                tenant,
                                chosen,
                                action,
                                () -> tenant.replayAll(
                                        chosen.jobIds(), request.caller().who()))));
    }

    private Future<Answer> replayOne(Request request) {
        return store.within(
                request.acting(),
                "replay a dead letter",
                tenant -> JobRoutes.find(request, tenant).compose(job -> {
                    if (!job.status().equals("failed")) {
                        throw new ApiException(
                                Problem.CONFLICT, "only a dead letter can be replayed, this job is " + job.status());
                    }
                    return JobRoutes.retry(request, tenant, job, "dead-letters.replay");
                }));
    }

    private static Future<Answer> act(
            Request request, TenantJobs tenant, Chosen chosen, String action, Supplier<Future<List<Long>>> change) {
        boolean dryRun = request.body().path("dryRun").asBoolean(false);
        if (dryRun || chosen.jobIds().isEmpty()) {
            return Future.succeededFuture(
                    answer(chosen.jobIds(), dryRun ? chosen.matching() : 0, dryRun, chosen.more()));
        }
        return change.get()
                .compose(changed -> tenant.record(
                                request.caller().who(),
                                action,
                                "jobs",
                                new JsonObject().put("jobs", new JsonArray(changed)))
                        .map(answer(changed, changed.size(), false, chosen.more())));
    }

    private static Answer answer(List<Long> jobIds, int count, boolean dryRun, boolean more) {
        ObjectNode answer =
                JsonText.object().put("count", count).put("dryRun", dryRun).put("more", more);
        ArrayNode ids = answer.putArray("jobIds");
        jobIds.forEach(id -> ids.add(Long.toString(id)));
        return Answer.ok(answer);
    }

    private static Filter filter(Request request, List<String> statuses) {
        JsonNode body = request.body();
        return new Filter(
                JobRoutes.owner(request.caller()),
                statuses,
                text(body, "jobType"),
                text(body, "dedupeKey"),
                text(body, "queue"),
                text(body, "error"),
                time(body, "createdAfter"),
                time(body, "createdBefore"));
    }

    private static int limit(JsonNode body) {
        return body.path("limit").asInt(1000);
    }

    private static @Nullable String text(JsonNode body, String name) {
        return body.path(name).textValue();
    }

    private static @Nullable OffsetDateTime time(JsonNode body, String name) {
        String text = text(body, name);
        return text == null ? null : Request.time("body." + name, text);
    }
}
