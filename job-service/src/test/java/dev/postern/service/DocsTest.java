package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.service.config.Setting;
import dev.postern.service.telemetry.Metrics;
import dev.postern.sql.JobDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the documentation says is so. The tables of docs/protocol.md are tested where their code is. */
class DocsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern FENCED = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
    private static final Pattern SETTING = Pattern.compile("\"(PORT|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\"");
    private static final Pattern TEST_NAME = Pattern.compile("`(\\w+Test)(?:\\.(\\w+))?`");

    @Test
    void configurationPageIsTheCatalogueOfSettings() {
        assertThat(read(ROOT.resolve("docs/configuration.md")))
                .as("docs/configuration.md; './postern settings --markdown' writes it")
                .isEqualTo(Setting.markdown());
    }

    @Test
    void sampleFunctionsPageListsTheirSettingsAndNoOthers() {
        String page = read(ROOT.resolve("docs/sample-functions.md"));
        List<String> sources = list(ROOT.resolve("functions"))
                .map(module -> module.resolve("src/main"))
                .filter(Files::isDirectory)
                .flatMap(DocsTest::tree)
                .filter(file -> file.toString().matches(".*\\.(java|xml|sql)"))
                .map(DocsTest::read)
                .toList();

        Set<String> read = sources.stream()
                .filter(source -> source.contains("Settings settings"))
                // The runtime's own are the business of docs/functions.md.
                .filter(source -> !source.contains("package dev.postern.functions.runtime;"))
                .flatMap(source -> SETTING.matcher(source).results().map(name -> name.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(read)
                .contains("PORT", "SMTP_HOST", "DELIVER_WEBHOOK_SECRETS")
                .allSatisfy(name -> assertThat(page).contains("`" + name));

        String everything = String.join("\n", sources);
        Set<String> listed = Pattern.compile("(?m)^\\| (`[A-Z][^|]*) \\|")
                .matcher(page)
                .results()
                .flatMap(row ->
                        Pattern.compile("`([A-Z_]+)`").matcher(row.group(1)).results())
                .map(name -> name.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(listed)
                .hasSizeGreaterThan(25)
                // A dry run's two are put together from the function's name.
                .allSatisfy(name -> assertThat(everything).contains(name.replaceFirst("^.*(?=_DRY_RUN)", "")));
    }

    @Test
    void sqlBlocksOfTheReadmeRunInTheirOrder() throws SQLException {
        List<String> blocks = FENCED.matcher(read(ROOT.resolve("README.md")))
                .results()
                .filter(block -> block.group(1).equals("sql"))
                .map(block -> block.group(2))
                .toList();
        assertThat(blocks).hasSizeGreaterThan(5);
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            for (String block : blocks) {
                runs(statement, block);
            }
        }
        assertThat(database.number("select count(*) from app_jobs.jobs")).isGreaterThan(3);
        assertThat(database.number("select count(*) from app_jobs.scheduled_jobs"))
                .isOne();
        assertThat(database.value("select state from app_jobs.job_history where key = 'ping-of-tonight'"))
                .isEqualTo("cancelled");
    }

    private static void runs(Statement statement, String block) {
        try {
            statement.execute(block);
        } catch (SQLException e) {
            throw new AssertionError("README.md has a block that does not run: " + e.getMessage() + "\n" + block, e);
        }
    }

    @Test
    void relativeLinksLeadSomewhere() {
        List<String> dead = pages().flatMap(page -> LINK.matcher(withoutCode(read(page)))
                        .results()
                        .map(link -> link.group(1))
                        .filter(target -> !target.matches("[a-z]+:.*"))
                        .filter(target -> !leadsSomewhere(page, target))
                        .map(target -> ROOT.relativize(page) + " -> " + target))
                .toList();
        assertThat(dead).isEmpty();
    }

    private static boolean leadsSomewhere(Path page, String target) {
        String[] parts = target.split("#", 2);
        Path file = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        return Files.exists(file) && (parts.length == 1 || anchors(read(file)).contains(parts[1]));
    }

    // As GitHub makes them: lower case, punctuation dropped, blanks as hyphens.
    private static Set<String> anchors(String page) {
        return HEADING.matcher(withoutCode(page))
                .results()
                .map(heading -> heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9 _-]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    @Test
    void everySqlFunctionIsNamed() {
        String page = read(ROOT.resolve("docs/job-lifecycle.md"));
        assertThat(functions())
                .hasSizeGreaterThan(30)
                .allSatisfy(function -> assertThat(page).contains("`" + function + "`"));
    }

    @Test
    void everyStateIsDescribed() {
        String page = read(ROOT.resolve("docs/job-lifecycle.md"));
        Set<String> states = Pattern.compile("'([a-z]+)'")
                .matcher(read(ROOT.resolve("sql/functions/R__job_state.sql")))
                .results()
                .map(state -> state.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(states)
                .contains("ready", "dead")
                .allSatisfy(state -> assertThat(page).contains("\n| " + state + " |"));
    }

    @Test
    void metricsPageListsWhatIsPrintedAndNothingElse() {
        Set<String> printed = Pattern.compile("(?m)^# TYPE (\\w+) (\\w+)$")
                .matcher(EverythingCounted.metrics().scrape())
                .results()
                .map(type -> type.group(1) + " " + type.group(2))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> listed = Pattern.compile("(?m)^\\| `(postern_\\w+)` \\| (\\w+) \\|")
                .matcher(read(ROOT.resolve("docs/observability.md")))
                .results()
                .map(row -> row.group(1) + " " + row.group(2))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(listed).isEqualTo(printed);
    }

    @Test
    void metricsOfTheProcessThatThePageNamesArePrinted() {
        Metrics metrics = new Metrics("1", List.of("worker"));
        metrics.watchProcess();
        System.gc();
        String printed = Awaitility.await().until(metrics::scrape, scraped -> scraped.contains("jvm_gc_pause_seconds"));

        assertThat(Pattern.compile("`((?:jvm|process|system)_\\w+)`")
                        .matcher(read(ROOT.resolve("docs/observability.md")))
                        .results())
                .hasSizeGreaterThan(4)
                .allSatisfy(named -> assertThat(printed).contains("# TYPE " + named.group(1)));
    }

    @Test
    void testsThatCarryThePromisesExist() {
        List<MatchResult> named =
                TEST_NAME.matcher(read(ROOT.resolve("README.md"))).results().toList();
        assertThat(named)
                .isNotEmpty()
                .allSatisfy(name -> assertThat(testClass(name.group(1)))
                        .as("source of %s", name.group())
                        .contains(name.group(2) == null ? name.group(1) : "void " + name.group(2) + "("));
    }

    private static String testClass(String name) {
        return Stream.concat(list(ROOT), list(ROOT.resolve("functions")))
                .map(module -> module.resolve("src/test/java"))
                .filter(Files::isDirectory)
                .flatMap(DocsTest::tree)
                .filter(file -> file.endsWith(name + ".java"))
                .findFirst()
                .map(DocsTest::read)
                .orElse("");
    }

    private static Stream<Path> tree(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> pages() {
        return Stream.concat(
                list(ROOT).filter(file -> file.toString().endsWith(".md")),
                Stream.concat(list(ROOT.resolve("docs")), list(ROOT.resolve("docs/adr")))
                        .filter(file -> file.toString().endsWith(".md")));
    }

    private static List<String> functions() {
        return list(ROOT.resolve("sql/functions"))
                .map(file -> file.getFileName().toString())
                .map(name -> name.substring("R__".length(), name.length() - ".sql".length()))
                .toList();
    }

    private static Stream<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String withoutCode(String page) {
        return FENCED.matcher(page).replaceAll("");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
