package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.sql.TaskSchemas.Registered;
import dev.postern.sql.TenantJobs;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The operations on JSON Schemas of payloads. A tenant sees its own and those for every tenant, and changes its own. */
final class TaskSchemaRoutes {

    private static final String UNKNOWN = "no schema is registered for this task";

    private final TenantStore store;
    private final Payloads payloads;

    TaskSchemaRoutes(TenantStore store, Payloads payloads) {
        this.store = store;
        this.payloads = payloads;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of(
                "listTaskSchemas", this::list,
                "getTaskSchema", this::get,
                "putTaskSchema", this::put,
                "deleteTaskSchema", this::delete);
    }

    private Future<Answer> list(Request request) {
        int pageSize = request.number("pageSize");
        return store.within(
                        request.acting(),
                        "list schemas",
                        tenant -> tenant.taskSchemas().list(request.text("cursor"), pageSize + 1))
                .map(found -> {
                    ObjectNode answer = JsonText.object();
                    List<Registered> page = found.subList(0, Math.min(pageSize, found.size()));
                    ArrayNode schemas = answer.putArray("taskSchemas");
                    page.forEach(one -> schemas.add(JsonText.trusted(one.document())));
                    return Answer.page(
                            request,
                            answer,
                            found.size() > pageSize ? page.getLast().jobType() : null);
                });
    }

    private Future<Answer> get(Request request) {
        return store.within(request.acting(), "look up a schema", tenant -> find(tenant, task(request)))
                .map(found -> answer(found.orElseThrow(TaskSchemaRoutes::unknown)));
    }

    private Future<Answer> put(Request request) {
        JsonNode schema = request.body().get("schema");
        String task = task(request);
        return payloads.checkSchema(schema)
                .compose(usable -> store.within(
                        request.acting(),
                        "register a schema",
                        tenant -> expected(request, tenant)
                                .compose(expected -> tenant.taskSchemas()
                                        .set(
                                                task,
                                                schema.toString(),
                                                request.caller().who(),
                                                expected))
                                .map(set -> set.orElseThrow(Preconditions::failed))
                                .compose(set -> record(request, tenant, "task-schemas.put", set))));
    }

    private Future<Answer> delete(Request request) {
        return store.within(
                request.acting(),
                "delete a schema",
                tenant -> expected(request, tenant)
                        .compose(expected -> tenant.taskSchemas()
                                .delete(task(request), expected)
                                .map(deleted -> deleted.orElseThrow(
                                        expected == null ? TaskSchemaRoutes::unknown : Preconditions::failed))
                                .compose(deleted -> record(request, tenant, "task-schemas.delete", deleted))));
    }

    private static Future<Answer> record(Request request, TenantJobs tenant, String action, Registered changed) {
        return tenant.record(
                        request.caller().who(),
                        action,
                        "task-schema/" + changed.jobType(),
                        new JsonObject().put("version", Long.toString(changed.version())))
                .map(answer(changed));
    }

    /** The version that the caller wants to replace: 0 for none, null for whatever is there. */
    private static Future<@Nullable Long> expected(Request request, TenantJobs tenant) {
        if (request.text("If-None-Match") == null && request.text("If-Match") == null) {
            return Future.succeededFuture(null);
        }
        // The one for every tenant is not the tenant's to replace: its own comes beside it.
        return find(tenant, task(request)).map(found -> {
            Optional<Registered> own = found.filter(Registered::own);
            Preconditions.check(request, own.map(TaskSchemaRoutes::etag));
            return own.map(Registered::version).orElse(0L);
        });
    }

    private static Future<Optional<Registered>> find(TenantJobs tenant, String task) {
        return tenant.taskSchemas()
                .of(List.of(task))
                .map(found -> found.stream().findFirst());
    }

    private static String etag(Registered registered) {
        return "\"" + registered.version() + "\"";
    }

    private static Answer answer(Registered registered) {
        ObjectNode answer = JsonText.object();
        answer.set("taskSchema", JsonText.trusted(registered.document()));
        return Answer.of(200, answer, Map.of("ETag", etag(registered)));
    }

    private static String task(Request request) {
        return String.valueOf(request.text("task"));
    }

    private static ApiException unknown() {
        return new ApiException(Problem.NOT_FOUND, UNKNOWN);
    }
}
