package dev.postern.api;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code openapi.yaml}, read once: which operations there are, what each takes and who may call it. Read here and not by
 * vertx-openapi, which refuses contracts with {@code application/problem+json} or {@code text/event-stream} in them and
 * does not name the field that is wrong. Immutable.
 */
final class Contract {

    private static final String FILE = "openapi.yaml";
    private static final List<String> METHODS = List.of("get", "post", "put", "delete", "patch");

    private final String text;
    private final JsonObject document;
    private final List<Operation> operations = new ArrayList<>();

    /**
     * What can be asked for.
     *
     * @param id its name; a handler has the same
     * @param method in capitals
     * @param path as the contract has it, parameters in braces
     * @param summary one sentence for people
     * @param permission that a caller must have; empty where none is asked for
     * @param open whether nobody is asked who he is
     */
    record Operation(
            String id,
            String method,
            String path,
            String summary,
            List<Parameter> parameters,
            @Nullable Body body,
            Optional<String> permission,
            boolean open,
            JsonObject responses) {}

    /** A request's body: whether there must be one, and what it may be, an object or an array. */
    record Body(boolean required, Shape object, @Nullable Shape array) {}

    private Contract(String text) {
        this.text = text;
        try {
            this.document =
                    new JsonObject(new YAMLMapper().readValue(text, new TypeReference<Map<String, Object>>() {}));
        } catch (IOException e) {
            throw new UncheckedIOException("the contract is no YAML", e);
        }
        JsonObject paths = document.getJsonObject("paths");
        for (String path : paths.fieldNames()) {
            JsonObject item = paths.getJsonObject(path);
            METHODS.stream()
                    .filter(item::containsKey)
                    .forEach(method -> operations.add(operation(method, path, item.getJsonObject(method))));
        }
    }

    /** Reads the contract of this release. */
    static Contract load() {
        try (InputStream file = Contract.class.getResourceAsStream(FILE)) {
            if (file == null) {
                throw new IllegalStateException(FILE + " is missing in the jar");
            }
            return new Contract(new String(file.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As it is served. */
    String text() {
        return text;
    }

    List<Operation> operations() {
        return List.copyOf(operations);
    }

    /** Every permission that some operation asks for, and those that widen what it shows. */
    Set<String> permissions() {
        Set<String> permissions = new HashSet<>(Set.of(Caller.ALL_OF_TENANT));
        operations.forEach(operation -> operation.permission().ifPresent(permissions::add));
        return permissions;
    }

    private Operation operation(String method, String path, JsonObject spec) {
        JsonArray security = spec.getJsonArray("security", document.getJsonArray("security"));
        JsonArray permission =
                security.isEmpty() ? new JsonArray() : security.getJsonObject(0).getJsonArray("bearer");
        List<Parameter> parameters = new ArrayList<>();
        spec.getJsonArray("parameters", new JsonArray())
                .forEach(parameter -> parameters.add(Parameter.of((JsonObject) resolved(parameter))));
        JsonObject body = (JsonObject) resolved(spec.getJsonObject("requestBody", new JsonObject()));
        return new Operation(
                spec.getString("operationId"),
                method.toUpperCase(java.util.Locale.ROOT),
                path,
                spec.getString("summary"),
                List.copyOf(parameters),
                body.isEmpty() ? null : body(body),
                permission.isEmpty() ? Optional.empty() : Optional.of(permission.getString(0)),
                security.isEmpty(),
                (JsonObject) resolved(spec.getJsonObject("responses")));
    }

    // Of two shapes the one of the body's own kind is held against it: the other one's complaints would only confuse.
    private static Body body(JsonObject spec) {
        JsonObject schema =
                spec.getJsonObject("content").getJsonObject("application/json").getJsonObject("schema");
        boolean required = spec.getBoolean("required", false);
        JsonArray shapes = schema.getJsonArray("oneOf", new JsonArray().add(schema));
        Shape object = new Shape(shapes.getJsonObject(0));
        return new Body(required, object, shapes.size() == 1 ? null : new Shape(shapes.getJsonObject(1)));
    }

    // References are written out: nothing in the contract refers to itself. What stands beside one is for readers.
    private Object resolved(Object node) {
        if (node instanceof JsonObject object) {
            if (object.containsKey("$ref")) {
                return resolved(target(object.getString("$ref")));
            }
            JsonObject copy = new JsonObject();
            object.forEach(entry -> copy.put(entry.getKey(), resolved(entry.getValue())));
            return copy;
        }
        if (node instanceof JsonArray array) {
            JsonArray copy = new JsonArray();
            array.forEach(value -> copy.add(resolved(value)));
            return copy;
        }
        return node;
    }

    private Object target(String reference) {
        Object node = document;
        for (String name : reference.substring("#/".length()).split("/", -1)) {
            node = ((JsonObject) node).getValue(name);
            if (node == null) {
                throw new IllegalStateException("the contract refers to " + reference + ", which is not there");
            }
        }
        return node;
    }
}
