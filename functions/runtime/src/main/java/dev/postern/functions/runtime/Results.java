package dev.postern.functions.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a result, with its follow-up jobs in it, as the contract carries it. */
final class Results {

    /** What Postern keeps. Of a larger one it would drop the result and the follow-up jobs with it, without a word. */
    private static final int LIMIT = 64 * 1024;

    private static final String FOLLOW_UPS = "jobs";

    private Results() {}

    /**
     * The JSON of what a function returned: an {@link Answer.Result}, any other value, or {@code null} for
     * {@code {}}.
     *
     * @throws JsonProcessingException when Jackson cannot write it
     * @throws PermanentFailure {@code RESULT_TOO_LARGE}: trying again would repeat the work and fail the same way
     */
    static byte[] json(@Nullable Object returned) throws JsonProcessingException {
        byte[] json = switch (returned) {
            case null -> bytes(Map.of());
            case Answer.Result result -> json(result);
            case Answer.Later later ->
                throw new IllegalStateException("accepted work must return a result, not another promise");
            default -> bytes(returned);
        };
        if (json.length > LIMIT) {
            throw PermanentFailure.withCode(
                    "RESULT_TOO_LARGE",
                    "the result has " + json.length + " bytes, " + LIMIT
                            + " are kept; store it elsewhere and return a link");
        }
        return json;
    }

    private static byte[] json(Answer.Result result) throws JsonProcessingException {
        if (result.followUps().isEmpty()) {
            return bytes(result.value());
        }
        JsonNode tree = Payloads.JSON.valueToTree(result.value());
        if (!(tree instanceof ObjectNode object) || object.has(FOLLOW_UPS)) {
            throw new IllegalStateException("a result with follow-up jobs must be an object without a field '"
                    + FOLLOW_UPS + "', for they travel in it");
        }
        object.set(FOLLOW_UPS, Payloads.JSON.valueToTree(result.followUps()));
        return bytes(object);
    }

    private static byte[] bytes(Object value) throws JsonProcessingException {
        return Payloads.JSON.writeValueAsBytes(value);
    }
}
