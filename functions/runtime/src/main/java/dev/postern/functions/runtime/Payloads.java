package dev.postern.functions.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DatabindException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** JSON in and out. Unknown fields are let through, so that callers may be newer than the function. Thread-safe. */
final class Payloads<P> {

    static final ObjectMapper JSON = JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .build();

    private static final byte[] EMPTY_OBJECT = {'{', '}'};

    private final ObjectReader reader;

    Payloads(Class<P> type) {
        this.reader = JSON.readerFor(type);
    }

    /** Reads a payload; an empty body is an empty object, as a job without a payload sends it. */
    P read(byte[] body) {
        P payload;
        try {
            payload = reader.readValue(body.length == 0 ? EMPTY_OBJECT : body);
        } catch (DatabindException e) {
            throw refused(e);
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " (line %d, column %d)"
                            .formatted(
                                    e.getLocation().getLineNr(), e.getLocation().getColumnNr());
            throw new BadPayload("body", "is not JSON" + where, e);
        } catch (IOException e) {
            throw new BadPayload("body", "cannot be read", e);
        }
        // A JSON null is read as no object at all.
        if (payload == null) {
            throw new BadPayload("body", "must be a JSON object, is null");
        }
        return payload;
    }

    private static BadPayload refused(DatabindException e) {
        if (e.getCause() instanceof BadPayload refusal) {
            return refusal;
        }
        String field = e instanceof JsonMappingException mapping ? field(mapping.getPath()) : null;
        String problem;
        if (e.getCause() instanceof IllegalArgumentException refusal && refusal.getMessage() != null) {
            problem = refusal.getMessage();
        } else if (e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
            problem = "cannot be read as " + mismatch.getTargetType().getSimpleName();
        } else {
            problem = "cannot be read";
        }
        return new BadPayload(field == null ? "body" : field, problem, e);
    }

    private static @Nullable String field(List<JsonMappingException.Reference> path) {
        StringBuilder name = new StringBuilder();
        for (JsonMappingException.Reference step : path) {
            if (step.getFieldName() == null) {
                name.append('[').append(step.getIndex()).append(']');
            } else {
                name.append(name.isEmpty() ? "" : ".").append(step.getFieldName());
            }
        }
        return name.isEmpty() ? null : name.toString();
    }
}
