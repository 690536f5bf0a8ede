package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.api.Payloads.Candidate;
import dev.postern.sql.TenantJobs;
import dev.postern.sql.TenantSchedules;
import dev.postern.sql.TenantSchedules.NewSchedule;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The operations on a tenant's schedules. They belong to the tenant: whoever may see one may see all. */
final class ScheduleRoutes {

    private static final List<String> EDITED = List.of(
            "id",
            "jobType",
            "payload",
            "schedule",
            "key",
            "queue",
            "priority",
            "maxRetries",
            "missedTicks",
            "missedTicksMax",
            "overlap",
            "jitterSeconds",
            "pausedAt",
            "pausedBy");

    private static final String UNKNOWN = "there is no such schedule";

    private final TenantStore store;
    private final Payloads payloads;

    ScheduleRoutes(TenantStore store, Payloads payloads) {
        this.store = store;
        this.payloads = payloads;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of(
                "listSchedules",
                this::list,
                "createSchedule",
                this::create,
                "replaceSchedule",
                this::replace,
                "getSchedule",
                request -> one(request, "", schedules -> schedules.find(id(request))),
                "deleteSchedule",
                request -> one(request, "schedules.delete", schedules -> schedules.delete(id(request))),
                "pauseSchedule",
                request -> one(
                        request,
                        "schedules.pause",
                        schedules ->
                                schedules.pause(id(request), request.caller().who())),
                "resumeSchedule",
                request -> one(request, "schedules.resume", schedules -> schedules.resume(id(request))),
                "runSchedule",
                this::run);
    }

    private Future<Answer> list(Request request) {
        String cursor = request.text("cursor");
        int pageSize = request.number("pageSize");
        Long before = cursor == null ? null : Request.id("query.cursor", cursor);
        return store.within(
                        request.acting(),
                        "list schedules",
                        tenant -> tenant.schedules().list(before, request.text("jobType"), pageSize + 1))
                .map(found -> {
                    ObjectNode answer = JsonText.object();
                    boolean more = found.size() > pageSize;
                    answer.putArray("schedules")
                            .addAll(found.stream()
                                    .limit(pageSize)
                                    .map(JsonText::trusted)
                                    .toList());
                    String next = more
                            ? answer.withArray("schedules")
                                    .get(pageSize - 1)
                                    .get("id")
                                    .textValue()
                            : null;
                    return Answer.page(request, answer, next);
                });
    }

    private Future<Answer> create(Request request) {
        NewSchedule schedule = asked(request.body());
        return store.within(
                request.acting(),
                "add a schedule",
                tenant -> Idempotency.once(
                        request,
                        "createSchedule",
                        tenant,
                        () -> payloads.check(tenant, candidates(request.body()))
                                .compose(fit -> tenant.schedules().add(schedule))
                                .map(JsonText::trusted)
                                .compose(made -> {
                                    String id = made.get("id").textValue();
                                    ObjectNode answer = JsonText.object();
                                    answer.set("schedule", made);
                                    return tenant.record(
                                                    request.caller().who(),
                                                    "schedules.create",
                                                    "schedule/" + id,
                                                    new JsonObject().put("jobType", schedule.jobType()))
                                            .map(Answer.of(
                                                    201,
                                                    answer,
                                                    Map.of("Location", "/v1/schedules/" + id, "ETag", etag(made))));
                                })));
    }

    private Future<Answer> replace(Request request) {
        NewSchedule schedule = asked(request.body());
        return change(
                request,
                "schedules.replace",
                tenant -> payloads.check(tenant, candidates(request.body()))
                        .compose(fit -> tenant.schedules().replace(id(request), schedule)));
    }

    private static NewSchedule asked(JsonNode body) {
        return new NewSchedule(
                body.get("jobType").textValue(),
                payload(body).toString(),
                body.get("schedule").toString(),
                text(body, "key"),
                text(body, "queue"),
                body.path("maxRetries").asInt(3) + 1,
                body.path("priority").asInt(0),
                body.path("missedTicks").asText("latest"),
                body.path("missedTicksMax").asInt(100),
                body.path("overlap").asText("skip"),
                body.path("jitterSeconds").asInt(0));
    }

    private static List<Candidate> candidates(JsonNode body) {
        return List.of(new Candidate(body.get("jobType").textValue(), payload(body), "body.payload", "/payload"));
    }

    private static JsonNode payload(JsonNode body) {
        return body.has("payload") ? body.get("payload") : JsonText.object();
    }

    private Future<Answer> run(Request request) {
        boolean overlap = request.body().path("allowOverlap").asBoolean(false);
        return store.within(
                request.acting(),
                "run a schedule",
                tenant -> tenant.schedules().run(id(request), overlap).compose(job -> {
                    String jobId = Long.toString(job.orElseThrow(ScheduleRoutes::unknown));
                    return tenant.record(
                                    request.caller().who(),
                                    "schedules.run",
                                    "schedule/" + id(request),
                                    new JsonObject().put("job", jobId))
                            .map(Answer.of(
                                    201,
                                    JsonText.object().put("jobId", jobId).put("message", "Job created successfully"),
                                    Map.of("Location", "/v1/jobs/" + jobId)));
                }));
    }

    private Future<Answer> one(
            Request request, String action, Function<TenantSchedules, Future<Optional<String>>> step) {
        return change(request, action, tenant -> step.apply(tenant.schedules()));
    }

    // An empty action changes nothing.
    private Future<Answer> change(Request request, String action, Function<TenantJobs, Future<Optional<String>>> step) {
        return store.within(
                request.acting(),
                "look after a schedule",
                tenant -> held(request, tenant.schedules())
                        .compose(held -> step.apply(tenant))
                        .compose(found -> {
                            JsonNode schedule = JsonText.trusted(found.orElseThrow(ScheduleRoutes::unknown));
                            ObjectNode answer = JsonText.object();
                            answer.set("schedule", schedule);
                            Answer answered = Answer.of(200, answer, Map.of("ETag", etag(schedule)));
                            return action.isEmpty()
                                    ? Future.succeededFuture(answered)
                                    : tenant.record(
                                                    request.caller().who(),
                                                    action,
                                                    "schedule/" + id(request),
                                                    new JsonObject())
                                            .map(answered);
                        }));
    }

    // With a condition the schedule is held still first, so that what was looked at is what is changed.
    private static Future<Void> held(Request request, TenantSchedules schedules) {
        if (request.text("If-Match") == null) {
            return Future.succeededFuture();
        }
        return schedules.hold(id(request)).map(found -> {
            JsonNode schedule = JsonText.trusted(found.orElseThrow(ScheduleRoutes::unknown));
            Preconditions.check(request, Optional.of(etag(schedule)));
            return null;
        });
    }

    // Of what people edit; what a tick moves is not in it.
    private static String etag(JsonNode schedule) {
        StringBuilder edited = new StringBuilder();
        EDITED.forEach(field -> edited.append(schedule.get(field)).append('\n'));
        return "\"" + Caller.hex(edited.toString()).substring(0, 32) + "\"";
    }

    private static long id(Request request) {
        return request.id("scheduleId");
    }

    private static ApiException unknown() {
        return new ApiException(Problem.NOT_FOUND, UNKNOWN);
    }

    private static @Nullable String text(JsonNode body, String name) {
        return body.path(name).textValue();
    }
}
