package dev.postern.functions.graphqlstandin;

import graphql.GraphQLContext;
import graphql.execution.CoercedVariables;
import graphql.language.StringValue;
import graphql.language.Value;
import graphql.schema.Coercing;
import graphql.schema.CoercingParseLiteralException;
import graphql.schema.CoercingParseValueException;
import graphql.schema.CoercingSerializeException;
import graphql.schema.GraphQLScalarType;
import java.util.Locale;
import java.util.UUID;

/** The two scalars that GraphQL does not bring. */
final class Scalars {

    static final GraphQLScalarType UUID_SCALAR = GraphQLScalarType.newScalar()
            .name("UUID")
            .coercing(new UuidCoercing())
            .build();

    /** Any JSON, read only: no query passes one in. */
    static final GraphQLScalarType JSON_SCALAR = GraphQLScalarType.newScalar()
            .name("JSON")
            .coercing(new JsonCoercing())
            .build();

    private Scalars() {}

    private static final class UuidCoercing implements Coercing<UUID, String> {

        @Override
        public String serialize(Object value, GraphQLContext context, Locale locale) {
            return value.toString();
        }

        @Override
        public UUID parseValue(Object value, GraphQLContext context, Locale locale) {
            try {
                return UUID.fromString(value.toString());
            } catch (IllegalArgumentException e) {
                throw new CoercingParseValueException("expected a UUID", e);
            }
        }

        @Override
        public UUID parseLiteral(Value<?> literal, CoercedVariables variables, GraphQLContext context, Locale locale) {
            if (literal instanceof StringValue text) {
                try {
                    return UUID.fromString(text.getValue());
                } catch (IllegalArgumentException e) {
                    throw new CoercingParseLiteralException("expected a UUID", e);
                }
            }
            throw new CoercingParseLiteralException("expected a UUID in quotes");
        }
    }

    private static final class JsonCoercing implements Coercing<Object, Object> {

        @Override
        public Object serialize(Object value, GraphQLContext context, Locale locale) throws CoercingSerializeException {
            return value;
        }
    }
}
