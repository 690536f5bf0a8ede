package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** docs/sql-api.md says of every function what the database says of it, and its examples print what it shows. */
class SqlApiDocTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final String PAGE = "../docs/sql-api.md";
    private static final Pattern SECTION = Pattern.compile("(?ms)^### (\\w+)$(.*?)(?=^##|\\z)");
    private static final Pattern SIGNATURE = Pattern.compile("\\A\\s*?\\n((?: {4}.*\\n)+)");
    private static final Pattern EXAMPLE = Pattern.compile("(?ms)^```sql\\n(.*?)^```\\n\\n```text\\n(.*?)^```$");
    private static final Pattern SQL = Pattern.compile("(?ms)^```sql\\n(.*?)^```$");
    private static final Pattern BLOCK = Pattern.compile("(?m)^```\\w");
    private static final Pattern RAISED = Pattern.compile("raise exception '(\\w+)' using\\s+errcode = '(\\w+)'");

    /** What tables and views have a section, and whether it must name each of their columns. */
    private static final Map<String, Boolean> RELATIONS = Map.of(
            "task_settings", true,
            "tenant_settings", true,
            "paused_queues", true,
            "priority_classes", true,
            "dead_letters", false,
            "api_jobs", false,
            "job_queues", false);

    /** A trigger whose effect is a notification: no statement can call it, and none can show what it did. */
    private static final Set<String> WITHOUT_EXAMPLE = Set.of("tg_notify_jobs");

    /** Triggers of our own tables, which no statement names; their examples show what they do. */
    private static final Set<String> TRIGGERS_OF_OURS =
            Set.of("tg_mark_dead_letter", "tg_mark_due", "tg_plan_schedule");

    @Test
    void everyFunctionHasASectionAndEverySectionAFunction() {
        Set<String> documented = new TreeSet<>(sections().keySet());
        assertThat(documented).containsAll(RELATIONS.keySet());
        documented.removeAll(RELATIONS.keySet());
        assertThat(documented).isEqualTo(new TreeSet<>(functions().keySet()));
    }

    @Test
    void signaturesAreThoseOfTheDatabase() {
        Map<String, String> sections = sections();
        assertThat(functions()).allSatisfy((function, signature) -> {
            Matcher written = SIGNATURE.matcher(sections.getOrDefault(function, ""));
            assertThat(written.find()).as("signature of %s", function).isTrue();
            assertThat(written.group(1).strip().replaceAll("\\s+", " ")).isEqualTo(signature);
        });
    }

    @Test
    void settingsTablesHaveAllTheirColumns() {
        Map<String, String> sections = sections();
        assertThat(RELATIONS).allSatisfy((relation, all) -> {
            List<Map<String, Object>> columns = database.rows(
                    "select column_name::text from information_schema.columns"
                            + " where table_schema = 'app_jobs' and table_name = ?",
                    relation);
            assertThat(columns).as("columns of %s", relation).isNotEmpty();
            if (all) {
                assertThat(columns)
                        .allSatisfy(column ->
                                assertThat(sections.get(relation)).contains("`" + column.get("column_name") + "`"));
            }
        });
    }

    @Test
    void errorsAreNamedWithTheirState() {
        String page = read(PAGE);
        Map<String, String> sections = sections();
        for (Map<String, Object> function : database.rows("select proname::text as name, prosrc as source from pg_proc"
                + " where pronamespace = 'app_jobs'::regnamespace")) {
            RAISED.matcher(String.valueOf(function.get("source"))).results().forEach(raised -> {
                assertThat(page).contains("| " + raised.group(2) + " | `" + raised.group(1) + "` |");
                assertThat(sections.getOrDefault(String.valueOf(function.get("name")), "")
                                .replaceAll("\\s+", " "))
                        .as("errors of %s", function.get("name"))
                        .contains("`" + raised.group(1) + "` (" + raised.group(2) + ")");
            });
        }
    }

    @Test
    void whoMayCallIsWhatIsGranted() throws SQLException {
        Map<String, String> sections = sections();
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            try {
                JobDatabase.rows(connection, "create role let_in_by_the_site");
                JobDatabase.rows(connection, "grant usage on schema app_jobs to let_in_by_the_site");
                JobDatabase.rows(connection, "select app_jobs.grant_roles()");
                for (Map<String, Object> function : JobDatabase.rows(
                        connection,
                        "select p.proname::text as name, case when has_function_privilege('public', p.oid, 'execute')"
                                + " then 'everybody' else concat_ws(', ',"
                                + " case when has_function_privilege('postern_worker', p.oid, 'execute')"
                                + " then '`postern_worker`' end,"
                                + " case when has_function_privilege('postern_tenant', p.oid, 'execute')"
                                + " then '`postern_tenant`' end,"
                                + " case when has_function_privilege('let_in_by_the_site', p.oid, 'execute')"
                                + " then 'roles of 0.15' end) end as who"
                                + " from pg_proc p where p.pronamespace = 'app_jobs'::regnamespace")) {
                    String section = sections.getOrDefault(String.valueOf(function.get("name")), "");
                    String who = "Who: " + function.get("who") + ".\n";
                    if (section.contains("\nWho: ") || !who.equals("Who: `postern_worker`.\n")) {
                        assertThat(section)
                                .as("who may call %s", function.get("name"))
                                .contains(who);
                    }
                }
            } finally {
                connection.rollback();
            }
        }
    }

    @Test
    void everySectionHasExamplesThatCallIt() {
        sections().forEach((name, section) -> {
            String examples = EXAMPLE.matcher(section)
                    .results()
                    .map(example -> example.group(1))
                    .collect(Collectors.joining("\n"));
            assertThat(BLOCK.matcher(section).results().count())
                    .as("blocks of %s: each sql block is followed by its output", name)
                    .isEqualTo(2 * EXAMPLE.matcher(section).results().count());
            if (!WITHOUT_EXAMPLE.contains(name)) {
                assertThat(examples)
                        .as("example of %s", name)
                        .contains(TRIGGERS_OF_OURS.contains(name) ? "app_jobs." : "app_jobs." + name);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> examplesPrintWhatThePageShows() {
        return sections().entrySet().stream()
                .map(section -> DynamicTest.dynamicTest(section.getKey(), () -> runExamples(section.getValue())));
    }

    @Test
    void sqlOfTheOperationsPageRuns() throws SQLException {
        List<String> blocks = SQL.matcher(read("../docs/operations.md"))
                .results()
                .map(block -> block.group(1))
                .toList();
        assertThat(blocks).hasSizeGreaterThan(3);
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String block : blocks) {
                try {
                    print(statement, block);
                } catch (SQLException e) {
                    throw new AssertionError(e.getMessage() + " in\n" + block, e);
                } finally {
                    connection.rollback();
                }
            }
        }
    }

    /** As on an empty database, and leaving it so: what a sequence gave away comes back with the restart's roll-back. */
    private static void runExamples(String section) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("alter sequence app_jobs.jobs_id_seq restart");
            statement.execute("alter sequence app_jobs.scheduled_jobs_id_seq restart");
            try {
                for (Matcher example = EXAMPLE.matcher(section); example.find(); ) {
                    String printed = print(statement, example.group(1));
                    assertThat(alike(lines(example.group(2)), lines(printed)))
                            .as("%s\nprinted\n%s\ninstead of\n%s", example.group(1), printed, example.group(2))
                            .isTrue();
                }
            } finally {
                connection.rollback();
            }
        }
    }

    private static List<String> lines(String text) {
        // A line of its own for each row, also for empty ones.
        return text.isEmpty()
                ? List.of()
                : Arrays.asList(text.substring(0, text.length() - 1).split("\n", -1));
    }

    private static boolean alike(List<String> shown, List<String> printed) {
        if (shown.size() != printed.size()) {
            return false;
        }
        for (int i = 0; i < shown.size(); i++) {
            String pattern = Arrays.stream(shown.get(i).split("…", -1))
                    .map(Pattern::quote)
                    .collect(Collectors.joining(".+"));
            if (!printed.get(i).matches(pattern)) {
                return false;
            }
        }
        return true;
    }

    /** What psql -Atq prints. */
    private static String print(Statement statement, String sql) throws SQLException {
        StringBuilder printed = new StringBuilder();
        for (boolean rows = statement.execute(sql);
                rows || statement.getUpdateCount() != -1;
                rows = statement.getMoreResults()) {
            if (rows) {
                try (ResultSet set = statement.getResultSet()) {
                    while (set.next()) {
                        List<String> columns = new ArrayList<>();
                        for (int i = 1; i <= set.getMetaData().getColumnCount(); i++) {
                            String column = set.getString(i);
                            columns.add(column == null ? "" : column);
                        }
                        printed.append(String.join("|", columns)).append('\n');
                    }
                }
            }
        }
        return printed.toString();
    }

    private static Map<String, String> functions() {
        Map<String, String> signatures = new LinkedHashMap<>();
        database.rows("select p.proname::text as name, pg_get_function_arguments(p.oid) as arguments,"
                        + " pg_get_function_result(p.oid) as result from pg_proc p"
                        + " where p.pronamespace = 'app_jobs'::regnamespace")
                .forEach(function -> signatures.put(
                        String.valueOf(function.get("name")),
                        "app_jobs." + function.get("name") + "(" + words(function.get("arguments")) + ") returns "
                                + words(function.get("result"))));
        return signatures;
    }

    /** A signature in the words of the page: lower case, short names of types, defaults without their casts. */
    private static String words(@Nullable Object signature) {
        return String.valueOf(signature)
                .replace("timestamp with time zone", "timestamptz")
                .replace("integer", "int")
                .replace("DEFAULT", "default")
                .replace("NULL::", "null::")
                .replace("OUT ", "out ")
                .replace("TABLE(", "table (")
                .replace("SETOF", "setof")
                .replaceAll("::[a-z ]+(\\[])?(?=,|$)", "");
    }

    private static Map<String, String> sections() {
        Map<String, String> sections = new LinkedHashMap<>();
        SECTION.matcher(read(PAGE)).results().forEach(section -> sections.put(section.group(1), section.group(2)));
        return sections;
    }

    private static String read(String page) {
        try {
            return Files.readString(Path.of(page));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
