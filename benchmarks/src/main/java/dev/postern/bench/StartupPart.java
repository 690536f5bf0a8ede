package dev.postern.bench;

import dev.postern.service.local.FreePort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * From the start of a function's process to its first 200, on one core, with the AOT cache that its image has and without.
 * In turns.
 */
final class StartupPart implements Part {

    private static final String SECTION = "start-up";
    private static final String FUNCTION = "system-ping";
    private static final byte[] HEALTH =
            "GET /healthz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        String module = "functions/" + FUNCTION;
        String jar = module + "/target/" + FUNCTION + ".jar";
        List<String> flags = Postern.flags(lab.home().resolve(module).resolve("Dockerfile"));
        Path cache = lab.scratch(FUNCTION + ".aot");
        lab.progress().say("rehearsing, for the cache");
        try (Child rehearsal = lab.start(
                FUNCTION + "-rehearsal",
                lab.java(List.of("-XX:AOTCacheOutput=" + cache, "-Dpostern.rehearsal=true"), jar),
                Map.of())) {
            rehearsal.awaitEnd();
        }
        List<Double> plain = new ArrayList<>();
        List<Double> cached = new ArrayList<>();
        for (int turn = 1; turn <= size.turns(); turn++) {
            lab.progress().say("turn " + turn + " of " + size.turns());
            plain.add(firstAnswer(lab, lab.java(flags, jar)));
            List<String> with = new ArrayList<>(flags);
            with.add("-XX:AOTCache=" + cache);
            cached.add(firstAnswer(lab, lab.java(with, jar)));
        }
        Series without = new Series(plain);
        figures.add(SECTION, "a function, without a cache", "ms", without);
        figures.add(SECTION, "a function, as its image starts it", "ms", new Series(cached), Target.atMost(500));
        figures.add(SECTION, "cache / none", "×", new Series(cached).over(without));
    }

    /** Milliseconds; the process runs on the first core, this one where the system wishes. */
    private static double firstAnswer(Lab lab, List<String> java) throws InterruptedException {
        int port = FreePort.any();
        List<String> command = new ArrayList<>(List.of("taskset", "-c", "0"));
        command.addAll(java);
        long started = System.nanoTime();
        try (Child function =
                lab.start(FUNCTION, command, Map.of("PORT", Integer.toString(port), "POSTERN_HOST", "127.0.0.1"))) {
            function.await(() -> healthy(port));
            return (System.nanoTime() - started) / 1e6;
        }
    }

    private static boolean healthy(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write(HEALTH);
            String status = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            return status.equals("HTTP/1.1 200");
        } catch (IOException e) {
            return false;
        }
    }
}
