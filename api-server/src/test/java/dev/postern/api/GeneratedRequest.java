package dev.postern.api;

import dev.postern.api.Contract.Operation;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A request for an operation, made by a seed: as the contract has it, or broken in some way that clients find. */
final class GeneratedRequest {

    /** What trips readers of text: too long, another type, no text, half of something, other people's syntax. */
    private static final List<String> ODD = List.of(
            "",
            " ",
            "0",
            "-1",
            "1.5",
            "9223372036854775807",
            "9223372036854775808",
            "1e999",
            "NaN",
            "null",
            "true",
            "\0",
            "a\0b",
            "\ud800",
            "ä€🙂",
            "'; drop table jobs; --",
            "%",
            "%00",
            "\\",
            "../..",
            "{}",
            "[]",
            "\"",
            "0000-01-01T00:00:00Z",
            "2031-02-30T00:00:00Z",
            "2031-01-01T00:00:00",
            "294277-01-01T00:00:00Z",
            "2031-01-01T00:00:00+18:01",
            "x".repeat(600),
            "00000000-0000-0000-0000-000000000000");

    private final Operation operation;
    private final Random random;
    private final List<Long> ids;
    private final boolean broken;

    GeneratedRequest(Operation operation, Random random, List<Long> ids) {
        this.operation = operation;
        this.random = random;
        this.ids = ids;
        this.broken = random.nextBoolean();
    }

    Random random() {
        return random;
    }

    private String sent = "";
    private boolean malformed;

    /** Whether anything of it was broken on purpose; known once it is sent. */
    boolean malformed() {
        return malformed;
    }

    HttpResponse<InputStream> send(HttpClient client, ApiServer api, String token)
            throws IOException, InterruptedException {
        String path = path();
        byte[] body = operation.body() == null ? new byte[0] : body();
        List<String> headers = headers();
        if (body.length > 0) {
            headers.add("content-type");
            headers.add(
                    breaks(10)
                            ? one(List.of("text/plain", "application/xml", "application/json; charset=latin1", "x"))
                            : "application/json");
        }
        sent = operation.method() + " " + path + " " + headers + " " + token.length() + " "
                + new String(body, 0, Math.min(body.length, 500), StandardCharsets.UTF_8);
        HttpRequest.Builder request = api.request(path, token, headers.toArray(String[]::new));
        return client.send(
                request.method(
                                operation.method(),
                                body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
                        .build(),
                BodyHandlers.ofInputStream());
    }

    private String path() {
        String path = operation.path();
        List<String> query = new ArrayList<>();
        for (Parameter parameter : operation.parameters()) {
            if (parameter.in().equals("path")) {
                String id = breaks(4) ? one(ODD) : pathValue(parameter);
                path = path.replace("{" + parameter.name() + "}", encoded(id.isEmpty() ? "x" : id));
            } else if (parameter.in().equals("query") && random.nextInt(3) == 0) {
                query.add(parameter.name() + "=" + encoded(value(parameter)));
            }
        }
        if (breaks(8)) {
            query.add(one(List.of("unknown=1", "page=1", "page=2", "=", "&&", "a[]=1", "%F0%9F=1")));
        }
        return query.isEmpty() ? path : path + "?" + String.join("&", query);
    }

    private String pathValue(Parameter parameter) {
        return switch (parameter.name()) {
            case "task" -> one(List.of("a", "export_report", "ä🙂", "a/b", "100%"));
            default -> Long.toString(one(ids));
        };
    }

    private String value(Parameter parameter) {
        if (breaks(3)) {
            return one(ODD);
        }
        return switch (parameter.name()) {
            case "page", "pageSize" -> Integer.toString(1 + random.nextInt(4));
            // A test has no time for more.
            case "wait" -> Integer.toString(random.nextInt(2) * random.nextInt(2));
            case "cursor" -> Long.toString(one(ids));
            case "status" -> one(List.of("queued", "failed,succeeded", "cancelled", "running"));
            case "createdAfter", "createdBefore" -> one(List.of("2020-01-01T00:00:00Z", "2031-01-01T00:00:00.5+02:00"));
            default -> one(List.of("a", "export_report", "100%"));
        };
    }

    private List<String> headers() {
        List<String> headers = new ArrayList<>();
        for (Parameter parameter : operation.parameters()) {
            if (parameter.in().equals("header") && random.nextInt(4) == 0) {
                headers.add(parameter.name());
                headers.add(one(List.of(
                        "a",
                        "\"0.0-queued-0-0\"",
                        "k-" + random.nextInt(20),
                        "x".repeat(300),
                        "00-zz-1-2",
                        "respond-async",
                        "*",
                        "\"7\"")));
            }
        }
        return headers;
    }

    private byte[] body() {
        if (breaks(12)) {
            return new byte[0];
        }
        String text = Json.encode(json());
        if (breaks(5)) {
            text = one(List.of(
                    text.substring(0, random.nextInt(text.length()) / 2 + 1),
                    text + "}",
                    "[".repeat(2000),
                    "{\"jobType\": \"a\", \"payload\": " + "[".repeat(900) + "]".repeat(900) + "}",
                    "{\"jobType\": \"\\u0000\"}",
                    "{\"jobType\": \"\\ud800\"}",
                    "{\"jobType\": \"a\", \"payload\": 1e400}",
                    "{\"jobType\": \"a\", \"payload\": {\"\\u0000\": 1}}",
                    "{\"jobType\": \"a\", \"jobType\": 7}",
                    "\ufeff{}",
                    "nul",
                    "\"text\""));
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (breaks(10)) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    private @Nullable Object json() {
        boolean many = operation.id().equals("createJob") && random.nextInt(4) == 0;
        if (many) {
            JsonArray jobs = new JsonArray();
            for (int i = random.nextInt(4); i >= 0; i--) {
                jobs.add(job());
            }
            return jobs;
        }
        return switch (operation.id()) {
            case "createJob" -> job();
            case "enqueueJob" -> maybe(maybe(new JsonObject().put("jobName", "a"), "payload", any(2)), "jobName", "b");
            case "cancelJobs", "retryJobs", "replayDeadLetters" ->
                maybe(
                        maybe(
                                maybe(new JsonObject().put("dryRun", true), "jobType", "a"),
                                "limit",
                                1 + random.nextInt(5)),
                        "createdBefore",
                        "2031-01-01T00:00:00Z");
            case "createSchedule", "replaceSchedule" ->
                maybe(
                        maybe(
                                maybe(
                                        new JsonObject()
                                                .put("jobType", "a")
                                                .put("schedule", one(List.of("* * * * *", "0 0 1 1 *", "never"))),
                                        "key",
                                        "k" + random.nextInt(3)),
                                "jitterSeconds",
                                random.nextInt(5)),
                        "schedule",
                        new JsonObject().put("rule", "*/5 * * * *"));
            case "callFunction", "callFunctionAsync" -> any(3);
            case "putTaskSchema" ->
                new JsonObject()
                        .put(
                                "schema",
                                one(List.of(
                                        true,
                                        new JsonObject().put("type", "object"),
                                        new JsonObject().put("type", "thing"),
                                        new JsonObject().put("$ref", "#/$defs/a"))));
            case "runSchedule" -> maybe(new JsonObject(), "allowOverlap", true);
            default -> maybe(new JsonObject(), "reason", "because");
        };
    }

    private JsonObject job() {
        JsonObject job = new JsonObject().put("jobType", one(List.of("a", "export_report", "ä🙂")));
        maybe(job, "payload", any(3));
        maybe(job, "priority", random.nextInt());
        maybe(job, "maxRetries", random.nextInt(5));
        maybe(job, "runAt", one(List.of("2031-01-31T08:00:00Z", "2031-01-31T08:00:00.123456789+02:00")));
        maybe(job, "queue", "q" + random.nextInt(3));
        maybe(job, "dedupeKey", "k" + random.nextInt(5));
        maybe(job, "keyMode", one(List.of("replace", "preserve_run_at", "unsafe_dedupe")));
        return job;
    }

    private JsonObject maybe(JsonObject object, String field, @Nullable Object value) {
        if (random.nextInt(3) == 0) {
            object.put(breaks(20) ? field + "x" : field, breaks(6) ? any(1) : value);
        }
        return object;
    }

    private @Nullable Object any(int depth) {
        return switch (random.nextInt(depth > 0 ? 8 : 6)) {
            case 0 -> null;
            case 1 -> random.nextBoolean();
            case 2 -> random.nextLong();
            case 3 -> random.nextGaussian() * 1e300;
            case 4 -> one(List.of("a", "", "ä€🙂", "x".repeat(50)));
            case 5 -> random.nextInt(10);
            case 6 -> new JsonArray(Arrays.asList(any(depth - 1), any(depth - 1)));
            default -> new JsonObject().put(one(List.of("a", "b c", "")), any(depth - 1));
        };
    }

    private boolean breaks(int in) {
        boolean now = broken && random.nextInt(in) == 0;
        malformed |= now;
        return now;
    }

    private <T> T one(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public String toString() {
        return sent;
    }
}
