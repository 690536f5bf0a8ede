package dev.postern.api;

import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code If-Match} and {@code If-None-Match} on what is edited (RFC 9110, section 13). */
final class Preconditions {

    private Preconditions() {}

    /**
     * Refuses a request whose condition does not hold.
     *
     * @param current the tag of what is there; empty when nothing is
     */
    static void check(Request request, Optional<String> current) {
        String match = request.text("If-Match");
        String noneMatch = request.text("If-None-Match");
        if ((match != null && !names(match, current)) || (noneMatch != null && names(noneMatch, current))) {
            throw failed();
        }
    }

    static ApiException failed() {
        return new ApiException(
                Problem.PRECONDITION_FAILED, "it is not as If-Match or If-None-Match says: look at it again");
    }

    private static boolean names(@Nullable String tags, Optional<String> current) {
        return current.isPresent()
                && Arrays.stream(String.valueOf(tags).split(",", -1))
                        .map(String::strip)
                        .anyMatch(tag -> tag.equals("*") || tag.equals(current.get()));
    }
}
