package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.local.FreePort;
import dev.postern.sql.JobDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The commands that ask the HTTP API, as their user has them: with an address and a token, and no database at hand. */
class ApiCommandsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    static Path directory;

    private static final int PORT = FreePort.any();
    private static final int KEYED_PORT = FreePort.any();
    private static final Map<String, String> OPEN = Map.of("POSTERN_API_URL", "http://127.0.0.1:" + PORT + "/");

    private static final List<ServiceProcess> services = new ArrayList<>();

    /** Only the API: what is added stays as it is. */
    @BeforeAll
    static void start() throws IOException, InterruptedException {
        Files.writeString(directory.resolve("key"), "a secret that is long enough for HS256\n");
        services.add(api(PORT, Map.of()));
        services.add(api(KEYED_PORT, keys()));
        for (ServiceProcess service : services) {
            service.awaitReady();
        }
    }

    @AfterAll
    static void stop() {
        services.forEach(ServiceProcess::close);
    }

    @AfterEach
    void noJobs() {
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @Test
    void addsListsShowsAndCancels() {
        String first = add("system-ping", "{\"n\": 1.50}");
        String second = add("export-report", "{}", "--run-at", "2030-01-31T08:00:00Z", "--max-attempts", "1");

        assertThat(run("jobs", "list")
                        .out()
                        .lines()
                        .map(line -> line.strip().replaceFirst("^\\d+", "ID").replaceFirst("20\\d\\d-.*?Z", "NOW")))
                .containsExactly(
                        "id  status  task           progress  retries  created at (UTC)      note",
                        "ID  queued  export-report            0/0      NOW  due at 2030-01-31T08:00:00Z",
                        "ID  queued  system-ping              0/3      NOW");
        assertThat(run("jobs", "list", "--limit", "1").out()).endsWith("\nand more; --limit shows them\n");
        assertThat(run("jobs", "list", "--status", "failed,running")).isEqualTo(new Ran(0, "no jobs\n", ""));
        List<String> json = run("jobs", "list", "--json", "--task", "system-ping")
                .out()
                .lines()
                .toList();
        assertThat(json).singleElement().asString().contains("\"n\":1.50");

        assertThat(run("jobs", "show", first).out())
                .startsWith("job " + first + "  task system-ping  queued\n  retries   0 of 3\n  created   20")
                .contains("\n  payload   {\"n\":1.50}\n  can       be cancelled\n");
        assertThat(new JsonObject(run("jobs", "show", second, "--json").out()).getBoolean("canCancel"))
                .isTrue();

        assertThat(run("jobs", "cancel", "--task", "export-report", "--dry-run").out())
                .isEqualTo("would cancel 1 job\n");
        assertThat(run("jobs", "cancel", first, "--reason", "ordered twice"))
                .isEqualTo(new Ran(0, "job " + first + " is cancelled\n", ""));
        assertThat(run("jobs", "cancel", first, second))
                .isEqualTo(new Ran(
                        1,
                        "job " + second + " is cancelled\n",
                        "postern: job " + first + ": the job is cancelled and cannot be cancelled any more\n"));
        assertThat(run("jobs", "show", first).out()).contains("\n  reason    ordered twice\n");
        add("a", "{}");
        add("b", "{}");
        assertThat(run("jobs", "cancel").code()).isEqualTo(2);
        assertThat(run("jobs", "cancel", "--all").out()).isEqualTo("cancelled 2 jobs\n");
    }

    @Test
    void retriesAndReplays() {
        String twice = add("a", "{}");
        String once = add("b", "{}", "--max-attempts", "1");
        die(twice, once);

        assertThat(run("dead-letters").out()).contains("  b          1/1  it broke\n");
        assertThat(run("jobs", "retry", twice, once, "999"))
                .isEqualTo(new Ran(
                        1,
                        "job " + twice + " is tried again\n",
                        "postern: job " + once + ": its retries are used up: 0 of 0; './postern replay " + once
                                + "' starts it over\n"
                                + "postern: job 999: there is no such job, or its history has been dropped\n"));
        assertThat(run("replay", once)).isEqualTo(new Ran(0, "replayed 1 dead letter\n", ""));
        die(twice, once);
        assertThat(run("replay", "--all", "--dry-run").out()).isEqualTo("would replay 2 dead letters\n");
        assertThat(run("replay", "--task", "b").out()).isEqualTo("replayed 1 dead letter\n");
        assertThat(run("replay", "--all").out()).isEqualTo("replayed 1 dead letter\n");
        assertThat(run("replay", "--all", "--error-like", "%x%").code()).isEqualTo(2);
        assertThat(run("replay", once).code()).isOne();
    }

    @Test
    void deadLettersAndSchedulesLookTheSameByApiAndByDatabase() {
        die(
                add("a", "{\"x\": 1}", "--key", "k", "--max-attempts", "1"),
                add("b", "{}", "--queue", "q", "--max-attempts", "1"));
        database.execute(
                "select app_jobs.add_scheduled_job(?, 'ping', schedule_info => '{\"rule\":\"30 2 * * *\","
                        + "\"tz\":\"Europe/Berlin\"}', job_key => 'nightly', missed_ticks => 'all',"
                        + " overlap => 'allow', jitter => '90 s')",
                tenant());
        database.execute("select app_jobs.add_scheduled_job(?, 'pong', schedule_info => '\"0 * * * *\"')", tenant());
        long last = database.number("select max(id) from app_jobs.scheduled_jobs");
        String id = Long.toString(last);
        String first = Long.toString(last - 1);

        for (List<String> command : List.of(
                List.of("dead-letters"),
                List.of("dead-letters", "--task", "a"),
                List.of("schedules"),
                List.of("schedules", "--json", "--next", "2"),
                List.of("schedules", "--id", id),
                List.of("schedules", "--task", "ping", "--limit", "1"),
                List.of("schedules", "pause", id),
                List.of("schedules", "--id", id),
                List.of("schedules", "resume", id),
                List.of("schedules", "pause", "999"),
                List.of("schedules", "delete", "999"))) {
            String[] arguments = command.toArray(String[]::new);
            assertThat(run(arguments)).as("%s", command).isEqualTo(Ran.postern(database, arguments));
        }
        // What the API does not tell is left out.
        List<JsonObject> letters = Ran.postern(database, "dead-letters", "--json")
                .out()
                .lines()
                .map(JsonObject::new)
                .peek(letter -> List.of("infra_failures", "errors", "superseded_at", "replayed_at", "replayed_by")
                        .forEach(letter::remove))
                .toList();
        assertThat(run("dead-letters", "--json")
                        .out()
                        .lines()
                        .map(JsonObject::new)
                        .map(ApiCommandsTest::withoutTimes))
                .isEqualTo(letters.stream().map(ApiCommandsTest::withoutTimes).toList());

        assertThat(run("schedules", "run", id).out()).matches("schedule " + id + " made job \\d+\n");
        Ran again = run("schedules", "run", id);
        assertThat(again.code()).isOne();
        assertThat(again.err()).startsWith("postern: Job ").hasLineCount(1);
        assertThat(run("schedules", "run", id, "--overlap").code()).isZero();
        assertThat(run("schedules", "delete", first).out()).isEqualTo("schedule " + first + " (ping) is deleted\n");
    }

    // The API has milliseconds.
    private static JsonObject withoutTimes(JsonObject letter) {
        letter.remove("died_at");
        letter.remove("created_at");
        return letter;
    }

    @Test
    void saysInOneLineWhyItCannot() {
        String id = add("a", "{}");
        Map<String, String> nobody = Map.of("POSTERN_API_URL", "http://127.0.0.1:" + FreePort.any());
        assertThat(Ran.run(nobody, "jobs", "list"))
                .isEqualTo(new Ran(
                        7,
                        "",
                        "postern: cannot reach the API at " + nobody.get("POSTERN_API_URL") + ": nobody listens there;"
                                + " './postern up' runs one here, --api or POSTERN_API_URL leads to another\n"));
        assertThat(Ran.run(nobody, "jobs", "watch", id).code()).isEqualTo(7);
        assertThat(Ran.run(Map.of(), "jobs", "list", "--api", "http://no.such.host.invalid")
                        .err())
                .contains("http://no.such.host.invalid: its host is not known;")
                .hasLineCount(1);
        assertThat(Ran.run(Map.of(), "jobs", "--api", "ftp://x", "list"))
                .isEqualTo(new Ran(
                        2,
                        "",
                        "postern: --api and POSTERN_API_URL take an address such as https://jobs.example.com, not"
                                + " 'ftp://x'\n"));
        for (List<String> command : List.of(List.of("show"), List.of("watch"), List.of("cancel"), List.of("retry"))) {
            Ran unknown = run("jobs", command.getFirst(), "999");
            assertThat(unknown.code()).isEqualTo(5);
            assertThat(unknown.err()).contains("there is no such job").hasLineCount(1);
        }
        assertThat(run("jobs", "list", "--status", "dead").code()).isEqualTo(2);
        assertThat(run("jobs", "add", "a", "{").code()).isEqualTo(2);
        assertThat(run("jobs").code()).isEqualTo(2);
        // An API is named, so a command that needs the database does not take the local one for it.
        assertThat(run("purge", "--all", "--yes"))
                .isEqualTo(
                        new Ran(
                                1,
                                "",
                                "postern: POSTERN_API_URL is set, and this command works on the database: use './postern jobs',"
                                        + " or name the database by DATABASE_URL, or unset POSTERN_API_URL for the local one\n"));
    }

    @Test
    void showsATokenWhereTheApiAsksForOne() {
        Map<String, String> keyed = new HashMap<>(keys());
        String api = "http://127.0.0.1:" + KEYED_PORT;
        Ran none = Ran.run(keyed, "jobs", "list", "--api", api);
        assertThat(none.code()).isEqualTo(6);
        assertThat(none.err())
                .isEqualTo("postern: the API does not know who asks: send a token, as Authorization: Bearer ...;"
                        + " set POSTERN_API_TOKEN\n");

        keyed.put(
                "POSTERN_API_TOKEN",
                Ran.run(keyed, "token", "--user", "ada").out().strip());
        assertThat(Ran.run(keyed, "jobs", "add", "a", "--api", api).out()).endsWith(" inserted\n");
        assertThat(Ran.run(keyed, "jobs", "list", "--api", api).out()).contains("  queued  a ");
        assertThat(Ran.run(
                        keyed, "jobs", "list", "--api", api, "--database-id", "00000000-0000-0000-0000-000000000002"))
                .isEqualTo(new Ran(
                        2,
                        "",
                        "postern: the token of POSTERN_API_TOKEN says which tenant and user you are; leave the"
                                + " tenant out\n"));

        keyed.put(
                "POSTERN_API_TOKEN",
                Ran.run(keyed, "token", "--user", "bob", "--permissions", "jobs.view_jobs")
                        .out()
                        .strip());
        assertThat(Ran.run(keyed, "jobs", "list", "--api", api).out()).isEqualTo("no jobs\n");
        Ran refused = Ran.run(keyed, "jobs", "cancel", "1", "--api", api);
        assertThat(refused.code()).isEqualTo(6);
        assertThat(refused.err())
                .isEqualTo("postern: the API refuses this: the permission jobs.cancel_jobs is not among the token's\n");
        keyed.put("POSTERN_API_TOKEN", "made up");
        assertThat(Ran.run(keyed, "jobs", "list", "--api", api).code()).isEqualTo(6);
        keyed.put("POSTERN_API_TOKEN", "in two\nlines");
        assertThat(Ran.run(keyed, "jobs", "list", "--api", api).err())
                .isEqualTo("postern: Authorization cannot be sent: it has characters that no header takes\n");

        assertThat(Ran.run(keyed, "token", "--permissions", "everything").code())
                .isEqualTo(2);
        assertThat(Ran.run(Map.of(), "token").err()).contains("POSTERN_API_KEYS is not set");
    }

    /** The API is killed in the middle and started again; the watch goes on, and its exit code says how the job ended. */
    @Test
    void watchGoesOnAfterAKillAndEndsAsTheJob() throws Exception {
        CountDownLatch killed = new CountDownLatch(1);
        int port = FreePort.any();
        int callbackPort = FreePort.any();
        try (ScriptedFunction function = new ScriptedFunction()) {
            function.does(call -> {
                call.answer(202, "X-Job-Id", call.header("X-Job-Id"));
                call.callBack("/progress", false, "{\"step\": 2, \"steps\": 4}");
                killed.await();
                while (call.callBack("/complete", false, "{\"rows\": 812}") != 200) {
                    Thread.onSpinWait();
                }
            });
            Map<String, String> roles = Map.of(
                    "POSTERN_ROLES",
                    "worker,callback,scheduler",
                    "FUNCTION_URL",
                    function.url(),
                    "JOBS_CALLBACK_HOST",
                    "127.0.0.1",
                    "INTERNAL_JOBS_CALLBACK_PORT",
                    Integer.toString(callbackPort));
            Map<String, String> there = Map.of("POSTERN_API_URL", "http://127.0.0.1:" + port);
            try (ServiceProcess worker =
                            ServiceProcess.serve(database.config(), roles).awaitReady();
                    ServiceProcess first = api(port, Map.of()).awaitReady()) {
                String id = Ran.run(there, "jobs", "add", "report").out().split(" ")[0];
                try (ServiceProcess watch = ServiceProcess.start(there, "jobs", "watch", id);
                        ServiceProcess bar = ServiceProcess.start(terminal(there), "jobs", "watch", id)) {
                    awaitLine(watch, "job " + id + "  running  50 %, step 2 of 4");
                    awaitLine(bar, "50 %  2/4");
                    first.kill();
                    awaitLine(watch, "waiting for it up to 300 s");
                    awaitLine(bar, "the API is away, waiting");
                    killed.countDown();
                    try (ServiceProcess second = api(port, Map.of()).awaitReady()) {
                        assertThat(watch.await(Duration.ofSeconds(30))).isZero();
                        assertThat(watch.output)
                                .contains("postern: the API is back")
                                .filteredOn(line -> line.contains("50 %"))
                                .hasSize(1);
                        assertThat(watch.output.getLast())
                                .matches("job " + id + " \\(report\\) succeeded in .* s: \\{\"rows\":812}");
                        assertThat(bar.await(Duration.ofSeconds(30))).isZero();
                        assertThat(bar.output.getLast()).startsWith("job " + id + " (report) succeeded");
                        assertThat(Ran.run(there, "jobs", "watch", id, "--json")
                                        .out()
                                        .lines())
                                .singleElement()
                                .asString()
                                .startsWith("{\"job\":{\"id\":\"" + id);
                        assertThat(second.output).isNotEmpty();
                    }
                }
                assertThat(worker.output).isNotEmpty();
            }
        }
    }

    @Test
    void watchTellsFailedFromCancelled() {
        String failed = add("a", "{}");
        String cancelled = add("b", "{}");
        die(failed);
        run("jobs", "cancel", cancelled, "--reason", "too late");
        Ran first = run("jobs", "watch", failed);
        assertThat(first.code()).isEqualTo(3);
        assertThat(first.out())
                .endsWith("job " + failed + " (a) failed: it broke; './postern jobs retry " + failed
                        + "' tries it again\n");
        Ran second = run("jobs", "watch", cancelled);
        assertThat(second.code()).isEqualTo(4);
        assertThat(second.out()).endsWith("job " + cancelled + " (b) was cancelled: too late\n");
    }

    private static Map<String, String> keys() {
        return Map.of("POSTERN_API_KEYS", directory.resolve("key").toString());
    }

    private static Map<String, String> terminal(Map<String, String> environment) {
        Map<String, String> terminal = new HashMap<>(environment);
        terminal.put("POSTERN_TERMINAL", "80");
        return terminal;
    }

    private static void awaitLine(ServiceProcess process, String part) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(process.output).anyMatch(line -> line.contains(part)));
    }

    private static ServiceProcess api(int port, Map<String, String> others) {
        Map<String, String> environment = new HashMap<>(others);
        environment.put("POSTERN_ROLES", "api");
        environment.put("POSTERN_API_PORT", Integer.toString(port));
        return ServiceProcess.serve(database.config(), environment);
    }

    private static String add(String... arguments) {
        List<String> command = new ArrayList<>(List.of("jobs", "add"));
        command.addAll(List.of(arguments));
        Ran added = run(command.toArray(String[]::new));
        assertThat(added.err()).isEmpty();
        assertThat(added.out()).endsWith(" inserted\n");
        return added.out().split(" ")[0];
    }

    /** The attempts of these end, for good. */
    private static void die(String... ids) {
        for (String id : ids) {
            database.execute(
                    "update app_jobs.jobs set attempts = max_attempts, last_error = 'it broke',"
                            + " errors = '[{\"attempt\": 1, \"outcome\": \"dead\", \"at\": \"2026-01-01T00:00:00Z\"}]' where id = ?",
                    Long.valueOf(id));
        }
    }

    private static UUID tenant() {
        return new UUID(0, 1);
    }

    private static Ran run(String... arguments) {
        Map<String, String> environment = new HashMap<>(OPEN);
        environment.put("USER", "operator");
        return Ran.run(environment, arguments);
    }
}
