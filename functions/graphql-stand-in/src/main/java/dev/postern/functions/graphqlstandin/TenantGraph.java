package dev.postern.functions.graphqlstandin;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import graphql.ExecutionInput;
import graphql.GraphQL;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.GraphQLNonNull;
import graphql.schema.GraphQLObjectType;
import graphql.schema.idl.FieldWiringEnvironment;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.WiringFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The schema over the data. The file holds plain lists where the schema has connections; one fetcher turns the one into
 * the other, filters by {@code where} and cuts at {@code first}. Immutable; any thread may ask.
 */
final class TenantGraph {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<Map<String, Object>> DOCUMENT = new TypeReference<>() {};

    private final Map<String, Object> data;
    private final GraphQL graphql;

    private TenantGraph(Map<String, Object> data) throws IOException {
        this.data = data;
        String schema;
        try (InputStream file = resource("schema.graphqls")) {
            schema = new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
        RuntimeWiring wiring = RuntimeWiring.newRuntimeWiring()
                .scalar(Scalars.UUID_SCALAR)
                .scalar(Scalars.JSON_SCALAR)
                .wiringFactory(new Connections())
                .build();
        this.graphql = GraphQL.newGraphQL(
                        new SchemaGenerator().makeExecutableSchema(new SchemaParser().parse(schema), wiring))
                .build();
    }

    /** Over a data file in JSON; refuses one without the lists {@code databases} and {@code users}. */
    static TenantGraph read(InputStream file) throws IOException {
        Map<String, Object> data = JSON.readValue(file, DOCUMENT);
        for (String list : List.of("databases", "users")) {
            if (!(data.get(list) instanceof List)) {
                throw new IOException("expected a list named '" + list + "' in it");
            }
        }
        return new TenantGraph(data);
    }

    /** Over the data that ships with this module. */
    static TenantGraph shipped() throws IOException {
        try (InputStream file = resource("data.json")) {
            return read(file);
        }
    }

    /** The answer as the GraphQL specification lays it out: data, errors. */
    Map<String, Object> ask(String query, @Nullable String operation, Map<String, Object> variables) {
        return graphql.execute(ExecutionInput.newExecutionInput(query)
                        .operationName(operation)
                        .variables(variables)
                        .root(data)
                        .build())
                .toSpecification();
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(TenantGraph.class.getResourceAsStream(name), name);
    }

    private static final class Connections implements WiringFactory {

        @Override
        public boolean providesDataFetcher(FieldWiringEnvironment environment) {
            var type = environment.getFieldType() instanceof GraphQLNonNull wrapped
                    ? wrapped.getWrappedType()
                    : environment.getFieldType();
            return type instanceof GraphQLObjectType object && object.getName().endsWith("Connection");
        }

        @Override
        public DataFetcher<?> getDataFetcher(FieldWiringEnvironment environment) {
            String field = environment.getFieldDefinition().getName();
            return asked -> connection(asked, field);
        }

        private static Map<String, Object> connection(DataFetchingEnvironment asked, String field) {
            Map<?, ?> parent = Objects.requireNonNull(asked.getSource());
            List<?> all = parent.get(field) instanceof List<?> list ? list : List.of();
            Map<String, Map<String, Object>> where = asked.getArgumentOrDefault("where", Map.of());
            List<?> matching = all.stream().filter(node -> matches(node, where)).toList();
            int first = asked.getArgumentOrDefault("first", matching.size());
            return Map.of("nodes", matching.stream().limit(Math.max(0, first)).toList(), "totalCount", matching.size());
        }

        private static boolean matches(Object node, Map<String, Map<String, Object>> where) {
            return where.entrySet().stream()
                    .allMatch(condition -> equalTo(node, condition.getKey(), condition.getValue()));
        }

        /** A filter without equalTo filters nothing, as in the platform. */
        private static boolean equalTo(Object node, String field, @Nullable Map<String, Object> filter) {
            Object wanted = filter == null ? null : filter.get("equalTo");
            return wanted == null
                    || (node instanceof Map<?, ?> fields
                            && wanted.toString().equals(String.valueOf(fields.get(field))));
        }
    }
}
