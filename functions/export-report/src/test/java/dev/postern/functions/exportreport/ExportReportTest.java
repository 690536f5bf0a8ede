package dev.postern.functions.exportreport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.runtime.ConfigurationMistakes;
import dev.postern.functions.runtime.FunctionUnderTest;
import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.FunctionUnderTest.Outcome;
import dev.postern.functions.runtime.Settings;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The export as its user has it: SQL in, a file out. */
class ExportReportTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final UUID OTHER = UUID.fromString("00000000-0000-0000-0000-000000000002");
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path exports;

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it.
    Path reports;

    @BeforeEach
    void makeQuotes() throws Exception {
        database.execute("drop table if exists public.quotes");
        database.execute("create table public.quotes (tenant uuid, day date, customer text, amount numeric, note text,"
                + " data jsonb, at timestamptz)");
        database.execute("alter table public.quotes enable row level security");
        database.execute(
                "create policy own on public.quotes to postern_tenant using (tenant = app_jobs.caller_tenant())");
        database.execute("grant select on public.quotes to postern_tenant");
        add("2026-01-15", "Ada, \"Countess\"", "12345678901234567890.10", "=1+1", "{\"a\": [1, null]}");
        add("2026-02-01", "Grace", "-5.00", "", "null");
        database.execute("insert into public.quotes values (?, '2026-01-20', 'Mallory', 1, null, null, now())", OTHER);
        report("quotes", """
                select q.day, q.customer, q.amount, q.note, q.data, q.at
                from public.quotes q
                where q.day >= coalesce(nullif(current_setting('export.date_from'), '')::date, '-infinity')
                  and q.day <= coalesce(nullif(current_setting('export.date_to'), '')::date, 'infinity')
                order by q.day;
                """);
    }

    private static void add(String day, String customer, String amount, String note, String data) {
        database.execute(
                "insert into public.quotes values (?, ?::date, ?, ?::numeric, ?, ?::jsonb, '2026-01-02T03:04:05Z')",
                JobDatabase.TENANT,
                day,
                customer,
                amount,
                note,
                data);
    }

    private void report(String name, String sql) throws Exception {
        Files.writeString(reports.resolve(name + ".sql"), sql);
    }

    private FunctionUnderTest<ExportPayload> fixture(String... more) {
        DatabaseConfig config = database.config();
        Map<String, String> settings = new HashMap<>(Map.of(
                "PGHOST", config.host(),
                "PGPORT", Integer.toString(config.port()),
                "PGUSER", config.user(),
                "PGPASSWORD", config.password(),
                "PGDATABASE", config.database(),
                "EXPORT_DIR", exports.toString(),
                "EXPORT_REPORTS_DIR", reports.toString()));
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        return FunctionUnderTest.start(
                ExportPayload.class, Main.wire(new Settings(settings), Clock.fixed(NOW, ZoneOffset.UTC)));
    }

    @Test
    void writesTheTenantsRowsAsCsv() throws Exception {
        try (var function = fixture()) {
            Called reply = call(function, 812, "{\"reportType\":\"quotes\",\"format\":\"csv\"}");

            assertThat(reply.outcome()).as(reply.error()).isEqualTo(Outcome.COMPLETE);
            Path file = Path.of(URI.create(reply.result().path("downloadUrl").asText()));
            assertThat(Files.readString(file)).isEqualTo("""
                    day,customer,amount,note,data,at\r
                    2026-01-15,"Ada, ""Countess""\",12345678901234567890.10,'=1+1,"{""a"": [1, null]}",2026-01-02 03:04:05+00\r
                    2026-02-01,Grace,-5.00,"",null,2026-01-02 03:04:05+00\r
                    """);
            assertThat(file)
                    .isEqualTo(exports.resolve(JobDatabase.TENANT.toString()).resolve("quotes-812.csv"));
            assertThat(reply.result().path("fileSize").asLong()).isEqualTo(Files.size(file));
            assertThat(reply.result().path("recordCount").asLong()).isEqualTo(2);
            assertThat(reply.result().path("sha256").asText())
                    .isEqualTo(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file))));
            assertThat(reply.result().path("generatedAt").asText()).isEqualTo(NOW.toString());
            assertThat(reply.result().path("format").asText()).isEqualTo("csv");
        }
    }

    @Test
    void writesJsonThatKeepsTypesAndDigits() throws Exception {
        try (var function = fixture("EXPORT_URL", "https://files.example.com/exports/")) {
            Called reply = call(
                    function,
                    813,
                    "{\"reportType\":\"quotes\",\"format\":\"json\",\"filters\":{\"dateFrom\":\"2026-01-01\",\"dateTo\":\"2026-01-31\"}}");

            assertThat(reply.result().path("downloadUrl").asText())
                    .isEqualTo("https://files.example.com/exports/" + JobDatabase.TENANT + "/quotes-813.json");
            String text = Files.readString(file("quotes-813.json"));
            JsonNode rows = JSON.readTree(text);
            assertThat(rows).hasSize(1);
            assertThat(rows.at("/0/data/a/0").asInt()).isEqualTo(1);
            assertThat(rows.at("/0/at").asText()).isEqualTo("2026-01-02T03:04:05+00:00");
            assertThat(text).contains("\"amount\":12345678901234567890.10");
        }
    }

    @Test
    void keepsASpreadsheetFromRunningWhatAUserTyped() throws Exception {
        report("typed", """
                select v.typed
                from (values (1, '@SUM(A1)'), (2, E'\\t=1'), (3, E'\\n=1'), (4, '\uFF1D1+1'), (5, 'a;=1+1'), (6, E'b\\t=1'))
                  v (n, typed)
                order by v.n""");
        try (var function = fixture()) {
            call(function, 1, "{\"reportType\":\"typed\",\"format\":\"csv\"}");

            assertThat(Files.readString(file("typed-1.csv")))
                    .isEqualTo(
                            "typed\r\n'@SUM(A1)\r\n\"'\t=1\"\r\n\"'\n=1\"\r\n'\uFF1D1+1\r\n\"a;=1+1\"\r\n\"b\t=1\"\r\n");
        }
    }

    @Test
    void runsAReportThatAsksForKeysOfJson() throws Exception {
        report("keys", "select q.customer from public.quotes q where q.data ? 'a' -- and no more");
        try (var function = fixture()) {
            Called reply = call(function, 1, "{\"reportType\":\"keys\",\"format\":\"csv\"}");

            assertThat(reply.error()).isNull();
            assertThat(reply.result().path("recordCount").asInt()).isEqualTo(1);
        }
    }

    @Test
    void tellsSixSteps() throws Exception {
        try (var function = fixture()) {
            assertThat(call(function, 814, "{\"reportType\":\"quotes\",\"format\":\"csv\"}")
                            .progress())
                    .extracting(each ->
                            each.path("step").asInt() + "/" + each.path("steps").asInt())
                    .containsExactly("1/6", "2/6", "3/6", "4/6", "5/6", "6/6");
        }
    }

    @Test
    void exportsFinishedJobsAndDeadLettersOfTheTenantOutOfTheBox() throws Exception {
        database.addJob("boils", "{}");
        database.execute("select app_jobs.add_job(?, 'of-another')", OTHER);
        database.execute("select app_jobs.complete_jobs(array(select id from app_jobs.jobs))");
        database.addJob("burns", "{}");
        database.execute("select app_jobs.permanently_fail_jobs(array(select id from app_jobs.jobs), 'too hot')");
        try (var function = fixture()) {
            call(function, 1, "{\"reportType\":\"finished-jobs\",\"format\":\"json\"}");
            call(function, 2, "{\"reportType\":\"dead-letters\",\"format\":\"json\"}");

            assertThat(JSON.readTree(Files.readString(file("finished-jobs-1.json"))))
                    .singleElement()
                    .satisfies(row -> assertThat(row.path("task").asText()).isEqualTo("boils"));
            assertThat(JSON.readTree(Files.readString(file("dead-letters-2.json"))))
                    .singleElement()
                    .satisfies(
                            row -> assertThat(row.path("last_error").asText()).isEqualTo("too hot"));
        }
    }

    @Test
    void writesAnEmptyReportToo() throws Exception {
        try (var function = fixture()) {
            String past = ",\"filters\":{\"dateTo\":\"2020-01-01\"}}";
            assertThat(call(function, 1, "{\"reportType\":\"quotes\",\"format\":\"json\"" + past)
                            .result()
                            .path("recordCount")
                            .asInt(-1))
                    .isZero();
            call(function, 2, "{\"reportType\":\"quotes\",\"format\":\"csv\"" + past);

            assertThat(JSON.readTree(Files.readString(file("quotes-1.json")))).isEmpty();
            assertThat(Files.readString(file("quotes-2.csv"))).isEqualTo("day,customer,amount,note,data,at\r\n");
        }
    }

    @Test
    void refusesPayloadsThatCanNeverWorkNamingTheField() throws Exception {
        try (var function = fixture()) {
            for (Map.Entry<String, String> bad : Map.of(
                            "{}", "reportType",
                            "{\"reportType\":\"quotes\"}", "format",
                            "{\"reportType\":\"quotes\",\"format\":\"xlsx\"}", "format",
                            "{\"reportType\":\"../quotes\",\"format\":\"csv\"}", "reportType",
                            "{\"reportType\":\"quotes\",\"format\":\"csv\",\"filters\":{\"dateFrom\":\"yesterday\"}}",
                                    "filters.dateFrom",
                            "{\"reportType\":\"quotes\",\"format\":\"csv\",\"filters\":{\"dateFrom\":\"2026-02-01\",\"dateTo\":\"2026-01-01\"}}",
                                    "filters.dateTo")
                    .entrySet()) {
                Called reply = call(function, 1, bad.getKey());
                assertThat(reply.status()).as(bad.getKey()).isEqualTo(400);
                assertThat(reply.error()).as(bad.getKey()).startsWith(bad.getValue() + ": ");
            }
            assertThat(files()).isEmpty();
        }
    }

    @Test
    void refusesQueriesThatTheTenantMayNotRun() throws Exception {
        database.execute("create table if not exists public.salaries (n int)");
        report("salaries", "select * from public.salaries");
        report("writes", "with gone as (delete from public.quotes returning 1) select * from gone");
        report("two", "select 1; reset role");
        try (var function = fixture()) {
            for (String name : List.of("salaries", "writes", "two")) {
                Called reply = call(function, 1, "{\"reportType\":\"" + name + "\",\"format\":\"csv\"}");
                assertThat(reply.status()).as(name).isEqualTo(422);
                assertThat(reply.code()).isEqualTo("REPORT_QUERY_REFUSED");
            }
            assertThat(files()).isEmpty();
            assertThat(database.number("select count(*) from public.quotes")).isEqualTo(3);
        }
    }

    @Test
    void refusesMoreRowsThanItMayWrite() throws Exception {
        try (var function = fixture("EXPORT_MAX_ROWS", "1")) {
            Called reply = call(function, 1, "{\"reportType\":\"quotes\",\"format\":\"csv\"}");

            assertThat(reply.outcome()).isEqualTo(Outcome.DEAD);
            assertThat(reply.code()).isEqualTo("TOO_MANY_ROWS");
            assertThat(files()).isEmpty();
        }
    }

    @Test
    void replacesTheFileOfAnEarlierAttemptAndRemovesExpiredOnes() throws Exception {
        try (var function = fixture("EXPORT_KEEP_DAYS", "2")) {
            call(function, 1, "{\"reportType\":\"quotes\",\"format\":\"csv\"}");
            Path old = Files.writeString(file("quotes-0.csv"), "old");
            Path draft = Files.writeString(file("export-of-a-killed-attempt.draft"), "half");
            for (Path expired : List.of(old, draft)) {
                Files.setLastModifiedTime(expired, FileTime.from(NOW.minus(Duration.ofDays(3))));
            }
            add("2026-02-02", "Edsger", "1", "goto", "1");

            Called second = call(function, 1, "{\"reportType\":\"quotes\",\"format\":\"csv\"}");

            assertThat(second.result().path("recordCount").asInt()).isEqualTo(3);
            assertThat(files()).containsExactly(file("quotes-1.csv"));
            assertThat(Files.readString(file("quotes-1.csv"))).contains("Edsger");
        }
    }

    @Test
    void stopsAndLeavesNothingWhenTheJobWasCancelled() throws Exception {
        report("long", "select n from generate_series(1, 5000) n");
        try (var function = fixture()) {
            Called reply = call(function.cancelling(), 1, "{\"reportType\":\"long\",\"format\":\"csv\"}");

            assertThat(reply.error()).contains("stopped after 1000 rows");
            assertThat(files()).isEmpty();
        }
    }

    @Test
    void keepsToItsTenantsDirectory() throws Exception {
        try (var function = fixture()) {
            Called reply = callAs(function, OTHER, 1, "{\"reportType\":\"quotes\",\"format\":\"csv\"}");

            assertThat(reply.result().path("recordCount").asInt()).isEqualTo(1);
            assertThat(files()).containsExactly(exports.resolve(OTHER + "/quotes-1.csv"));
        }
    }

    @Test
    void saysAllThatIsWrongWithItsSettings() {
        assertThatThrownBy(() -> Main.wire(
                        new Settings(
                                Map.of("EXPORT_REPORTS_DIR", "/nowhere", "EXPORT_MAX_ROWS", "0", "JOBS_SCHEMA", "a b")),
                        Clock.systemUTC()))
                .isInstanceOfSatisfying(
                        ConfigurationMistakes.class,
                        mistakes -> assertThat(mistakes.lines()).hasSize(5));
    }

    private static Called call(FunctionUnderTest<ExportPayload> function, long job, String payload) {
        return callAs(function, JobDatabase.TENANT, job, payload);
    }

    private static Called callAs(FunctionUnderTest<ExportPayload> function, UUID tenant, long job, String payload) {
        return function.call(payload, "X-Job-Id", Long.toString(job), "X-Database-Id", tenant.toString());
    }

    private Path file(String name) {
        return exports.resolve(JobDatabase.TENANT.toString()).resolve(name);
    }

    private List<Path> files() throws Exception {
        try (Stream<Path> files = Files.walk(exports)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
