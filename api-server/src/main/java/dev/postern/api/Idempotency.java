package dev.postern.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.sql.TenantJobs;
import io.vertx.core.Future;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/** Requests that may be sent again under an {@code Idempotency-Key}: done once, answered the same for a day. */
final class Idempotency {

    private Idempotency() {}

    /** Does the work, or answers what it was answered before, in the transaction of both. */
    static Future<Answer> once(Request request, String operation, TenantJobs tenant, Supplier<Future<Answer>> work) {
        String key = request.text("Idempotency-Key");
        if (key == null) {
            return work.get();
        }
        String hash = Caller.hex(operation + "\n" + request.body());
        return tenant.begin(key, hash).compose(begun -> {
            if (begun.first()) {
                return work.get()
                        .compose(answer -> tenant.end(key, kept(answer)).map(answer));
            }
            String before = begun.answer();
            if (before == null) {
                throw new ApiException(
                        Problem.CONFLICT, "the Idempotency-Key was used for another request within the last day");
            }
            return Future.succeededFuture(again((ObjectNode) JsonText.trusted(before)));
        });
    }

    private static String kept(Answer answer) {
        ObjectNode kept = JsonText.object().put("status", answer.status());
        kept.set("body", answer.body());
        ObjectNode headers = kept.putObject("headers");
        answer.headers().forEach(headers::put);
        return kept.toString();
    }

    private static Answer again(ObjectNode kept) {
        Map<String, String> headers = new HashMap<>();
        kept.get("headers")
                .properties()
                .forEach(
                        header -> headers.put(header.getKey(), header.getValue().asText()));
        headers.put("Idempotent-Replay", "true");
        return Answer.of(kept.get("status").intValue(), (ObjectNode) kept.get("body"), headers);
    }
}
