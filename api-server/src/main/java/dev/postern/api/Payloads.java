package dev.postern.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.api.ApiException.FieldError;
import dev.postern.sql.TaskSchemas.Registered;
import dev.postern.sql.TenantJobs;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Holds payloads against the schemas of their tasks, on threads of its own: the event loop only looks the schemas up.
 * Belongs to the server's context.
 */
final class Payloads {

    /** Schemas that are kept ready; each has 64 KiB of text at most. */
    private static final int REMEMBERED = 256;

    private static final int THREADS = 2;
    private static final int MOST_ERRORS = 20;

    private final WorkerExecutor threads;
    private final Map<Long, PayloadSchema> ready = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, PayloadSchema> eldest) {
            return size() > REMEMBERED;
        }
    };

    /**
     * A payload that is to be stored.
     *
     * @param field its name for people, such as {@code body[3].payload}
     * @param pointer where it stands in the body, as a JSON pointer
     */
    record Candidate(String jobType, JsonNode payload, String field, String pointer) {}

    /** A schema with what of it is ready. */
    private record Held(Registered registered, @Nullable PayloadSchema schema) {}

    private record Verdict(List<FieldError> errors, Map<Long, PayloadSchema> made) {}

    Payloads(Vertx vertx) {
        this.threads = vertx.createSharedWorkerExecutor("postern-payloads", THREADS);
    }

    Future<Void> close() {
        return threads.close();
    }

    /** Fails with an {@link ApiException} when a payload is not as the schema says that holds for its task. */
    Future<Void> check(TenantJobs tenant, List<Candidate> candidates) {
        Set<String> tasks = candidates.stream().map(Candidate::jobType).collect(Collectors.toSet());
        return tenant.taskSchemas().of(tasks).compose(registered -> {
            if (registered.isEmpty()) {
                return Future.succeededFuture();
            }
            Map<String, Held> schemas = new HashMap<>();
            registered.forEach(one -> schemas.put(one.jobType(), new Held(one, ready.get(one.version()))));
            return threads.executeBlocking(() -> judge(schemas, candidates), false)
                    .map(verdict -> {
                        ready.putAll(verdict.made());
                        if (!verdict.errors().isEmpty()) {
                            FieldError first = verdict.errors().getFirst();
                            throw new ApiException(
                                    Problem.PAYLOAD_REFUSED, first.field() + ": " + first.message(), verdict.errors());
                        }
                        return null;
                    });
        });
    }

    /** Reads a schema that somebody wants to register. */
    Future<Void> checkSchema(JsonNode document) {
        return threads.executeBlocking(
                () -> {
                    try {
                        PayloadSchema.of(document);
                        return null;
                    } catch (PayloadSchema.Unusable e) {
                        List<FieldError> errors = e.mistakes().stream()
                                .map(mistake -> error("body.schema", "/schema", mistake))
                                .toList();
                        throw new ApiException(
                                Problem.INVALID_REQUEST,
                                errors.getFirst().field() + ": "
                                        + errors.getFirst().message(),
                                errors);
                    }
                },
                false);
    }

    // On another thread.
    private static Verdict judge(Map<String, Held> schemas, List<Candidate> candidates) {
        Map<Long, PayloadSchema> made = new HashMap<>();
        Map<String, PayloadSchema> usable = new HashMap<>();
        for (Held held : schemas.values()) {
            PayloadSchema schema = held.schema();
            if (schema == null) {
                schema = read(held.registered());
                made.put(held.registered().version(), schema);
            }
            usable.put(held.registered().jobType(), schema);
        }
        List<FieldError> errors = new ArrayList<>();
        long work = 0;
        for (Candidate candidate : candidates) {
            PayloadSchema schema = usable.get(candidate.jobType());
            if (schema == null || errors.size() >= MOST_ERRORS) {
                continue;
            }
            work += schema.work(candidate.payload());
            if (work > PayloadSchema.MOST_WORK) {
                errors.add(new FieldError(
                        candidate.field(), "is too much to check against the schema of its task", candidate.pointer()));
                break;
            }
            schema.mistakes(candidate.payload())
                    .forEach(mistake -> errors.add(error(candidate.field(), candidate.pointer(), mistake)));
        }
        return new Verdict(errors, made);
    }

    // Through the API only schemas get in that can be read; SQL can register anything.
    private static PayloadSchema read(Registered registered) {
        try {
            return PayloadSchema.of(JsonText.trusted(registered.document()).get("schema"));
        } catch (PayloadSchema.Unusable e) {
            throw new ApiException(
                    Problem.PAYLOAD_REFUSED,
                    "the schema that is registered for '" + registered.jobType() + "' cannot be used: "
                            + e.getMessage());
        }
    }

    private static FieldError error(String field, String pointer, PayloadSchema.Mistake mistake) {
        StringBuilder name = new StringBuilder(field);
        for (String part : mistake.pointer().split("/", -1)) {
            if (part.matches("\\d+")) {
                name.append('[').append(part).append(']');
            } else if (!part.isEmpty()) {
                name.append('.').append(part.replace("~1", "/").replace("~0", "~"));
            }
        }
        return new FieldError(name.toString(), mistake.message(), pointer + mistake.pointer());
    }
}
