package dev.postern.api;

import static dev.postern.api.ApiServer.ADA;
import static dev.postern.api.ApiServer.TENANT;
import static dev.postern.api.ApiServer.adminToken;
import static dev.postern.api.ApiServer.userToken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.api.Contract.Operation;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Requests that are made from the contract by a seed, good ones and broken ones. Whatever is sent, the answer has a status
 * of the contract that is no 5xx, and a body of the shape that the contract has for it. {@code target/contract-test.txt}
 * counts them.
 */
class ContractTest {

    /** Of each operation; {@code -Dcontract.requests=5000} looks harder. */
    private static final int REQUESTS = Integer.getInteger("contract.requests", 300);

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @SuppressWarnings("NullAway.Init") // Before all.
    private static ApiServer api;

    private final Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
    private final AtomicInteger malformed = new AtomicInteger();
    private final Map<String, Shape> shapes = new ConcurrentHashMap<>();

    @BeforeAll
    static void start() {
        api = ApiServer.start(database);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Test
    void whateverIsSentIsAnsweredAsTheContractSays() throws Exception {
        long seed = Long.getLong("contract.seed", 20261128);
        List<Long> ids = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            ids.add(api.create(userToken(TENANT, ADA), "{\"jobType\": \"a\", \"payload\": {\"n\": " + i + "}}"));
        }
        ids.add(ids.getLast() + 1_000_000);
        database.execute(
                "select app_jobs.permanently_fail_jobs(array(select id from app_jobs.jobs where id % 3 = 0), 'x')");
        database.execute("select app_jobs.complete_jobs(array(select id from app_jobs.jobs where id % 3 = 1))");

        try (HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build();
                ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<?>> sent = new ArrayList<>();
            for (Operation operation : Contract.load().operations()) {
                for (int i = 0; i < REQUESTS; i++) {
                    GeneratedRequest request =
                            new GeneratedRequest(operation, new Random(seed + 31L * sent.size()), ids);
                    sent.add(threads.submit(() -> {
                        answered(operation, request, request.send(client, api, token(request)));
                        return null;
                    }));
                }
            }
            for (Future<?> one : sent) {
                one.get();
            }
        }
        int answers = seen.values().stream().mapToInt(AtomicInteger::get).sum();
        int refused = seen.entrySet().stream()
                .filter(one -> one.getKey().matches(".* 4.."))
                .mapToInt(one -> one.getValue().get())
                .sum();
        Files.writeString(
                Path.of("target", "contract-test.txt"),
                "%,d requests to %d operations, %,d of them broken on purpose, %,d answered 4xx; seed %d%n%s%n"
                        .formatted(answers, answers / REQUESTS, malformed.get(), refused, seed, new TreeMap<>(seen)));
        // Good ones and broken ones were among them, or nothing was shown.
        assertThat(seen.keySet())
                .contains("createJob 201", "createJob 400", "listJobs 200", "getJob 200", "getJob 404");
    }

    private static String token(GeneratedRequest request) {
        return switch (request.random().nextInt(20)) {
            case 0 -> "";
            case 1 -> "not.a.token";
            case 2 -> ApiServer.token(TENANT, ADA, List.of());
            case 3, 4, 5 -> userToken(TENANT, ADA);
            default -> adminToken(TENANT);
        };
    }

    private void answered(Operation operation, GeneratedRequest request, HttpResponse<InputStream> answer)
            throws IOException {
        String status = Integer.toString(answer.statusCode());
        seen.computeIfAbsent(operation.id() + " " + status, none -> new AtomicInteger())
                .incrementAndGet();
        if (request.malformed()) {
            malformed.incrementAndGet();
        }
        String type = answer.headers().firstValue("content-type").orElse("");
        String body;
        try (InputStream content = answer.body()) {
            // A stream has no end to wait for.
            body = type.equals("text/event-stream") ? "" : new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertThat(answer.statusCode()).as("%s\n%s", request, body).isLessThan(500);
        if (answer.headers().firstValue(FunctionRoutes.FUNCTION_STATUS).isPresent()) {
            // The function's own answer: whatever it is, the contract hands it on.
            assertThat(operation.responses().containsKey("default"))
                    .as("%s", request)
                    .isTrue();
            return;
        }
        JsonObject documented = operation.responses().getJsonObject(status);
        assertThat(documented)
                .as("%s is not documented for %s\n%s", status, request, body)
                .isNotNull();
        JsonObject content = documented.getJsonObject("content");
        if (content == null) {
            assertThat(body).as("%s", request).isEmpty();
            return;
        }
        assertThat(content.fieldNames()).as("%s\n%s", request, body).contains(type);
        if (type.endsWith("json")) {
            JsonObject schema = content.getJsonObject(type).getJsonObject("schema");
            Shape shape = shapes.computeIfAbsent(operation.id() + status, none -> new Shape(schema));
            assertThat(shape.errors("body", Json.decodeValue(body)))
                    .as("%s\n%s", request, body)
                    .isEmpty();
        }
    }
}
