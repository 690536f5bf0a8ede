package dev.postern.bench;

import dev.postern.service.local.FreePort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The HTTP API with 200 clients that listen to the events of 1,000 jobs, all of which progress; one client in ten is cut off
 * at each step and comes back with the last event's id. Counts events that came twice or backwards, and clients whose last
 * event is not the job's last step.
 */
final class LivePart implements Part {

    private static final String SECTION = "live events";
    private static final int JOBS = 1_000;
    private static final int CLIENTS = 200;
    private static final long STEP_MS = 500;

    private final Postern ours;

    LivePart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return "live";
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        int port = FreePort.any();
        Postern api = ours.with("POSTERN_ROLES", "api")
                .with("POSTERN_API_PORT", Integer.toString(port))
                .with("POSTERN_API_RATE", "0");
        int steps = (int) (size.seconds() * 6_000L / STEP_MS);
        Database database = api.prepare();
        List<Listener> listeners = new ArrayList<>();
        ResidentMemory memory;
        double seconds;
        try (Child server = api.start(database);
                HttpClient http = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build()) {
            memory = new ResidentMemory(server);
            api.enqueue(database, 0, JOBS);
            long first = (long) database.number("select min(id) from app_jobs.jobs");
            database.execute("select from app_jobs.claim_jobs('bench-live', null, " + JOBS + ", '1 day')");
            IntStream.range(0, CLIENTS)
                    .forEach(n -> listeners.add(new Listener(http, port, first + (long) n * JOBS / CLIENTS)));
            listeners.forEach(listener -> Thread.ofVirtual().start(listener));
            try {
                double cpu = Proc.cpuSeconds(server.pid());
                progress(server, database, steps, listeners, memory);
                seconds = Proc.cpuSeconds(server.pid()) - cpu;
            } finally {
                listeners.forEach(Listener::end);
                // Its close would wait for answers that never end.
                http.shutdownNow();
            }
        } finally {
            lab.postgres().drop(database);
        }
        report(figures, listeners, memory, seconds / steps * 1000);
    }

    private static void progress(
            Child server, Database database, int steps, List<Listener> listeners, ResidentMemory memory)
            throws InterruptedException {
        SplittableRandom random = new SplittableRandom(6);
        for (int step = 1; step <= steps; step++) {
            database.execute("update app_jobs.jobs set progress = jsonb_build_object('step', " + step + ", 'steps', "
                    + steps + ")");
            Thread.sleep(STEP_MS);
            memory.look();
            listeners.stream().filter(one -> random.nextInt(10) == 0).forEach(Listener::cutOff);
        }
        server.await(() -> listeners.stream().allMatch(one -> one.step.get() == steps));
    }

    private static void report(Figures figures, List<Listener> listeners, ResidentMemory memory, double cpuMs) {
        figures.add(SECTION, "events", "events", sum(listeners, one -> one.events));
        figures.add(SECTION, "connections cut off", "times", sum(listeners, one -> one.cuts));
        figures.add(SECTION, "events repeated or out of order", "events", sum(listeners, one -> one.wrong));
        figures.add(SECTION, "processor time for a step of " + JOBS + " jobs", "ms", Series.of(cpuMs));
        memory.report(figures, SECTION);
    }

    private static Series sum(List<Listener> listeners, Function<Listener, AtomicInteger> count) {
        return Series.of(
                listeners.stream().mapToInt(one -> count.apply(one).get()).sum());
    }

    /** A client of one job; a virtual thread each. */
    private static final class Listener implements Runnable {

        final AtomicInteger step = new AtomicInteger(-1);
        final AtomicInteger events = new AtomicInteger();
        final AtomicInteger wrong = new AtomicInteger();
        final AtomicInteger cuts = new AtomicInteger();
        private final HttpClient http;
        private final URI uri;
        private final AtomicReference<InputStream> open = new AtomicReference<>(InputStream.nullInputStream());
        private volatile boolean over;

        Listener(HttpClient http, int port, long jobId) {
            this.http = http;
            this.uri = URI.create("http://127.0.0.1:" + port + "/v1/jobs/" + jobId + "/events");
        }

        void cutOff() {
            cuts.incrementAndGet();
            close();
        }

        void end() {
            over = true;
            close();
        }

        private void close() {
            InputStream stream = open.get();
            if (stream == null) {
                return;
            }
            try {
                stream.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void run() {
            String id = "";
            while (!over) {
                HttpRequest.Builder request = HttpRequest.newBuilder(uri);
                if (!id.isEmpty()) {
                    request.header("Last-Event-ID", id);
                }
                try {
                    HttpResponse<InputStream> response = http.send(request.build(), BodyHandlers.ofInputStream());
                    open.set(response.body());
                    var lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
                    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                        if (line.startsWith("id: ")) {
                            id = line.substring(4);
                            heard(id);
                        }
                    }
                } catch (IOException e) {
                    // Cut off: it comes back.
                    continue;
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    over = true;
                }
            }
        }

        // A version ends in the step: 1.0-running-40-812.
        private void heard(String id) {
            int now = Integer.parseInt(id.substring(id.lastIndexOf('-') + 1));
            events.incrementAndGet();
            if (now <= step.get()) {
                wrong.incrementAndGet();
            }
            step.set(now);
        }
    }
}
