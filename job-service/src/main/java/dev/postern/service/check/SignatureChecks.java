package dev.postern.service.check;

import dev.postern.functions.protocol.JobHeaders;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.service.check.Caller.Heard;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** Whether the function takes what the worker signed and nothing else. */
final class SignatureChecks {

    private static final int TWO_HOURS = 7200;

    private final Caller caller;
    private final SigningKeys keys;
    private final String payload;
    private final InstantSource clock;

    SignatureChecks(Caller caller, CheckPlan plan, InstantSource clock) {
        this.caller = caller;
        this.keys = plan.signing();
        this.payload = plan.payload();
        this.clock = clock;
    }

    Stream<Finding> run(Heard first) {
        if (keys.isEmpty()) {
            return Stream.of(Row.SIGNED, Row.UNSIGNED, Row.FORGED)
                    .map(row -> Finding.skip(row, "POSTERN_SIGNING_SECRET is not set"));
        }
        return Stream.of(
                first.ok()
                        ? Finding.pass(Row.SIGNED, "HTTP " + first.status())
                        : Finding.fail(Row.SIGNED, first.words()),
                unsigned(),
                forged());
    }

    private Finding unsigned() {
        Heard heard = caller.call(caller.headers(caller.job()), payload);
        return heard.status() == 401
                ? Finding.pass(Row.UNSIGNED, heard.words())
                : Finding.fail(Row.UNSIGNED, heard.words() + " (anybody who reaches it can run jobs)");
    }

    private Finding forged() {
        long now = clock.instant().getEpochSecond();
        SigningKeys foreign = SigningKeys.parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        Map<String, Heard> forgeries = new LinkedHashMap<>();
        forgeries.put("another body", call(keys, now, "{\"changed\":true}"));
        forgeries.put("a foreign secret", call(foreign, now, payload));
        forgeries.put("a signature two hours old", call(keys, now - TWO_HOURS, payload));
        for (Map.Entry<String, Heard> forgery : forgeries.entrySet()) {
            if (forgery.getValue().status() != 401) {
                return Finding.fail(
                        Row.FORGED, forgery.getKey() + ": " + forgery.getValue().words());
            }
        }
        return Finding.pass(Row.FORGED, String.join(", ", forgeries.keySet()));
    }

    /** Sends the payload under the signature of {@code signedBody}. */
    private Heard call(SigningKeys signer, long time, String signedBody) {
        Map<String, String> headers = new LinkedHashMap<>(caller.headers(caller.job()));
        String id = headers.getOrDefault(JobHeaders.IDEMPOTENCY_KEY, "");
        headers.put(JobHeaders.WEBHOOK_ID, id);
        headers.put(JobHeaders.WEBHOOK_TIMESTAMP, Long.toString(time));
        headers.put(JobHeaders.WEBHOOK_SIGNATURE, signer.sign(id, time, Caller.bytes(signedBody)));
        return caller.call(headers, payload);
    }
}
