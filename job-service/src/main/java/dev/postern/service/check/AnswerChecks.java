package dev.postern.service.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.protocol.JobHeaders;
import dev.postern.service.check.Caller.Heard;
import dev.postern.service.check.Caller.Sent;
import dev.postern.sql.FollowUpJobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the function answers, and what it lives through. */
final class AnswerChecks {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int RESULT_LIMIT = 64 << 10;
    private static final int MIB = 1 << 20;
    private static final int ENDLESS_MIB = 64;

    private final Caller caller;
    private final String payload;

    AnswerChecks(Caller caller, String payload) {
        this.caller = caller;
        this.payload = payload;
    }

    Finding answers(Heard first) {
        if (first.ok()) {
            return first.reply()
                            .flatMap(reply -> reply.header(JobHeaders.JOB_ERROR))
                            .filter("true"::equals)
                            .isPresent()
                    ? Finding.fail(
                            Row.ANSWERS, "answered " + first.words() + " with X-Job-Error: true, which fails the job")
                    : Finding.pass(Row.ANSWERS, "HTTP " + first.status());
        }
        String advice = switch (first.status()) {
            case 0 -> "is it running there?";
            case 401 -> "does it want signatures? Set POSTERN_SIGNING_SECRET to its secret";
            case 400, 422 -> "give a payload that it takes with --payload FILE";
            case 404 -> "is the path right? The URL is called as it is";
            default ->
                first.status() >= 300 && first.status() < 400
                        ? "redirects are not followed: answer at the function's own URL"
                        : "see the function's log";
        };
        return Finding.fail(Row.ANSWERS, first.words() + " (" + advice + ")");
    }

    Finding jobId(Sent job, Heard first) {
        Heard refused = caller.call(caller.job(), "[]");
        Optional<String> echoed = first.reply().flatMap(reply -> reply.header(JobHeaders.JOB_ID));
        if (!echoed.equals(Optional.of(Long.toString(job.token().jobId())))) {
            return Finding.fail(
                    Row.JOB_ID,
                    "X-Job-Id is " + echoed.map(id -> "'" + id + "'").orElse("missing")
                            + ": without it this function's own 502, 503 and 504 count as a proxy's");
        }
        return refused.reply().isEmpty()
                        || refused.reply().get().header(JobHeaders.JOB_ID).isPresent()
                ? Finding.pass(Row.JOB_ID, "echoed")
                : Finding.fail(
                        Row.JOB_ID, "HTTP " + refused.status() + " lacks it, HTTP " + first.status() + " has it");
    }

    Finding result(Heard first) {
        Wire.Reply reply = first.reply().orElseThrow();
        if (reply.status() == 202) {
            return Finding.skip(Row.RESULT, "answers 202; the result is in the report");
        }
        if (reply.body().isEmpty()) {
            return Finding.pass(Row.RESULT, "none");
        }
        String type = reply.header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
        if (!type.matches("application/([a-z0-9.+-]+\\+)?json.*")) {
            return Finding.warn(
                    Row.RESULT, "the content type is '" + type + "', not JSON: the job completes without a result");
        }
        return judgeResult(Row.RESULT, reply.body());
    }

    /** For an answer and for a report alike. */
    static Finding judgeResult(Row row, String text) {
        int length = Caller.bytes(text).length;
        if (length > RESULT_LIMIT) {
            return Finding.fail(row, length + " bytes, " + RESULT_LIMIT + " are kept: the result is lost");
        }
        JsonNode json;
        try {
            json = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return Finding.fail(row, "the body calls itself JSON and is none");
        }
        if (text.contains("\\u0000")) {
            return Finding.warn(row, "has \\u0000 in it, which the database cannot hold: the result is lost");
        }
        try {
            FollowUpJobs.read(json.path("jobs").isArray() ? json.path("jobs") : JSON.createArrayNode());
        } catch (IllegalArgumentException e) {
            return Finding.fail(row, "its follow-up jobs make the job a dead letter: " + e.getMessage());
        }
        return Finding.pass(row, length + " bytes of JSON");
    }

    Finding headerCase() {
        for (boolean upper : List.of(false, true)) {
            Sent job = caller.job();
            Map<String, String> headers = new LinkedHashMap<>();
            caller.signed(caller.headers(job), payload)
                    .forEach((name, value) ->
                            headers.put(upper ? name.toUpperCase(Locale.ROOT) : name.toLowerCase(Locale.ROOT), value));
            Heard heard = caller.call(headers, payload);
            String how = upper ? "in capitals" : "in small letters";
            if (!heard.ok()) {
                return Finding.fail(Row.HEADER_CASE, "with names " + how + ": " + heard.words());
            }
            if (heard.reply().flatMap(reply -> reply.header(JobHeaders.JOB_ID)).isEmpty()) {
                return Finding.fail(Row.HEADER_CASE, "X-Job-Id was not recognised " + how);
            }
        }
        return Finding.pass(Row.HEADER_CASE, "small letters and capitals");
    }

    Finding moreHeaders() {
        Map<String, String> headers = new LinkedHashMap<>(caller.headers(caller.job()));
        headers.put("X-Actor-Id", "00000000-0000-0000-0000-00000000000a");
        headers.put("X-Entity-Id", "00000000-0000-0000-0000-00000000000e");
        headers.put("X-Request-Id", "check");
        headers.put("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        headers.put("ce-specversion", "1.0");
        headers.put("ce-id", "check");
        headers.put("ce-source", "/check");
        headers.put("ce-type", "dev.postern.job");
        headers.put("X-Job-Something-New", "yes");
        Heard heard = caller.call(caller.signed(headers, payload), payload);
        return heard.ok()
                ? Finding.pass(Row.MORE_HEADERS, "HTTP " + heard.status())
                : Finding.fail(Row.MORE_HEADERS, heard.words());
    }

    Finding keepAlive() {
        try (Wire wire = caller.connect()) {
            for (int call = 1; call <= 3; call++) {
                Map<String, String> headers = caller.signed(caller.headers(caller.job()), payload);
                Heard heard;
                try {
                    heard = Caller.heard(wire.call("POST", headers, Caller.bytes(payload)));
                } catch (IOException e) {
                    heard = caller.failed(e);
                }
                if (!heard.ok()) {
                    return Finding.fail(Row.KEEP_ALIVE, "call " + call + " on one connection: " + heard.words());
                }
                if (heard.reply().filter(Wire.Reply::closes).isPresent()) {
                    return Finding.warn(Row.KEEP_ALIVE, "closes after each call: every job costs a connection");
                }
            }
            return Finding.pass(Row.KEEP_ALIVE, "three calls on one connection");
        } catch (IOException e) {
            return Finding.fail(Row.KEEP_ALIVE, caller.failed(e).words());
        }
    }

    Finding repeated(Sent job) {
        Heard heard = caller.call(caller.again(job), payload);
        return heard.ok()
                ? Finding.pass(Row.REPEATED, "attempt 2 with the same Idempotency-Key: HTTP " + heard.status())
                : Finding.fail(
                        Row.REPEATED,
                        "attempt 2 with the same Idempotency-Key: " + heard.words()
                                + " (work that was done before is a success)");
    }

    Finding badPayload() {
        for (String body : List.of("{\"postern-check\":", "[]", "\"postern\"", "12", "null")) {
            Heard heard = caller.call(caller.job(), body);
            if (heard.reply().isEmpty() || heard.status() >= 500) {
                return Finding.fail(
                        Row.BAD_PAYLOAD,
                        "to the payload " + body + ": " + heard.words()
                                + " (it would be tried again, 25 times if nothing else is said)");
            }
            if (heard.ok() && body.startsWith("{")) {
                return Finding.warn(Row.BAD_PAYLOAD, "takes a body that is no JSON: it does not look at its payload");
            }
        }
        return Finding.pass(Row.BAD_PAYLOAD, "no JSON, arrays, plain values");
    }

    Finding refusalSaysWhy() {
        Heard heard = caller.call(caller.job(), "{\"postern-check\":");
        if (!heard.refused()) {
            return Finding.skip(Row.REFUSAL_SAYS_WHY, "refused nothing");
        }
        String text = heard.reply().map(Wire.Reply::body).orElse("").strip();
        if (text.isEmpty()) {
            return Finding.warn(Row.REFUSAL_SAYS_WHY, "an empty body: last_error will say no more than the status");
        }
        return text.matches("(?s).*(\\n\\s+at |\\\\n\\s*at |Traceback \\(most recent).*")
                ? Finding.warn(Row.REFUSAL_SAYS_WHY, "answers a stack trace, which ends in last_error")
                : Finding.pass(Row.REFUSAL_SAYS_WHY, heard.words());
    }

    Finding method() {
        try (Wire wire = caller.connect()) {
            Heard heard = Caller.heard(wire.call("GET", caller.headers(caller.job()), new byte[0]));
            return heard.refused() || heard.status() == 501
                    ? Finding.pass(Row.METHOD, "GET: HTTP " + heard.status())
                    : Finding.fail(Row.METHOD, "GET: " + heard.words() + " (405 says that only POST is taken)");
        } catch (IOException e) {
            return Finding.fail(Row.METHOD, "GET: " + caller.failed(e).words());
        }
    }

    Finding bodyTooLarge() {
        Heard heard;
        int sent = 1;
        byte[] part = "x".repeat(MIB).getBytes(StandardCharsets.US_ASCII);
        try (Wire wire = caller.connect()) {
            Map<String, String> headers = caller.headers(caller.job());
            part[0] = '"';
            wire.send("POST", caller.path(), headers, (long) ENDLESS_MIB * MIB, part);
            part[0] = 'x';
            while (sent < ENDLESS_MIB && !wire.answered() && wire.sendMore(part)) {
                sent++;
            }
            heard = Caller.heard(wire.read());
        } catch (IOException e) {
            heard = caller.failed(e);
        }
        Heard after = caller.call(caller.job(), payload);
        if (!after.ok()) {
            return Finding.fail(
                    Row.BODY_TOO_LARGE, "after " + sent + " MiB it does not answer any more: " + after.words());
        }
        if (heard.refused()) {
            return Finding.pass(Row.BODY_TOO_LARGE, "HTTP " + heard.status() + " after " + sent + " MiB");
        }
        return heard.reply().isEmpty()
                ? Finding.warn(
                        Row.BODY_TOO_LARGE,
                        "closes the connection without a 413 after " + sent
                                + " MiB: to the worker it is unreachable, and the job comes again")
                : heard.status() >= 500
                        ? Finding.fail(Row.BODY_TOO_LARGE, heard.words() + " (413 ends it, a 5xx is tried again)")
                        : Finding.warn(Row.BODY_TOO_LARGE, "takes " + ENDLESS_MIB + " MiB into memory");
    }

    Finding hangUp() {
        byte[] body = Caller.bytes(payload);
        try {
            try (Wire half = caller.connect()) {
                half.send("POST", caller.path(), caller.headers(caller.job()), body.length + 100L, body);
            }
            try (Wire gone = caller.connect()) {
                Map<String, String> headers = caller.signed(caller.headers(caller.job()), payload);
                gone.send("POST", caller.path(), headers, body.length, body);
            }
        } catch (IOException e) {
            return Finding.fail(Row.HANG_UP, caller.failed(e).words());
        }
        Heard after = caller.call(caller.job(), payload);
        return after.ok()
                ? Finding.pass(Row.HANG_UP, "answers the next call")
                : Finding.fail(Row.HANG_UP, "the next call: " + after.words());
    }

    Finding health() {
        try (Wire wire = caller.connect()) {
            wire.send("GET", "/healthz", Map.of(), 0, new byte[0]);
            Wire.Reply reply = wire.read();
            return reply.status() == 200
                    ? Finding.pass(Row.HEALTH, "HTTP 200")
                    : Finding.warn(
                            Row.HEALTH,
                            "HTTP " + reply.status() + ": the chart's probes ask for it; name another probe");
        } catch (IOException e) {
            return Finding.warn(Row.HEALTH, caller.failed(e).words());
        }
    }
}
