package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.sql.Operations;
import dev.postern.sql.TenantStore;
import dev.postern.sql.TenantWork;
import dev.postern.sql.TenantWork.Summary;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What people look at and steer who keep it running: a tenant's queues, tasks and audit log, and, across tenants, the
 * workers, their targets, and the pause of a task.
 */
final class OperationRoutes {

    private final TenantStore store;

    OperationRoutes(TenantStore store) {
        this.store = store;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.ofEntries(
                Map.entry("listQueues", request -> list(request, "queues", this::queues)),
                Map.entry("getQueue", request -> one(request, "queue", this::queues)),
                Map.entry("pauseQueue", this::pauseQueue),
                Map.entry("resumeQueue", this::resumeQueue),
                Map.entry("listTasks", request -> list(request, "tasks", this::tasks)),
                Map.entry("getTask", request -> one(request, "task", this::tasks)),
                Map.entry("pauseTask", this::pauseTask),
                Map.entry("resumeTask", this::resumeTask),
                Map.entry("listWorkers", this::workers),
                Map.entry("getWorker", this::worker),
                Map.entry("listTargets", this::targets),
                Map.entry("listAuditLog", this::audit));
    }

    /** Of whom a page is asked for, or one; the number is how many to look for. */
    private record Wanted(
            @Nullable UUID owner,
            @Nullable String only,
            @Nullable String after,
            int limit) {}

    private Future<List<Summary>> queues(TenantWork work, Wanted wanted) {
        return work.queues(wanted.owner(), wanted.only(), wanted.after(), wanted.limit());
    }

    private Future<List<Summary>> tasks(TenantWork work, Wanted wanted) {
        return work.tasks(wanted.owner(), wanted.only(), wanted.after(), wanted.limit());
    }

    private Future<Answer> list(
            Request request, String name, BiFunction<TenantWork, Wanted, Future<List<Summary>>> look) {
        int pageSize = request.number("pageSize");
        Wanted wanted = new Wanted(JobRoutes.owner(request.caller()), null, request.text("cursor"), pageSize + 1);
        return store.within(request.acting(), "list " + name, tenant -> look.apply(tenant.work(), wanted))
                .map(found -> {
                    List<Summary> page = found.subList(0, Math.min(pageSize, found.size()));
                    ObjectNode answer = JsonText.object();
                    ArrayNode all = answer.putArray(name);
                    page.forEach(one -> all.add(JsonText.trusted(one.document())));
                    return Answer.page(
                            request,
                            answer,
                            found.size() > pageSize ? page.getLast().name() : null);
                });
    }

    private Future<Answer> one(
            Request request, String name, BiFunction<TenantWork, Wanted, Future<List<Summary>>> look) {
        Wanted wanted = new Wanted(JobRoutes.owner(request.caller()), request.text(name), null, 1);
        return store.within(request.acting(), "look up a " + name, tenant -> look.apply(tenant.work(), wanted))
                .map(found -> {
                    if (found.isEmpty()) {
                        throw new ApiException(Problem.NOT_FOUND, "no job of this " + name + " is alive");
                    }
                    ObjectNode answer = JsonText.object();
                    answer.set(name, JsonText.trusted(found.getFirst().document()));
                    return Answer.ok(answer);
                });
    }

    private Future<Answer> pauseQueue(Request request) {
        String queue = String.valueOf(request.text("queue"));
        return store.within(
                request.acting(),
                "pause a queue",
                tenant -> tenant.work()
                        .pauseQueue(queue, request.caller().who())
                        .compose(paused -> tenant.record(
                                request.caller().who(), "queues.pause", "queue/" + queue, new JsonObject()))
                        .map(Answer.done("Queue paused")));
    }

    private Future<Answer> resumeQueue(Request request) {
        String queue = String.valueOf(request.text("queue"));
        return store.within(
                request.acting(),
                "resume a queue",
                tenant -> tenant.work()
                        .resumeQueue(queue)
                        .compose(was -> was
                                ? tenant.record(
                                        request.caller().who(), "queues.resume", "queue/" + queue, new JsonObject())
                                : Future.failedFuture(new ApiException(Problem.CONFLICT, "the queue is not paused")))
                        .map(Answer.done("Queue resumed")));
    }

    private Future<Answer> pauseTask(Request request) {
        String task = String.valueOf(request.text("task"));
        return store.unbound(
                request.acting(),
                "pause a task",
                all -> all.pauseTask(task, request.caller().who())
                        .compose(paused ->
                                all.record(request.caller().who(), "tasks.pause", "task/" + task, new JsonObject()))
                        .map(Answer.done("Task paused")));
    }

    private Future<Answer> resumeTask(Request request) {
        String task = String.valueOf(request.text("task"));
        return store.unbound(
                request.acting(),
                "resume a task",
                all -> all.resumeTask(task)
                        .compose(was -> was
                                ? all.record(request.caller().who(), "tasks.resume", "task/" + task, new JsonObject())
                                : Future.failedFuture(new ApiException(Problem.CONFLICT, "the task is not paused")))
                        .map(Answer.done("Task resumed")));
    }

    private Future<List<JsonNode>> reports(Request request) {
        return store.unbound(request.acting(), "look for workers", Operations::workers)
                .map(found -> found.stream().map(JsonText::trusted).toList());
    }

    private Future<Answer> workers(Request request) {
        return reports(request).map(workers -> {
            ObjectNode answer = JsonText.object();
            answer.putArray("workers").addAll(workers);
            return Answer.ok(answer);
        });
    }

    private Future<Answer> worker(Request request) {
        return reports(request).map(workers -> {
            ObjectNode answer = JsonText.object();
            answer.set(
                    "worker",
                    workers.stream()
                            .filter(one -> one.get("id").textValue().equals(request.text("workerId")))
                            .findFirst()
                            .orElseThrow(() -> new ApiException(
                                    Problem.NOT_FOUND, "no such worker has reported in the last minutes")));
            return Answer.ok(answer);
        });
    }

    /** What each worker says of the targets that it spares: each knows its own. */
    private Future<Answer> targets(Request request) {
        String task = request.text("task");
        return reports(request).map(workers -> {
            ObjectNode answer = JsonText.object();
            ArrayNode targets = answer.putArray("targets");
            for (JsonNode worker : workers) {
                for (JsonNode target : worker.get("targets")) {
                    if (task == null || contains(target.get("tasks"), task)) {
                        ObjectNode known = target.deepCopy();
                        known.set("workerId", worker.get("id"));
                        known.set("seenAt", worker.get("seenAt"));
                        targets.add(known);
                    }
                }
            }
            return Answer.ok(answer);
        });
    }

    private static boolean contains(JsonNode tasks, String task) {
        for (JsonNode one : tasks) {
            if (one.textValue().equals(task)) {
                return true;
            }
        }
        return false;
    }

    private Future<Answer> audit(Request request) {
        String cursor = request.text("cursor");
        Long before = cursor == null ? null : Request.id("query.cursor", cursor);
        UUID owner = JobRoutes.owner(request.caller());
        return store.within(
                        request.acting(),
                        "read the audit log",
                        tenant -> tenant.work()
                                .audit(
                                        owner,
                                        before,
                                        request.text("action"),
                                        request.text("target"),
                                        request.number("pageSize")))
                .map(lines -> {
                    ObjectNode answer = JsonText.object();
                    ArrayNode entries = answer.putArray("entries");
                    lines.documents().forEach(one -> entries.add(JsonText.trusted(one)));
                    Long next = lines.nextBefore();
                    return Answer.page(request, answer, next == null ? null : Long.toString(next));
                });
    }
}
