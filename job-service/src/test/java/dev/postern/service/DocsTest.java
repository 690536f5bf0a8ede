package dev.postern.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.callback.CallbackListener;
import dev.postern.callback.CallbackListener.Report;
import dev.postern.scheduler.SchedulerListener;
import dev.postern.service.config.Setting;
import dev.postern.service.telemetry.Metrics;
import dev.postern.sql.Attempt;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.Outcome;
import dev.postern.sql.ReapedLease;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import dev.postern.sql.WorkerReport.Breaker;
import dev.postern.worker.WorkerListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
                .matcher(everythingCounted().scrape())
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

    private static Metrics everythingCounted() {
        Metrics metrics = new Metrics();
        metrics.listening("jobs:insert").accept(true);
        metrics.sampled(List.of(new JobDirectory.Count("system-ping", "ready", 1)), 0, 0);
        ClaimedJob job = new ClaimedJob(
                new Attempt(1, 1, new UUID(0, 1)),
                JobDatabase.TENANT,
                null,
                "system-ping",
                "{}",
                25,
                null,
                null,
                null,
                null,
                0,
                OffsetDateTime.of(2030, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC));
        WorkerListener worker = metrics.worker(WorkerListener.NONE);
        worker.claimed("worker-1", List.of(job), Duration.ofMillis(1));
        worker.claimFailed();
        worker.dispatched(job, Optional.empty());
        worker.answered(job, 200, Duration.ofMillis(1));
        worker.ended(job, Outcome.Complete.EMPTY, Verdict.ACCEPTED);
        worker.leaseLost(job);
        worker.cancelled(job);
        worker.released(job);
        worker.targetOpened("system-ping");
        worker.targetPaused("system-ping");
        worker.reported(new WorkerReport(
                "worker-1",
                Optional.empty(),
                64,
                1,
                List.of(new WorkerReport.Target(
                        List.of("system-ping"), Breaker.CLOSED, Duration.ZERO, Duration.ZERO, 64, 1, 0, 0, null))));
        CallbackListener callback = metrics.callback();
        callback.judged(Report.COMPLETE, 1, 1, Verdict.ACCEPTED);
        callback.answered(Report.COMPLETE, 200, Duration.ofMillis(1));
        SchedulerListener scheduler = metrics.scheduler();
        scheduler.ticked(1, "system-ping", Instant.EPOCH, 1, Duration.ofMillis(1));
        scheduler.passedOver(1, "system-ping", 1);
        scheduler.parked(1, "system-ping", "a reason");
        scheduler.reaped(new ReapedLease(1, "system-ping", 1, "worker-1", false, false));
        scheduler.pruned("succeeded", 1);
        scheduler.pruningPutOff("succeeded");
        scheduler.purged(1);
        return metrics;
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
