package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.api.Payloads.Candidate;
import dev.postern.sql.TenantJobs;
import dev.postern.sql.TenantJobs.Added;
import dev.postern.sql.TenantJobs.Filter;
import dev.postern.sql.TenantJobs.Found;
import dev.postern.sql.TenantJobs.Page;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The operations on jobs. */
final class JobRoutes {

    /** Of each kind, alive and ended, for a page with a total. */
    private static final int LOOKED_AT_FOR_TOTAL = 10_000;

    /** For a page by cursor, which needs no total. */
    private static final int LOOKED_AT = 2_000;

    private static final String UNKNOWN = "there is no such job, or its history has been dropped";

    private final TenantStore store;
    private final Payloads payloads;

    JobRoutes(TenantStore store, Payloads payloads) {
        this.store = store;
        this.payloads = payloads;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of(
                "createJob", this::create,
                "enqueueJob", this::enqueue,
                "listJobs", request -> list(request, request.texts("status")),
                "listDeadLetters", request -> list(request, List.of("failed")),
                "getJob", this::get,
                "cancelJob", this::cancel,
                "retryJob", this::retry);
    }

    private Future<Answer> create(Request request) {
        boolean many = request.body().isArray();
        JsonNode jobs =
                many ? request.body() : JsonText.MAPPER.createArrayNode().add(request.body());
        return add(
                request,
                "createJob",
                jobs,
                i -> many ? "/" + i + "/payload" : "/payload",
                added -> many ? created(added) : created(added.getFirst()));
    }

    private static Answer created(List<Added> added) {
        ObjectNode answer = JsonText.object();
        ArrayNode jobs = answer.putArray("jobs");
        added.forEach(
                job -> jobs.addObject().put("jobId", Long.toString(job.id())).put("outcome", job.outcome()));
        return Answer.of(201, answer.put("message", "Jobs created successfully"), Map.of());
    }

    private static Answer created(Added job) {
        String message = job.outcome().equals("deduplicated")
                ? "A job with this key is there already"
                : "Job created successfully";
        return Answer.of(
                201,
                JsonText.object()
                        .put("jobId", Long.toString(job.id()))
                        .put("message", message)
                        .put("outcome", job.outcome()),
                location(job.id()));
    }

    private Future<Answer> enqueue(Request request) {
        ObjectNode job = JsonText.object();
        copy(request.body(), "jobName", job, "jobType");
        copy(request.body(), "payload", job, "payload");
        return add(request, "enqueueJob", JsonText.MAPPER.createArrayNode().add(job), i -> "/payload", added -> {
            ObjectNode answer = JsonText.object();
            answer.putObject("data")
                    .put("jobId", Long.toString(added.getFirst().id()))
                    .put("jobName", job.get("jobType").textValue())
                    .put("enqueuedAt", added.getFirst().at());
            return Answer.of(201, answer, location(added.getFirst().id()));
        });
    }

    /** Adds a job that does what a call of the function would have done. */
    Future<Answer> accept(Request request) {
        ObjectNode job = JsonText.object();
        String task = String.valueOf(request.text("task"));
        job.put("jobType", task).set("payload", request.body());
        return add(
                request,
                "callFunctionAsync " + task,
                JsonText.MAPPER.createArrayNode().add(job),
                i -> "",
                added -> Answer.of(
                        202,
                        JsonText.object()
                                .put("jobId", Long.toString(added.getFirst().id()))
                                .put("message", "Job created successfully"),
                        location(added.getFirst().id())));
    }

    /**
     * Adds them, all or none.
     *
     * @param pointer where the payload of each stands in the body
     */
    private Future<Answer> add(
            Request request,
            String operation,
            JsonNode jobs,
            IntFunction<String> pointer,
            Function<List<Added>, Answer> answer) {
        ArrayNode elements = JsonText.MAPPER.createArrayNode();
        List<String> keys = new ArrayList<>();
        List<Candidate> candidates = new ArrayList<>();
        for (int i = 0; i < jobs.size(); i++) {
            JsonNode job = jobs.get(i);
            String payload = pointer.apply(i);
            elements.add(element(job, field(payload).replaceFirst("\\.payload$", "")));
            candidates.add(new Candidate(
                    job.get("jobType").textValue(),
                    job.has("payload") ? job.get("payload") : JsonText.object(),
                    field(payload),
                    payload));
            Optional.ofNullable(job.get("dedupeKey")).ifPresent(key -> keys.add(key.textValue()));
        }
        return store.within(
                request.acting(),
                "add jobs",
                tenant -> Idempotency.once(
                        request,
                        operation,
                        tenant,
                        () -> payloads.check(tenant, candidates)
                                .compose(fit -> free(request.caller(), tenant, keys))
                                .compose(free -> tenant.add(elements.toString()))
                                .compose(added -> recordAdded(request, tenant, jobs, added)
                                        .map(answer.apply(added)))));
    }

    // body[3].payload for /3/payload.
    private static String field(String pointer) {
        return "body" + pointer.replaceFirst("^/(\\d+)", "[$1]").replace("/", ".");
    }

    private static Future<Void> recordAdded(Request request, TenantJobs tenant, JsonNode jobs, List<Added> added) {
        JsonArray ids = new JsonArray();
        added.forEach(job -> ids.add(job.id()));
        JsonObject details =
                new JsonObject().put("jobType", jobs.get(0).get("jobType").textValue());
        return tenant.record(
                request.caller().who(),
                "jobs.create",
                "job/" + added.getFirst().id(),
                added.size() == 1 ? details : details.put("jobs", ids));
    }

    // A key is the tenant's. Whose job has it, may not be told to, nor be changed by, a user who may not see it.
    private static Future<Void> free(Caller caller, TenantJobs tenant, List<String> keys) {
        if (keys.isEmpty() || !caller.ownOnly()) {
            return Future.succeededFuture();
        }
        return tenant.keyOfAnother(keys).map(taken -> {
            taken.ifPresent(key -> {
                throw new ApiException(Problem.CONFLICT, "the dedupeKey '" + key + "' belongs to another user's job");
            });
            return null;
        });
    }

    // As add_jobs reads them.
    private static ObjectNode element(JsonNode job, String field) {
        ObjectNode element = JsonText.object();
        element.set("task", job.get("jobType"));
        copy(job, "payload", element, "payload");
        copy(job, "priority", element, "priority");
        copy(job, "queue", element, "queue");
        copy(job, "dedupeKey", element, "key");
        if (job.has("dedupeKey")) {
            element.put("key_mode", job.path("keyMode").asText("unsafe_dedupe"));
        } else if (job.has("keyMode")) {
            throw ApiException.invalid(field + ".keyMode", "needs a dedupeKey beside it");
        }
        element.put("max_attempts", job.path("maxRetries").asInt(3) + 1);
        if (job.has("runAt")) {
            String runAt = job.get("runAt").textValue();
            element.put("run_at", Request.time(field + ".runAt", runAt).toString());
        }
        return element;
    }

    private static void copy(JsonNode from, String name, ObjectNode to, String newName) {
        if (from.has(name)) {
            to.set(newName, from.get(name));
        }
    }

    private Future<Answer> list(Request request, @Nullable List<String> statuses) {
        String cursor = request.text("cursor");
        int page = request.number("page");
        int pageSize = request.number("pageSize");
        if ((long) (page - 1) * pageSize >= LOOKED_AT_FOR_TOTAL) {
            throw ApiException.invalid("query.page", "leads beyond 10,000 jobs; go on by cursor");
        }
        Filter filter = new Filter(
                owner(request.caller()),
                statuses,
                request.text("jobType"),
                request.text("dedupeKey"),
                request.text("queue"),
                request.text("error"),
                request.time("createdAfter"),
                request.time("createdBefore"));
        Long before = cursor == null ? null : Request.id("query.cursor", cursor);
        return store.within(
                        request.acting(),
                        "list jobs",
                        tenant -> before == null
                                ? tenant.list(filter, null, (page - 1) * pageSize, pageSize, LOOKED_AT_FOR_TOTAL)
                                : tenant.list(filter, before, 0, pageSize, LOOKED_AT))
                .map(found -> listed(request, found, before == null ? page : 0, pageSize));
    }

    /** Whose jobs exist for a caller; null for those of all users. */
    static @Nullable UUID owner(Caller caller) {
        if (caller.ownOnly() && caller.actor() == null) {
            throw new ApiException(
                    Problem.FORBIDDEN,
                    "the token names no user, and " + Caller.ALL_OF_TENANT + " is not among its permissions");
        }
        return caller.ownOnly() ? caller.actor() : null;
    }

    private static Answer listed(Request request, Page found, int page, int pageSize) {
        ObjectNode answer = JsonText.object();
        answer.set("jobs", JsonText.trusted(found.documents()));
        if (page > 0) {
            answer.put("total", found.matching())
                    .put("totalIsCapped", !found.complete())
                    .put("page", page)
                    .put("pageSize", pageSize)
                    .put("totalPages", (found.matching() + pageSize - 1) / pageSize);
        }
        Long next = found.nextBefore();
        String cursor = next == null ? null : Long.toString(next);
        return Answer.page(request, answer, cursor);
    }

    private Future<Answer> get(Request request) {
        return store.within(
                        request.acting(),
                        "look up a job",
                        tenant -> visible(request, tenant.findWhole(request.id("jobId"))))
                .map(job -> {
                    ObjectNode answer = JsonText.object();
                    answer.set("job", JsonText.trusted(job.document()));
                    return Answer.ok(answer);
                });
    }

    private Future<Answer> cancel(Request request) {
        String reason = request.body().path("reason").asText("cancelled through the API");
        return store.within(
                request.acting(),
                "cancel a job",
                tenant -> find(request, tenant).compose(job -> {
                    if (!job.canCancel()) {
                        throw new ApiException(
                                Problem.CONFLICT, "the job is " + job.status() + " and cannot be cancelled any more");
                    }
                    // It may have died since: that is no longer a job to cancel, and the transaction is rolled back.
                    return tenant.cancel(job.id(), reason).compose(former -> {
                        if (former.isEmpty() || former.get().equals("dead")) {
                            throw new ApiException(Problem.CONFLICT, "the job ended a moment ago");
                        }
                        return tenant.record(
                                        request.caller().who(),
                                        "jobs.cancel",
                                        "job/" + job.id(),
                                        new JsonObject().put("reason", reason))
                                .map(Answer.done("Job cancelled successfully"));
                    });
                }));
    }

    private Future<Answer> retry(Request request) {
        return store.within(
                request.acting(),
                "retry a job",
                tenant -> find(request, tenant).compose(job -> {
                    if (!job.canRetry()) {
                        throw new ApiException(
                                Problem.CONFLICT,
                                job.status().equals("failed")
                                        ? "its retries are used up: " + job.retryCount() + " of " + job.maxRetries()
                                        : "only a failed job can be retried, this one is " + job.status());
                    }
                    return retry(request, tenant, job, "jobs.retry");
                }));
    }

    /** Starts a dead letter over, for this request. */
    static Future<Answer> retry(Request request, TenantJobs tenant, Found job, String action) {
        return tenant.retry(job.id(), request.caller().who()).compose(former -> {
            if (former.isEmpty()) {
                throw new ApiException(Problem.CONFLICT, "somebody else retried the job a moment ago");
            }
            return tenant.record(
                            request.caller().who(),
                            action,
                            "job/" + job.id(),
                            new JsonObject().put("formerTraceparent", former.get()))
                    .map(Answer.done("Job retry initiated successfully").following(former.get()));
        });
    }

    /** The job that the path names, without a payload beyond 64 KiB. */
    static Future<Found> find(Request request, TenantJobs tenant) {
        return visible(request, tenant.find(request.id("jobId")));
    }

    // What a caller may not see is not there for him.
    private static Future<Found> visible(Request request, Future<Optional<Found>> looked) {
        return looked.map(found -> found.filter(job -> request.caller().mayMeet(job.owner()))
                .orElseThrow(() -> new ApiException(Problem.NOT_FOUND, UNKNOWN)));
    }

    private static Map<String, String> location(long jobId) {
        return Map.of("Location", "/v1/jobs/" + jobId);
    }
}
