package dev.postern.service.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Jobs in a file, read as they are needed: a JSON array of objects, or objects one after the other as in one a line.
 * Numbers keep their digits.
 */
final class JobFile implements AutoCloseable {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private final JsonParser parser;
    private boolean array;
    private boolean begun;

    /** Reads from a stream, which {@link #close} closes. */
    JobFile(InputStream in) {
        try {
            this.parser = MAPPER.createParser(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The next jobs, at most so many; empty at the end.
     *
     * @throws IllegalArgumentException when what follows is no JSON object; those before it in the batch are lost
     */
    ArrayNode next(int limit) {
        ArrayNode batch = MAPPER.createArrayNode();
        try {
            while (batch.size() < limit && toNextJob()) {
                JsonNode job = MAPPER.readTree(parser);
                batch.add(job);
            }
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "no JSON" + where(e.getLocation()) + ": "
                            + e.getOriginalMessage().lines().findFirst().orElse("unreadable"),
                    e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return batch;
    }

    private boolean toNextJob() throws IOException {
        JsonToken token = parser.nextToken();
        if (!begun) {
            begun = true;
            array = token == JsonToken.START_ARRAY;
            if (array) {
                token = parser.nextToken();
            }
        }
        if (array && token == JsonToken.END_ARRAY) {
            array = false;
            token = parser.nextToken();
            if (token != null) {
                throw new IllegalArgumentException("something follows the array" + where(parser.currentLocation()));
            }
        }
        if (token == null) {
            return false;
        }
        if (token != JsonToken.START_OBJECT) {
            throw new IllegalArgumentException("a job must be an object" + where(parser.currentLocation()));
        }
        return true;
    }

    private static String where(JsonLocation location) {
        return " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
