package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.cli.Postern;
import dev.postern.sql.JobDatabase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code ./postern add}: what it says, and what is in the database afterwards. */
class AddTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path directory;

    private final PrintStream stdout = System.out;
    private final PrintStream stderr = System.err;
    private final InputStream stdin = System.in;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeEach
    void listen() {
        database.execute("truncate app_jobs.jobs restart identity");
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void listenNoMore() {
        System.setOut(stdout);
        System.setErr(stderr);
        System.setIn(stdin);
    }

    @Test
    void saysTheIdAndWhatBecameOfTheJob() {
        assertThat(add("ping", "{\"a\":  1}", "--key", "k", "--queue", "q", "--run-at", "2031-01-31T08:00:00+01:00"))
                .isZero();
        assertThat(add("pong", "--key", "k", "--key-mode", "preserve_run_at")).isZero();
        assertThat(add("pang", "--key", "k", "--key-mode", "unsafe_dedupe")).isZero();
        assertThat(add("ping")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualToNormalizingNewlines("1 inserted\n1 replaced\n1 deduplicated\n4 inserted\n");
        assertThat(database.value("select task_identifier || ' ' || payload || ' ' || (run_at = '2031-01-31T07:00:00Z')"
                        + " from app_jobs.jobs where key = 'k'"))
                .isEqualTo("pong {} true");
    }

    @Test
    void addsALineEachOfAFileInBatchesOfAThousandAndCountsThem() throws IOException {
        database.execute("select app_jobs.add_job(?, 'there', job_key => 'there')", JobDatabase.TENANT);
        String lines = IntStream.rangeClosed(1, 2_400)
                .mapToObj(n -> "{\"task\": \"ping\", \"payload\": {\"n\": " + n + ".10}}\n")
                .collect(Collectors.joining());
        Path file = Files.writeString(
                directory.resolve("jobs.jsonl"),
                lines
                        + "\n{\"task\":\"a\",\"key\":\"there\"}\n{\"task\":\"b\",\"key\":\"there\",\"key_mode\":\"unsafe_dedupe\"}");

        assertThat(add("--batch", file.toString())).isZero();

        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualToNormalizingNewlines("1000 jobs\n2000 jobs\n2402 jobs\n");
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualToNormalizingNewlines("2402 jobs, 1 deduplicated, 2400 inserted, 1 replaced\n");
        assertThat(database.number("select count(*) from (select (payload ->> 'n')::numeric - lag((payload ->>"
                        + " 'n')::numeric) over (order by id) as step from app_jobs.jobs where task_identifier = 'ping') s"
                        + " where step <> 1"))
                .isZero();
        assertThat(database.value("select payload::text from app_jobs.jobs order by id desc limit 1"))
                .isEqualTo("{\"n\":2400.10}");
    }

    @Test
    void addsAnArrayFromTheStandardInputForATenant() {
        System.setIn(new ByteArrayInputStream(
                "[{\"task\": \"a\"},\n {\"task\": \"b\"}]\n".getBytes(StandardCharsets.UTF_8)));
        assertThat(add("--batch", "-", "--database-id", "00000000-0000-0000-0000-000000000007"))
                .isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualToNormalizingNewlines("2 jobs, 2 inserted\n");
        assertThat(database.number("select count(*) from app_jobs.jobs where database_id ="
                        + " '00000000-0000-0000-0000-000000000007'"))
                .isEqualTo(2);
    }

    @Test
    void saysHowFarItCameAndAddsNothingOfTheBatchThatIsRefused() throws IOException {
        String good = "{\"task\": \"ping\"}\n".repeat(1_004);
        assertThat(add("--batch", file(good + "{\"task\": \"ping\", \"queue\": 7}")))
                .isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .contains("the first 1000 jobs are added, the next batch is not (its element 1 is job 1001)")
                .contains("element 5: queue is no string");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(1_000);

        assertThat(add("--batch", file(good + "{\"task\": "))).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("no JSON at line 1005, column ");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(2_000);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"task": "a"} 7            | 0 | a job must be an object at line 1
            [{"task": "a"}, "b"]       | 0 | a job must be an object at line 1
            [{"task": "a"}] {}         | 0 | something follows the array
            [{"task": "a"}             | 0 | no JSON at line 1
            {"task": "a"} , {}         | 0 | no JSON at line 1
            ` `                        | 0 | 0 jobs
            []                         | 0 | 0 jobs
            """)
    void readsNothingButObjects(String file, long added, String said) throws IOException {
        add("--batch", file(file));
        assertThat(err.toString(StandardCharsets.UTF_8) + out).contains(said);
        assertThat(database.number("select count(*) from app_jobs.jobs")).isEqualTo(added);
    }

    @Test
    void saysInOneLineWhatIsWrong() throws IOException {
        assertThat(add("ping", "no json")).isEqualTo(1);
        assertThat(add("ping", "--key", "k", "--key-mode", "dedupe")).isEqualTo(1);
        assertThat(add("--batch", directory.resolve("none").toString())).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSize(3)
                .allMatch(line -> line.startsWith("postern: "));
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("key_mode is 'dedupe'; it is one of replace");
        assertThat(add()).isEqualTo(2);
        assertThat(add("ping", "--batch", file("[]"))).isEqualTo(2);
        assertThat(add("--key", "k", "--batch", file("[]"))).isEqualTo(2);
    }

    @Test
    void waitsForTheEndAndTellsIt() throws InterruptedException {
        try (ScriptedFunction function = new ScriptedFunction();
                ServiceProcess service = ServiceProcess.serve(
                        database.config(), Map.of("FUNCTION_URL", function.url(), "POSTERN_ROLES", "worker"))) {
            service.awaitReady();
            function.does(call -> call.answer(200));
            assertThat(add("ping", "--wait", "60")).isZero();
            function.does(call -> call.answer(400));
            assertThat(add("ping", "--wait", "60")).isEqualTo(1);
            assertThat(out.toString(StandardCharsets.UTF_8))
                    .isEqualToNormalizingNewlines("1 inserted\n1 succeeded\n2 inserted\n2 dead HTTP 400\n");
        }
        assertThat(add("ping", "--wait", "0")).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("job 3 has not ended within 0 s, it is ready");
        assertThat(add("--batch", "-", "--wait", "1")).isEqualTo(2);
    }

    private String file(String text) throws IOException {
        return Files.writeString(directory.resolve("jobs"), text).toString();
    }

    private int add(String... arguments) {
        String[] all = new String[arguments.length + 1];
        all[0] = "add";
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        return Postern.run(Ran.environment(database), all);
    }
}
