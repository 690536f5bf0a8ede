package dev.postern.bench;

import dev.postern.service.local.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Job-service as people run it: its jar, the image's flags, {@code serve}, default settings unless some are named. */
record Postern(Lab lab, String name, String task, Map<String, String> settings) implements Contender {

    static final String TENANT = "00000000-0000-0000-0000-000000000001";

    private static final int BATCH = 1_000;
    private static final Pattern QUOTED = Pattern.compile("\"([^\"]*)\"");

    Postern {
        settings = Map.copyOf(settings);
    }

    /** A worker with default settings. */
    static Postern worker(Lab lab) {
        return new Postern(lab, "Postern", "noop", Map.of("POSTERN_ROLES", "worker"));
    }

    Postern with(String setting, String value) {
        Map<String, String> more = new HashMap<>(settings);
        more.put(setting, value);
        return new Postern(lab, name, task, more);
    }

    Postern calling(String other) {
        return new Postern(lab, name, other, settings);
    }

    @Override
    public Database prepare() {
        return lab.postgres().migrated();
    }

    @Override
    public Child start(Database database) throws InterruptedException {
        int port = FreePort.any();
        int callbacks = FreePort.any();
        Map<String, String> environment = new HashMap<>(Map.of(
                "DATABASE_URL", database.url(),
                "FUNCTION_URL", lab.functions().url(),
                "HOSTNAME", "bench",
                "POSTERN_BIND_HOST", "127.0.0.1",
                "POSTERN_HTTP_PORT", Integer.toString(port),
                "JOBS_CALLBACK_HOST", "127.0.0.1",
                "INTERNAL_JOBS_CALLBACK_PORT", Integer.toString(callbacks)));
        environment.putAll(settings);
        List<String> command =
                lab.java(flags(lab.home().resolve("job-service/Dockerfile")), "job-service/target/job-service.jar");
        command.add("serve");
        Child worker = lab.start("postern", command, environment);
        try (HttpClient client = HttpClient.newHttpClient()) {
            worker.await(() -> ready(client, port));
        }
        return worker;
    }

    private static boolean ready(HttpClient client, int port) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/readyz"))
                .build();
        try {
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** What the image gives to java, so that the process here is the one that people get. */
    static List<String> flags(Path dockerfile) {
        try {
            String entry = Files.readAllLines(dockerfile).stream()
                    .filter(line -> line.startsWith("ENTRYPOINT"))
                    .findFirst()
                    .orElseThrow(() -> new BenchException(dockerfile + " has no ENTRYPOINT"));
            List<String> flags = new ArrayList<>();
            for (Matcher word = QUOTED.matcher(entry); word.find(); ) {
                // What names a file of the image is not here.
                if (word.group(1).matches("(-XX:[+-].*|-XX:(?!SharedArchiveFile|AOTCache)\\w+=.*|-X(?!X).*|--.*)")) {
                    flags.add(word.group(1));
                }
            }
            return flags;
        } catch (IOException e) {
            throw new BenchException("cannot read " + dockerfile, e);
        }
    }

    @Override
    public void enqueue(Database database, int first, int jobs) {
        enqueue(database, first, jobs, "json_build_object('n', n)");
    }

    /** Adds jobs whose payload is this expression of n. */
    void enqueue(Database database, int first, int jobs, String payload) {
        for (int from = first; from < first + jobs; from += BATCH) {
            database.number("select count(*) from app_jobs.add_jobs('" + TENANT + "', (select json_agg("
                    + "json_build_object('task', '" + task + "', 'payload', " + payload + ")) from generate_series("
                    + from + ", " + (Math.min(from + BATCH, first + jobs) - 1) + ") n))");
        }
    }

    @Override
    public String unfinished() {
        return "exists (select 1 from app_jobs.jobs)";
    }
}
